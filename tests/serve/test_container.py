"""What the Dockerfile and compose.yaml promise, as far as can be seen without Docker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from recurra.serve.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LINES = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVER, REDIS = COMPOSE["services"]["recurra"], COMPOSE["services"]["redis"]


def last(word: str) -> str:
    """Return what the last instruction of a kind says."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(word + " ")][-1]


def test_what_is_copied_is_there_and_sent_to_docker() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = set[str]()
    for line in LINES:
        if line.startswith("COPY ") and "--from" not in line:
            copied |= set(line.split()[1:-1])
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


def test_the_server_has_no_rights_and_no_compiler() -> None:
    stages = [i for i, line in enumerate(LINES) if line.startswith("FROM ")]
    final = LINES[stages[-1] :]
    assert not any("apt-get" in line or "pip" in line.split() for line in final)
    assert last("ARG") == "UID=1000"
    assert last("USER") == "$UID"
    for service in (SERVER, REDIS):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")


def test_only_the_server_is_reached_and_only_from_this_machine() -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVER["ports"])
    assert "ports" not in REDIS
    assert REDIS["networks"] == ["store"]
    assert COMPOSE["networks"]["store"] == {"internal": True}


def test_secrets_come_from_files_that_are_not_committed() -> None:
    assert "environment" not in SERVER
    files = [SERVER["env_file"], *(one["file"] for one in COMPOSE["secrets"].values())]
    assert all(name.startswith("secrets/") for name in files)
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "/run/secrets/keys" in SERVER["command"]


def test_options_are_those_of_the_server() -> None:
    known = {"--" + field.name.replace("_", "-") for field in fields(Settings)}
    entry = json.loads(last("ENTRYPOINT"))
    assert entry[:2] == ["recurra", "serve"]
    options = {word for word in [*entry, *SERVER["command"]] if word.startswith("--")}
    assert options
    assert options <= known
    assert last("EXPOSE") == entry[entry.index("--port") + 1]
    assert int(SERVER["stop_grace_period"].rstrip("s")) > Settings().drain


def test_redis_drops_no_lease() -> None:
    command = REDIS["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "good"), [(200, True), (503, False)])
def test_the_health_check_asks_the_server(status: int, good: bool) -> None:
    words = json.loads(re.search(r"CMD (\[.*\])", last("HEALTHCHECK"))[1])  # type: ignore[index] # it is there
    assert words[:2] == ["python", "-c"]
    with answering(status) as port:
        code = words[2].replace(":8000", f":{port}")
        assert code != words[2]
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False)
    assert (done.returncode == 0) == good
