"""A session goes on at another server: after its own was killed, too."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from recurra.tasks.model import Model
from tests.serve.serving import running, said
from tests.serve.stores.conftest import Server as Redis
from tests.serve.test_stream import alone, closed, rows
from tests.tasks.streams.made import same

Models = Mapping[str, Model]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    store = Redis(tmp_path_factory.mktemp("redis"))
    yield store.url
    store.end()


def test_a_session_goes_from_server_to_server(models: Models, state: str) -> None:
    given, told = rows(models), list[dict[str, Any]]()
    own = {"signals": models["signals"]}
    with running(own, state=state) as first, running(own, state=state) as second:
        for place, row in enumerate(given):
            server = (first, second)[place % 2]
            with server.stream("signals", f"?session=to-and-fro&at={place}") as stream:
                assert json.loads(stream.recv())["at"] == place
                told += said(stream, row)["answers"]
                if place == 4:
                    with second.stream("signals", "?session=to-and-fro") as other:
                        assert "in use at another server" in closed(other)[1]
        with second.stream("signals", "?session=to-and-fro") as stream:
            stream.recv()
            told += said(stream, end=True)["answers"]
    assert same(told, alone(models["signals"], *given))


@contextlib.contextmanager
def process(bundle: Path, state: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield a server in a process of its own, and its port."""
    command = [sys.executable, "-m", "recurra", "serve", f"signals={bundle}", "--port", "0"]
    with subprocess.Popen(
        [*command, "--state", state], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        yield server, port
        server.kill()


@pytest.mark.slow
def test_a_client_goes_on_after_its_server_was_killed(
    models: Models, state: str, tmp_path: Path
) -> None:
    given, told = rows(models, 60), list[dict[str, Any]]()
    bundle = models["signals"].save(tmp_path / "bundle")
    with process(bundle, state) as (first, one), process(bundle, state) as (_, two):
        address = "ws://127.0.0.1:{}/v1/models/signals/stream?session=outlives&at={}"
        sent = 0
        with connect(address.format(one, 0)) as stream, contextlib.suppress(ConnectionClosed):
            stream.recv()
            while True:
                stream.send(json.dumps({"frames": given[sent : sent + 1]}))
                sent += 1
                if sent == 40:
                    first.send_signal(signal.SIGKILL)  # whether it has answered is not known
                told += json.loads(stream.recv())["answers"]
        assert 0 < len(told) < len(given)
        while True:  # until the lease of the dead is over
            with connect(address.format(two, len(told))) as stream:
                try:
                    opened = json.loads(stream.recv())
                except ConnectionClosed:
                    continue
                assert opened["at"] == len(told) + opened["resent"]
                for _ in range(opened["resent"]):
                    told += json.loads(stream.recv())["answers"]
                for row in given[opened["at"] :]:
                    told += said(stream, row)["answers"]
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{two}/readyz") as answer:
            assert answer.status == 200
    assert same(told, alone(models["signals"], *given))
