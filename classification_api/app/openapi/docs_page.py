"""`/docs`: the documentation page, which loads all its files from this server."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.routing import Route

from app.routes import exception_handlers

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Message, Receive, Scope, Send

PAGE, FILES, DOCUMENT = "/docs", "/docs/files", "/openapi.json"

_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocsPage:
    """ASGI application for the page and its files, built on the first request."""

    def __init__(self, title: str) -> None:
        self._title = title

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start: Message = {}

        async def send_with_policy(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start:
                start["headers"] = [*start["headers"], *_policy(message.get("body", b""))]
                await send(start)
                start = {}
            await send(message)

        await self._app(dict(scope), receive, send_with_policy)

    @cached_property
    def _app(self) -> FastAPI:
        from fastapi_offline import FastAPIOffline  # noqa: PLC0415 - many servers never show the page

        app: FastAPI = FastAPIOffline(
            docs_url=PAGE,
            redoc_url=None,
            title=self._title,
            openapi_url=DOCUMENT,
            static_url=FILES,
        )
        exception_handlers.install(app)
        return app


def docs_routes(title: str) -> list[Route]:
    """Return the routes of the page."""
    page = DocsPage(title)
    return [Route(path, page, methods=["GET"], include_in_schema=False) for path in (PAGE, FILES + "/{file:path}")]


def _policy(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return headers that restrict the browser to the page's own scripts and to this server."""
    digests = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(body)]
    hashes = "".join(f" 'sha256-{digest}'" for digest in digests)
    return [
        (b"content-security-policy", _POLICY.format(hashes=hashes).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
