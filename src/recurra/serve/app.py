"""The application: routes, page, streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from recurra import __version__
from recurra.errors import RecurraError
from recurra.serve.access import Access
from recurra.serve.docs import page
from recurra.serve.guard import Guard
from recurra.serve.http import failed, routes, server_of
from recurra.serve.metrics import Metrics
from recurra.serve.protocol import Protocol
from recurra.serve.server import Server
from recurra.serve.socket import Connection

PAGE = Path(__file__).parent / "page"
STREAM = "/v1/models/", "/stream"


def build(server: Server) -> ASGIApp:
    """Return the ASGI application of a server."""
    app = FastAPI(
        title="recurra",
        version=__version__,
        description="Trained models: predict, generate, stream. docs/server.md tells more.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.server = server
    app.include_router(routes)
    app.add_api_route("/healthz", healthz, include_in_schema=False)
    app.add_api_route("/readyz", readyz, include_in_schema=False)
    app.add_api_route("/metrics", metrics, include_in_schema=False)
    app.add_api_route("/docs", lambda: HTMLResponse(page(app.openapi())), include_in_schema=False)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)
    for kind in (RecurraError, TimeoutError):
        app.add_exception_handler(kind, _failed)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    guarded = Guard(app, server)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            before, after = STREAM
            path = scope["path"]
            name = path[len(before) : -len(after)]
            known = path.startswith(before) and path.endswith(after) and "/" not in name
            scope.setdefault("state", {})["route"] = "{name}".join(STREAM)
            protocol: Protocol = scope["extensions"]["recurra.protocol"]
            await Connection(server, receive, send, protocol).run(scope, name if known else "")
        else:
            await guarded(scope, receive, send)

    return Access(dispatch, server.metrics)


async def healthz() -> dict[str, str]:
    """Say that the process is alive."""
    return {"status": "alive"}


async def readyz(request: Request) -> Response:
    """Say whether requests are taken."""
    draining = server_of(request).draining
    said = {"status": "goes down" if draining else "ready"}
    return JSONResponse(said, 503 if draining else 200)


async def metrics(request: Request) -> Response:
    """Return figures for Prometheus."""
    return PlainTextResponse(server_of(request).metrics.text(), media_type=Metrics.media_type)


async def invalid(request: Request, error: Exception) -> Response:
    """Say in one line what is wrong with a body."""
    assert isinstance(error, RequestValidationError), "it is called for these"
    first: dict[str, Any] = dict(error.errors()[0])
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return JSONResponse({"error": f"{where or 'the body'}: {first['msg']}"[:300]}, 422)


async def refused(request: Request, error: Exception) -> Response:
    """Say in one line that there is no such place."""
    assert isinstance(error, HTTPException), "it is called for these"
    return JSONResponse({"error": str(error.detail)}, error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    return failed(error)
