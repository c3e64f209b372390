"""`POST /feedback`: labels are on record before they are acknowledged, or refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from classification_model.runtime.log.label_log import iter_labels
from conftest import KEY, ROW, Server

pytestmark = pytest.mark.slow


ID = "01900000-0000-7000-8000-000000000000"


def test_a_label_is_on_record_beside_its_prediction(server: Server) -> None:
    """One alone, or several in one request."""
    before = len(list(iter_labels(server.log_folder)))
    ids = server.post(json={"inputs": [ROW] * 3}).json()["prediction_ids"]
    alone = server.post("/feedback", json={"prediction_id": ids[0], "label": "died"})
    assert (alone.status_code, alone.json()) == (200, {"recorded": 1})
    several = [{"prediction_id": name, "label": "survived"} for name in ids[1:]]
    assert server.post("/feedback", json={"feedback": several}).json() == {"recorded": 2}
    labels = list(iter_labels(server.log_folder))[before:]
    assert [(label["prediction_id"], label["label"]) for label in labels] == [
        (ids[0], "died"), (ids[1], "survived"), (ids[2], "survived"),
    ]  # fmt: skip
    assert {label["source"] for label in labels} == {"feedback"}


def test_a_label_is_read_as_training_reads_the_target(server: Server) -> None:
    """A value of the target, as a number, a text or a truth value, is recorded as its class."""
    given = ["survived", 1, 1.0, "1", "1.0", True, "true", "died", 0, False]
    before = len(list(iter_labels(server.log_folder)))
    reply = server.post("/feedback", json={"feedback": [{"prediction_id": ID, "label": label} for label in given]})
    assert (reply.status_code, reply.json()) == (200, {"recorded": len(given)})
    labels = [label["label"] for label in list(iter_labels(server.log_folder))[before:]]
    assert labels == ["survived"] * 7 + ["died"] * 3


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ([], "invalid_request", "body"),
        ({}, "invalid_request", "body"),
        ({"feedback": []}, "invalid_request", None),
        ({"feedback": {}}, "invalid_request", None),
        ({"feedback": [3]}, "invalid_request", "feedback[0]"),
        ({"prediction_id": ID}, "invalid_request", "body"),
        ({"prediction_id": ID, "label": "died", "note": 1}, "invalid_request", "body"),
        ({"prediction_id": 7, "label": "died"}, "invalid_request", "prediction_id"),
        ({"prediction_id": "../../etc", "label": "died"}, "invalid_request", "prediction_id"),
        ({"prediction_id": ID.upper() + "\n", "label": "died"}, "invalid_request", "prediction_id"),
        ({"prediction_id": ID, "label": "drowned"}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": 2}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": "01"}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": None}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": 10**400}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": {"1": 1}}, "unknown_label", "label"),
        ({"prediction_id": ID, "label": ["died"]}, "unknown_label", "label"),
        ({"feedback": [{"prediction_id": ID, "label": "died"}, {"prediction_id": ID, "label": ""}]},
         "unknown_label", "feedback[1].label"),
        ({"feedback": [{"prediction_id": ID, "label": "died"}] * 5001}, "too_many_rows", None),
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused_and_nothing_is_recorded(
    server: Server, body: Any, code: str, where: str | None
) -> None:
    """The reply says where it is wrong and never repeats it."""
    before = list(iter_labels(server.log_folder))
    reply = server.post("/feedback", json=body)
    assert reply.status_code == (413 if code == "too_many_rows" else 422)
    problem = reply.json()
    assert problem["code"] == code
    assert [place["where"] for place in problem.get("errors", [])] == ([] if where is None else [where])
    assert "drowned" not in reply.text
    if code == "unknown_label":
        assert problem["remedy"] == "send one of the labels died, survived, 0, 1; nothing was recorded"
    assert len(reply.content) <= 4096
    assert list(iter_labels(server.log_folder)) == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b'{"prediction_id":"a","prediction_id":"a","label":"died"}', "application/json", 422),
        (b'{"label":NaN}', "application/json", 422),
        (b"[" * 1000 + b"]" * 1000, "application/json", 422),
        (b"{}", "text/csv", 415),
        (b'{"label":"' + b"x" * 3 * 2**20 + b'"}', "application/json", 413),
    ],
)
def test_a_body_that_is_no_sound_json_is_refused(server: Server, content: bytes, media_type: str, status: int) -> None:
    """As for predictions."""
    reply = server.post("/feedback", content=content, headers={"content-type": media_type})
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_labels_need_the_key_where_one_is_asked_for(locked: Server) -> None:
    """Somebody without it cannot spoil what the model is judged by."""
    label = {"prediction_id": ID, "label": "died"}
    before = list(iter_labels(locked.log_folder))
    assert locked.post("/feedback", json=label).status_code == 401
    assert list(iter_labels(locked.log_folder)) == before
    assert locked.post("/feedback", json=label, headers={"x-api-key": KEY}).status_code == 200
    assert len(list(iter_labels(locked.log_folder))) == len(before) + 1
