"""`GET /model/reports`: the reports in the folder of the served model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from classification_model.errors import VerificationError
from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.responses import StreamingResponse

from app.model_reports import MEDIA_TYPES, OTHER
from app.problem_details import Problem
from app.routes.guards import require_key, serving_model
from app.routes.schemas import KEYED, NAMES_MODEL, ReportLink, Reports
from app.served_models import ServingModel

if TYPE_CHECKING:
    from io import BufferedReader

    from starlette.types import Receive, Scope, Send

    from app.model_reports import Report

guarded = APIRouter(dependencies=[Depends(require_key)], responses=KEYED)
logger = logging.getLogger(__name__)

#: A page may have styles and pictures of its own. It runs no script, sends no form and asks no server for anything.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
#: Browsers refuse to show a PDF in a sandbox.
_POLICY_OF_PDF = _POLICY.removesuffix("; sandbox")
_ETAG = {"ETag": {"description": "Hash of the file.", "schema": {"type": "string"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "headers": _ETAG,
        "content": {kind.split(";")[0]: {"schema": {"type": "string"}} for kind in [*MEDIA_TYPES.values(), OTHER]},
    },
    304: {"description": "The file is the one that If-None-Match names.", "headers": _ETAG},
    **NAMES_MODEL,
}


class ReportResponse(StreamingResponse):
    """Sends a report from its open file, and closes the file, also if the client leaves before the end."""

    def __init__(self, report: Report, file: BufferedReader, headers: dict[str, str]) -> None:
        super().__init__(report.blocks(file), headers=headers, media_type=report.media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        with self._file:
            await super().__call__(scope, receive, send)


def links(model: ServingModel, request: Request) -> list[ReportLink]:
    """Return a link to each report of a model, for the answer to a request."""
    root = request.scope.get("root_path", "").rstrip("/")
    return [
        ReportLink(
            name=report.name,
            title=report.title,
            url=root + report.path,
            media_type=report.media_type,
            size=report.record.size,
        )
        for report in model.reports.values()
    ]


@guarded.get("/model/reports", operation_id="modelReports", tags=["model"])
async def reports(request: Request, model: Annotated[ServingModel, Depends(serving_model)]) -> Reports:
    """List the reports of the served model, such as its training report and its model card."""
    return Reports(version=model.version, reports=links(model, request))


@guarded.get(
    "/model/reports/{report}", operation_id="modelReport", tags=["model"], response_class=Response, responses=_ANSWERS
)
def report(
    request: Request,
    model: Annotated[ServingModel, Depends(serving_model)],
    if_none_match: Annotated[str | None, Header(description="ETag of the copy that the client has.")] = None,
) -> Response:
    """Return a report of the served model, after verifying its hash."""
    found = model.reports.get(request.path_params["report"])
    if found is None:
        remedy = "GET /model/reports lists the reports of the served model"
        raise Problem("not_found", "expected the name of a report, found another one", remedy=remedy)
    tag = f'"{found.record.sha256}"'
    # The URL stays the same when another version is served, so a copy is good only as long as the server says so.
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if if_none_match is not None and tag in (given.strip().removeprefix("W/") for given in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    try:
        file = found.open(model.folder)
    except VerificationError as error:
        logger.error("a report of version %s cannot be served: %s", model.version, error)  # noqa: TRY400 - it says why
        detail = "the report is missing or was changed since the model was loaded; the server's log says which"
        raise Problem("report_unavailable", detail, headers=((b"retry-after", b"60"),)) from error
    headers |= {
        "content-length": str(found.record.size),
        "content-security-policy": _POLICY_OF_PDF if found.media_type == MEDIA_TYPES[".pdf"] else _POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return ReportResponse(found, file, headers)
