"""API keys: each accepted one opens, however it is sent, and all are compared in constant time."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from app.keys import check_key, hash_key
from app.problem_details import Problem

KEYS = (b"correct-horse-battery-staple", b"the key of next month")
HASHES = tuple(hashlib.sha256(key).hexdigest() for key in KEYS)


def test_the_hash_of_a_key_is_its_sha_256() -> None:
    """What `classification-api hash-key` prints is what any other tool prints."""
    assert tuple(map(hash_key, KEYS)) == HASHES


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("name", "prefix"), [("x-api-key", b""), ("authorization", b"Bearer "), ("authorization", b"bEARER  ")]
)
def test_each_of_two_keys_opens_in_either_header(key: bytes, name: str, prefix: bytes) -> None:
    """While keys are exchanged, the old one and the new one are accepted."""
    check_key(HASHES, {name.encode(): prefix + key})


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, "found none"),
        ({b"x-api-key": b""}, "found none"),
        ({b"authorization": b"Bearer "}, "found none"),
        ({b"authorization": b"Bearer"}, "found none"),
        ({b"authorization": b"Basic  " + KEYS[0]}, "found none"),
        ({b"authorization": KEYS[0]}, "found none"),
        ({b"x-api-key": b"wrong"}, "found one that is not accepted"),
        ({b"x-api-key": KEYS[0] + b"x"}, "found one that is not accepted"),
        ({b"x-api-key": HASHES[0].encode()}, "found one that is not accepted"),
        ({b"authorization": b"Bearer wrong"}, "found one that is not accepted"),
        ({b"x-api-key": b"wrong", b"authorization": b"Bearer " + KEYS[0]}, "found one that is not accepted"),
    ],
)
def test_without_an_accepted_key_a_client_is_told_how_to_send_one(headers: dict[bytes, bytes], found: str) -> None:
    """The refusal tells a missing key from a wrong one, and where a key belongs."""
    with pytest.raises(Problem, match=f"^expected an API key, {found}$") as caught:
        check_key(HASHES, headers)
    assert caught.value.status == 401
    assert caught.value.headers == ((b"www-authenticate", b"Bearer"),)
    assert caught.value.members == {"remedy": "send it in the header X-API-Key, or as Authorization: Bearer"}


@pytest.mark.parametrize("key", [*KEYS, b"wrong"])
def test_every_accepted_hash_is_compared_in_constant_time(key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how much of a hash is right nor which key was given shows in the time that it takes."""
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def compare_digest(given: str, accepted: str) -> bool:
        compared.append((given, accepted))
        return compare(given, accepted)

    monkeypatch.setattr("app.keys.hmac.compare_digest", compare_digest)
    if key in KEYS:
        check_key(HASHES, {b"x-api-key": key})
    else:
        with pytest.raises(Problem):
            check_key(HASHES, {b"x-api-key": key})
    assert compared == [(hash_key(key), accepted) for accepted in HASHES]
