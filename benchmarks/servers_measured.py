"""The servers that ``make bench-serving`` measures, and how each is started."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server_process import free_port

SCRIPTS = Path(__file__).with_name("servers")
PEERS = Path(__file__).resolve().parents[1] / ".venv-peers"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """Where a server is started.

    Attributes
    ----------
    bin
        Folder of the interpreter and of what is installed beside it.
    model
        Model folder.
    prepared
        What the server's own way of keeping models made of the pickled pipeline.
    port
        Where to listen.
    workers
        How many processes answer.
    """

    bin: Path
    model: Path
    prepared: Path
    port: int
    workers: int = 1

    @property
    def pickle(self) -> Path:
        """The pickled pipeline."""
        return next(self.model.glob("*.pkl"))


@dataclass(frozen=True)
class Server:
    """A server, and how to talk to it.

    Attributes
    ----------
    name, title
        For the command line, and for people.
    command
        Makes the command that starts it.
    path, body
        Where rows are posted, and as what.
    read
        Reads the probabilities of survival from an answer; None for a server without a model.
    distributions
        What a peer's own environment holds, pinned; nothing for servers that run in ours.
    prepare
        Script that makes of the pickled pipeline what the peer serves.
    environment
        Variables to set.
    """

    name: str
    title: str
    command: Callable[[Place], Sequence[str]]
    path: str = "/predict"
    body: Callable[[Rows], Any] = field(default=lambda rows: {"inputs": rows})
    read: Callable[[Any], list[float]] | None = None
    distributions: tuple[str, ...] = ()
    prepare: str | None = None
    environment: Callable[[Place], dict[str, str]] = field(default=lambda _: {})

    @property
    def bin(self) -> Path:
        """Folder of its interpreter."""
        return PEERS / self.name / "bin" if self.distributions else Path(sys.executable).parent


def _uvicorn(app: str) -> Callable[[Place], Sequence[str]]:
    """Serve one of the scripts, without a line for each request."""

    def command(place: Place) -> Sequence[str]:
        listen = ["--host", "127.0.0.1", "--port", str(place.port), "--no-access-log", "--log-level", "warning"]
        return [str(place.bin / "python"), "-m", "uvicorn", "--app-dir", str(SCRIPTS), f"{app}:app", *listen]

    return command


def _ours(place: Place) -> Sequence[str]:
    workers = ["--workers", str(place.workers)] if place.workers > 1 else []
    return [str(place.bin / "classification-api"), *_serve(place), *workers]


def _one_by_one(place: Place) -> Sequence[str]:
    return [str(place.bin / "python"), str(SCRIPTS / "one_by_one.py"), *_serve(place)]


def _serve(place: Place) -> Sequence[str]:
    return ["serve", str(place.model), "--host", "127.0.0.1", "--port", str(place.port)]


def _litserve(place: Place) -> Sequence[str]:
    return [str(place.bin / "python"), str(SCRIPTS / "with_litserve.py"), str(place.port)]


def _bentoml(place: Place) -> Sequence[str]:
    where = ["--working-dir", str(SCRIPTS), "--host", "127.0.0.1", "--port", str(place.port)]
    return [str(place.bin / "bentoml"), "serve", "with_bentoml:service", *where]


def _bentoml_environment(place: Place) -> dict[str, str]:
    return _pickle(place) | {"BENTOML_HOME": str(place.prepared), "BENTOML_DO_NOT_TRACK": "True"}


def _mlflow(place: Place) -> Sequence[str]:
    listen = ["--host", "127.0.0.1", "--port", str(place.port), "--workers", str(place.workers)]
    return [str(place.bin / "mlflow"), "models", "serve", "-m", str(place.prepared), "--env-manager", "local", *listen]


def _mlserver(place: Place) -> Sequence[str]:
    return [str(place.bin / "mlserver"), "start", str(place.prepared)]


def _mlserver_environment(place: Place) -> dict[str, str]:
    others = {f"MLSERVER_{kind}_PORT": str(free_port()) for kind in ("GRPC", "METRICS")}
    return {"MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": str(place.port), **others}


def _tensors(rows: Rows) -> dict[str, Any]:
    """Write rows as the Open Inference Protocol does, a tensor a column, to be made a frame of."""
    return {
        "parameters": {"content_type": "pd"},
        "inputs": [_tensor(name, [row[name] for row in rows]) for name in rows[0]],
        "outputs": [{"name": "predict_proba"}],
    }


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    numbers = name in {"age", "sibsp", "parch", "fare"}
    kind = {"datatype": "FP64"} if numbers else {"datatype": "BYTES", "parameters": {"content_type": "str"}}
    return {"name": name, "shape": [len(values), 1], "data": values, **kind}


def _pickle(place: Place) -> dict[str, str]:
    return {"PICKLE": str(place.pickle)}


def _seconds(pairs: Sequence[Sequence[float]]) -> list[float]:
    """Take the second of two classes."""
    return [pair[1] for pair in pairs]


ECHO = Server("echo", "FastAPI echo", _uvicorn("echo"))
OURS = Server("ours", "this API", _ours, read=lambda answer: [row["survived"] for row in answer["probabilities"]])
UNLOGGED = Server(
    "unlogged",
    "this API, prediction log off",
    _ours,
    read=OURS.read,
    environment=lambda _: {"LOG_FOLDER": "off"},
)
ONE_BY_ONE = Server("one-by-one", "this API, each request alone", _one_by_one, read=OURS.read)
PICKLED = Server(
    "pickled",
    "plain FastAPI + pickle",
    _uvicorn("pickled"),
    read=lambda answer: _seconds(answer["probabilities"]),
    environment=_pickle,
)
SERVERS = (
    Server("constant", "uvicorn, constant bytes", _uvicorn("constant")),
    ECHO,
    OURS,
    UNLOGGED,
    ONE_BY_ONE,
    PICKLED,
    Server(
        "vetiver",
        "vetiver",
        _uvicorn("with_vetiver"),
        path="/predict_proba",
        body=lambda rows: rows,
        read=lambda answer: _seconds(answer["predict_proba"]),
        distributions=("vetiver==0.2.6",),
        environment=_pickle,
    ),
    Server(
        "mlserver",
        "MLServer",
        _mlserver,
        path="/v2/models/titanic/infer",
        body=_tensors,
        read=lambda answer: answer["outputs"][0]["data"][1::2],
        distributions=("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        prepare="with_mlserver.py",
        environment=_mlserver_environment,
    ),
    Server(
        "litserve",
        "LitServe",
        _litserve,
        read=lambda answer: _seconds(answer["probabilities"]),
        distributions=("litserve==0.2.19",),
        environment=_pickle,
    ),
    Server(
        "bentoml",
        "BentoML",
        _bentoml,
        read=_seconds,
        distributions=("bentoml==1.4.39",),
        environment=_bentoml_environment,
    ),
    Server(
        "mlflow",
        "MLflow models serve",
        _mlflow,
        path="/invocations",
        body=lambda rows: {"dataframe_records": rows},
        read=lambda answer: _seconds(answer["predictions"]),
        distributions=("mlflow==3.17.2",),
        prepare="with_mlflow.py",
        environment=lambda _: {"MLFLOW_DISABLE_TELEMETRY": "true"},
    ),
)
