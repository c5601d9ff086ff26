"""The routes of requests and their answers; docs/server.md describes them."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from recurra.errors import RecurraError
from recurra.serve.inputs import desk
from recurra.serve.models import Served, decoding
from recurra.serve.predicting import Busy, checked
from recurra.serve.server import Server
from recurra.serve.sessions import Sessions
from recurra.serve.socket import ID
from recurra.serve.writing import write

routes = APIRouter(prefix="/v1/models")


class Refused(RecurraError):  # noqa: N818, it is what a request is
    """A request that is answered by a status and one line.

    Args:
        status: of HTTP.
        text: the line.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Predict(BaseModel):
    """Inputs to be answered."""

    model_config = ConfigDict(extra="forbid")
    inputs: list[Any] = Field(description="as the model's `input` says: texts, files, numbers")
    options: dict[str, Any] = Field({}, description="of decoding, as the model's `options` lists")


class Generate(BaseModel):
    """What to begin a piece from."""

    model_config = ConfigDict(extra="forbid")
    prompt: Any = Field("", description="an input, as for predict; a text's beginning; a key")
    options: dict[str, Any] = Field({}, description="temperature, top_k, top_p, seed, max_length …")


def server_of(request: Request) -> Server:
    """Return the server that a request came to."""
    found: Server = request.app.state.server
    return found


def served(request: Request, name: str) -> Served:
    """Return a model.

    Raises:
        Refused: there is none of that name.
    """
    models = server_of(request).models
    request.state.model = name if name in models else None
    if name not in models:
        raise Refused(404, f"no model {name[:64]!r}; there is {', '.join(models)}")
    return models[name]


@routes.get("")
async def models(request: Request) -> dict[str, Any]:
    """Return all models that are served."""
    return {"models": [one.describe() for one in server_of(request).models.values()]}


@routes.get("/{name}")
async def model(request: Request, name: str) -> dict[str, Any]:
    """Return what a model is and takes."""
    return served(request, name).describe()


@routes.post("/{name}/predict")
async def predict(request: Request, name: str, body: Predict) -> Response:
    """Return an answer for each input, or an error in its place."""
    one, server = served(request, name), server_of(request)
    most = server.settings.max_inputs
    if not 1 <= len(body.inputs) <= most:
        raise Refused(422, f"there are {len(body.inputs)} inputs; give 1 to {most}")
    options = checked(one.model, decoding(one.model), body.options)
    answers: list[Any] = [None] * len(body.inputs)
    with desk(server.desk) as lent:
        read = []
        for place, given in enumerate(body.inputs):
            try:
                read.append((place, lent.read(one.model, one.kind, given)))
            except RecurraError as error:
                answers[place] = {"error": str(error)}
        if read:
            began = time.perf_counter()
            async with asyncio.timeout(server.settings.timeout):
                found = await server.batchers[name].ask([given for _, given in read], options)
            server.metrics.predicted(name, time.perf_counter() - began)
            for (place, _), answer in zip(read, found, strict=True):
                answers[place] = told(answer)
        text = json.dumps({"model": name, "answers": answers}, ensure_ascii=False, allow_nan=True)
        return Response(lent.named(text), media_type="application/json")


@routes.post("/{name}/generate")
async def generate(request: Request, name: str, body: Generate) -> StreamingResponse:
    """Return one piece, as it is written: server-sent events."""
    one, server = served(request, name), server_of(request)
    if one.model.task.write is None:
        raise Refused(422, f"{name} ({one.model.task.name}) writes nothing; use predict")
    options = checked(one.model, decoding(one.model), body.options)
    if "beam" in one.model.task.options:
        options.setdefault("beam", 0)  # pieces are drawn
    piece = write(server, one, body.prompt, options)
    first = await anext(piece)  # what is wrong with a prompt has a status of its own

    async def events() -> AsyncIterator[str]:
        yield event(*first)
        try:
            async for kind, data in piece:
                yield event(kind, data)
        except (RecurraError, TimeoutError) as error:
            yield event("error", {"error": said(error)})

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


@routes.get("/{name}/sessions/{id}", response_class=Response)
async def fetch(request: Request, name: str, id: str) -> Response:
    """Return a session's state, a safetensors file."""
    sessions, key = session_of(request, name, id)
    found = await sessions.state(key)
    if found is None:
        raise Refused(404, f"no session {id}")
    return Response(found, media_type="application/octet-stream")


@routes.put("/{name}/sessions/{id}", status_code=204)
async def put(request: Request, name: str, id: str) -> None:
    """Set a session's state to one that was fetched."""
    sessions, key = session_of(request, name, id)
    found = sessions.bank.unpacked(await request.body(), sessions.secret)
    await sessions.put(key, found)


@routes.delete("/{name}/sessions/{id}", status_code=204)
async def forget(request: Request, name: str, id: str) -> None:
    """Forget a session."""
    sessions, key = session_of(request, name, id)
    await sessions.forget(key)


@routes.post("/{name}/sessions/{id}/fork")
async def fork(request: Request, name: str, id: str) -> dict[str, str]:
    """Return a new session that goes on from the same state."""
    sessions, key = session_of(request, name, id)
    found = await sessions.state(key)
    if found is None:
        raise Refused(404, f"no session {id}")
    new = secrets.token_urlsafe(16)
    await sessions.put(key.removesuffix(id) + new, sessions.bank.unpacked(found, sessions.secret))
    return {"session": new}


def session_of(request: Request, name: str, id: str) -> tuple[Sessions, str]:
    """Return a model's sessions, and the key of one.

    Raises:
        Refused: the model does not stream, or the name is none.
    """
    one = served(request, name)
    if one.streamed is None:
        raise Refused(422, f"{name}: {one.why}")
    if not ID.fullmatch(id):
        raise Refused(422, "a session is 8 to 64 letters, digits, - and _")
    return server_of(request).sessions[name], f"{request.state.client}/{name}/{id}"


def told(answer: Any) -> dict[str, Any]:
    """Return a prediction, or the error in its place, as JSON has it; music is a file as base64."""
    if isinstance(answer, Exception):
        return {"error": str(answer)}
    values: dict[str, Any] = answer.asdict()
    midi = getattr(answer, "midi", None)
    return values if midi is None else {**values, "midi": base64.b64encode(midi).decode()}


def event(kind: str, data: dict[str, Any]) -> str:
    """Return a server-sent event."""
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def failed(error: Exception) -> JSONResponse:
    """Return the answer to a request that failed."""
    from recurra.serve.sessions import InUse
    from recurra.serve.store import StoreAway

    seconds = getattr(error, "seconds", 1.0)
    status = 422
    if isinstance(error, Refused):
        status = error.status
    elif isinstance(error, InUse):
        status = 409
    elif isinstance(error, Busy | StoreAway | TimeoutError):
        status = 503
    headers = {"Retry-After": str(max(1, round(seconds)))} if status in (429, 503) else None
    return JSONResponse({"error": said(error)}, status, headers)


def said(error: Exception) -> str:
    """Return what went wrong in one line."""
    return " ".join(str(error).split()) or "it took too long"
