"""A server of tiny models in a thread of the test's own, and clients that talk to it."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from recurra.serve.keys import Keys
from recurra.serve.models import serve
from recurra.serve.run import host, listen, until_stopped
from recurra.serve.server import Server
from recurra.serve.settings import Settings
from recurra.tasks.model import Model

Answer = tuple[int, Any, Mapping[str, str]]


class Running:
    """A server that runs."""

    def __init__(self, models: Mapping[str, Model], keys: list[str], settings: Settings) -> None:
        served = {name: serve(name, model) for name, model in models.items()}
        self.listener = listen(settings)
        self.port = self.listener.getsockname()[1]
        self.hosted = host(Server(served, settings, Keys(keys)))
        self.server = self.hosted.server
        given = (self.hosted, self.listener)
        self.thread = threading.Thread(target=until_stopped, args=given, daemon=True)
        self.thread.start()
        while self.ask("GET", "/readyz")[0] != 200:
            pass

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return status, body and headers of an answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        client.request(
            method, path, content, {"content-type": "application/json", **(headers or {})}
        )
        answer = client.getresponse()
        found = answer.read()
        client.close()
        kind = answer.headers.get("content-type", "")
        told = json.loads(found) if kind.startswith("application/json") and found else found
        return answer.status, told, dict(answer.headers.items())

    def predict(self, name: str, *inputs: Any, **options: Any) -> list[Any]:
        """Return a model's answers."""
        body = {"inputs": list(inputs), "options": options}
        status, told, _ = self.ask("POST", f"/v1/models/{name}/predict", body)
        assert status == 200, told
        answers: list[Any] = told["answers"]
        return answers

    def stream(self, name: str, query: str = "", **options: Any) -> ClientConnection:
        """Return a connection to a model's stream."""
        return connect(f"ws://127.0.0.1:{self.port}/v1/models/{name}/stream{query}", **options)

    def stop(self) -> None:
        """Tell it to end, as SIGTERM does."""
        loop = self.server.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.hosted.handle_exit, signal.SIGTERM, None)


@contextmanager
def running(models: Mapping[str, Model], *keys: str, **settings: Any) -> Iterator[Running]:
    """Lend a server, and end it."""
    server = Running(models, list(keys), Settings(**{"port": 0} | settings))
    try:
        yield server
    finally:
        server.stop()
        server.thread.join(30)
        assert not server.thread.is_alive(), "the server did not end"


def said(stream: ClientConnection, *frames: Any, end: bool = False) -> Any:
    """Send one message of these frames, and return the reply."""
    stream.send(json.dumps({"frames": list(frames), **({"end": True} if end else {})}))
    return json.loads(stream.recv(timeout=30))
