"""Streams: each is answered as if it were alone, wherever and however often it goes on."""

import contextlib
import json
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from recurra.serve.session import Session as Row
from recurra.serve.snapshot import Snapshot
from recurra.tasks.model import Model
from recurra.tasks.streams.session import Session
from tests.serve.serving import Running, running, said
from tests.tasks.streams.made import same

Models = Mapping[str, Model]


def rows(models: Models, count: int = 9, seed: int = 0) -> list[list[float]]:
    """Return rows of numbers as the model of signals reads them."""
    channels = len(models["signals"].codec.channels)  # type: ignore[attr-defined] # of signals
    made = np.random.default_rng(seed).normal(size=(count, channels))
    return [[round(float(x), 3) for x in row] for row in made]


def alone(model: Model, *pieces: Any) -> list[dict[str, Any]]:
    """Return what one session in Python is told of the same."""
    session, answers = Session(model), list[dict[str, Any]]()
    for piece in pieces:
        answers += session.push(piece)
    return answers + session.end()


def test_a_stream_is_told_what_a_session_in_python_is(server: Running, models: Models) -> None:
    given = rows(models)
    with server.stream("signals") as stream:
        opened = json.loads(stream.recv())
        assert opened | {"session": ""} == {
            "session": "", "at": 0, "unit": "row", "delay": 0, "resent": 0
        }  # fmt: skip # as a line
        first, second = said(stream, given[0]), said(stream, *given[1:8])
        last = said(stream, given[8], end=True)
        assert (first["at"], second["at"], last["at"], last["ended"]) == (1, 2, 3, True)
        wanted = alone(models["signals"], *given)
        assert same(first["answers"] + second["answers"] + last["answers"], wanted)
        again = said(stream, given[0])
        assert same(again["answers"], wanted[:1]), "after its end a session begins anew"


def test_what_lags_comes_at_the_end(server: Running, models: Models) -> None:
    text = "Anna lives in Oslo with Per"
    wanted = alone(models["ner"], text)
    with server.stream("ner") as stream:
        assert json.loads(stream.recv())["delay"] == 2
        told = said(stream, *text.split(" ")[:1])["answers"]
        for word in text.split(" ")[1:]:
            told += said(stream, f" {word}")["answers"]
        assert len(told) < len(wanted)
        told += said(stream, end=True)["answers"]
    assert same(told, wanted)


def test_numbers_come_and_go_as_bytes(server: Running, models: Models) -> None:
    given = rows(models)
    wanted = alone(models["signals"], *given)
    labels = list(wanted[0]["probabilities"])
    with server.stream("signals", "?format=binary") as stream:
        stream.recv()
        stream.send(np.array(given, "<f4").tobytes())
        reply = stream.recv()
        assert isinstance(reply, bytes)
        found = np.frombuffer(reply, "<f4").reshape(len(given), len(labels))
        told = np.array([list(one["probabilities"].values()) for one in wanted])
        assert found == pytest.approx(told, abs=1e-5)
        stream.send(b"123")
        assert "float32" in json.loads(stream.recv())["error"]


def test_neighbours_are_not_heard(server: Running, models: Models) -> None:
    wanted = alone(models["signals"], *rows(models, 40))
    with server.stream("signals") as mine, server.stream("signals") as theirs:
        mine.recv(), theirs.recv()
        channels, told, errors = len(rows(models)[0]), list[dict[str, Any]](), list[Any]()
        for row in rows(models, 40):
            theirs.send(struct.pack(f"<{channels}f", *[float("nan")] * channels))
            theirs.send(struct.pack(f"<{channels}f", *[3e38] * channels))
            theirs.send(json.dumps({"frames": [[1e6] * channels] * 7}))
            told += said(mine, row)["answers"]
            errors += [json.loads(theirs.recv()) for _ in range(3)]
        told += said(mine, end=True)["answers"]
    assert same(told, wanted)
    assert [list(one) for one in errors[:2]] == [["at", "error"]] * 2


def test_what_one_does_to_the_model_is_its_own_end(models: Models) -> None:
    given = rows(models, 30)
    with (
        running({"signals": models["signals"]}, max_wait_ms=30.0) as server,
        server.stream("signals") as mine,
        server.stream("signals") as theirs,
    ):
        mine.recv(), theirs.recv()
        bank = server.server.sessions["signals"].bank
        embed, told = bank.streamed.embed, list[dict[str, Any]]()

        def fails(frames: Any) -> Any:
            if float(frames.abs().max()) > 1e4:
                raise RuntimeError("a fault of the model")
            return embed(frames)

        bank.streamed.embed = fails  # type: ignore[method-assign] # as a model with a fault has it
        theirs.send(json.dumps({"frames": [[1e6] * len(given[0])]}))
        told += said(mine, given[0])["answers"]
        code, reason = closed(theirs)
        told += said(mine, *given[1:], end=True)["answers"]
        bank.streamed.embed = embed  # type: ignore[method-assign] # as it was
    assert (code, "RuntimeError" in reason) == (1008, True)
    assert same(told, alone(models["signals"], *given))


def test_a_client_that_goes_before_its_reply_finds_it_when_it_comes_back(
    server: Running, models: Models
) -> None:
    given = rows(models, 400)
    wanted = alone(models["signals"], *given)
    for attempt in range(5):
        id = f"cut-off-{attempt}"
        stream = server.stream("signals", f"?session={id}")
        with stream:
            stream.recv()
            stream.send(json.dumps({"frames": given[:300]}))
            stream.socket.shutdown(socket.SHUT_RDWR)
        with server.stream("signals", f"?session={id}&at=0") as again:
            opened, told = json.loads(again.recv()), list[dict[str, Any]]()
            for _ in range(opened["resent"]):
                told += json.loads(again.recv())["answers"]
            told += said(again, *given[len(told) :], end=True)["answers"]
        assert same(told, wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        "{}", "[]", "nothing", '{"frames": 3}', '{"frames": [], "end": 1}', '{"frames": [[]]}',
        '{"frames": [[NaN, 1]]}', '{"frames": ["x"]}', '{"frames": [[1e999]]}',
        '{"frames": [null]}',
        '{"frames": [], "more": 1}', "[" * 5000, '{"frames": [[true, false]]}',
    ],
)  # fmt: skip # one after another
def test_a_wrong_message_is_answered_and_changes_nothing(
    server: Running, models: Models, wrong: str
) -> None:
    given = rows(models)
    with server.stream("signals") as stream:
        stream.recv()
        told = said(stream, *given[:4])["answers"]
        stream.send(wrong)
        error = json.loads(stream.recv())
        assert (error["at"], set(error)) == (2, {"at", "error"})
        stream.send(json.dumps({"frames": [given[4], [1.0, 2.0, 3.0, 4.0, 5.0] * 9]}))
        assert "error" in json.loads(stream.recv()), "a part of a message is not taken"
        told += said(stream, *given[4:], end=True)["answers"]
    assert same(told, alone(models["signals"], *given))


def test_a_session_goes_on_where_it_was(server: Running, models: Models) -> None:
    given = rows(models)
    with server.stream("signals", "?session=goes-on-here") as stream:
        stream.recv()
        told = said(stream, *given[:3])["answers"]
        stream.send(json.dumps({"frames": given[3:5]}))
        lost = json.loads(stream.recv())
    with server.stream("signals", "?session=goes-on-here&at=1") as stream:
        opened = json.loads(stream.recv())
        assert (opened["at"], opened["resent"]) == (2, 1)
        assert json.loads(stream.recv()) == lost
        told += lost["answers"] + said(stream, *given[5:], end=True)["answers"]
    assert same(told, alone(models["signals"], *given))
    for at in (9, 4):
        with server.stream("signals", f"?session=goes-on-here&at={at}") as stream:
            assert closed(stream)[0] == 1008
    with server.stream("signals", "?session=another-model-s") as one:
        one.recv()
    with server.stream("sentiment", "?session=another-model-s") as other:
        assert json.loads(other.recv())["at"] == 0


def test_a_row_that_was_used_begins_anew(models: Models) -> None:
    given = rows(models)
    wanted = alone(models["signals"], *given)
    with running({"signals": models["signals"]}, max_sessions=1) as server:
        for id in ("the-first-one", "the-next-one"):
            with server.stream("signals", f"?session={id}") as stream:
                stream.recv()
                assert same(said(stream, *given[:5])["answers"], wanted[:5])
            while server.ask("DELETE", f"/v1/models/signals/sessions/{id}")[0] != 204:
                pass  # its client's farewell is on the way


def test_a_session_that_waits_for_its_reply_is_not_put_away(models: Models) -> None:
    given = rows(models)
    with (
        running({"signals": models["signals"]}, idle=0.005, max_wait_ms=60.0) as server,
        server.stream("signals") as stream,
    ):
        stream.recv()
        told = [one for row in given for one in said(stream, row)["answers"]]
        told += said(stream, end=True)["answers"]
    assert same(told, alone(models["signals"], *given))


def test_messages_of_other_lengths_beside_it_are_not_heard(models: Models) -> None:
    given = rows(models)
    with (
        running({"signals": models["signals"]}, max_wait_ms=80.0) as server,
        server.stream("signals") as mine,
        server.stream("signals") as theirs,
    ):
        mine.recv(), theirs.recv()
        told = list[dict[str, Any]]()
        for row in given:
            theirs.send(json.dumps({"frames": given[:7]}))
            told += said(mine, row)["answers"]
            theirs.recv()
        told += said(mine, end=True)["answers"]
    assert same(told, alone(models["signals"], *given))


def test_words_of_a_wrong_message_are_not_kept(server: Running, models: Models) -> None:
    with server.stream("ner") as stream:
        stream.recv()
        assert "error" in said(stream, "Anna and ", 3)
        told = said(stream, "Per lives ")["answers"] + said(stream, end=True)["answers"]
    assert same(told, alone(models["ner"], "Per lives "))


def test_a_state_is_fetched_and_forgotten_while_it_is_put_away(models: Models) -> None:
    given, path = rows(models), "/v1/models/signals/sessions/comes-and-goes"
    with running({"signals": models["signals"]}, idle=0.002) as server:
        bank = server.server.sessions["signals"].bank
        taken, live = bank.snapshot, server.server.sessions["signals"].live

        def slowly(session: Row) -> Snapshot:
            time.sleep(0.01)
            return taken(session)

        bank.snapshot = slowly  # type: ignore[method-assign] # as if a state were large
        for round in range(60):
            with server.stream("signals", "?session=comes-and-goes") as stream:
                stream.recv()
                told = said(stream, given[0])["answers"]
                time.sleep(0.001 * (round % 7))
                assert server.ask("GET", path)[0] == 200
                told += said(stream, *given[1:], end=True)["answers"]
            assert same(told, alone(models["signals"], *given))
            while round % 2 and all(one.moving is None for one in live.values()) and live:
                time.sleep(0.0002)
            while (status := server.ask("DELETE", path)[0]) != 204:
                assert status == 409, "its client's farewell is on the way"
        assert sorted(bank.free) == list(range(bank.size)), "each row is free once"


def test_two_clients_in_one_session_are_refused(server: Running) -> None:
    with server.stream("signals", "?session=only-one-here") as stream:
        stream.recv()
        with server.stream("signals", "?session=only-one-here") as second:
            code, reason = closed(second)
            assert (code, "in use" in reason) == (1008, True)
        path = "/v1/models/signals/sessions/only-one-here"
        assert server.ask("DELETE", path)[0] == 409
        assert server.ask("GET", path)[0] == 200


def test_a_state_is_fetched_forked_moved_and_forgotten(server: Running, models: Models) -> None:
    given, sessions = rows(models), "/v1/models/signals/sessions"
    with server.stream("signals", "?session=the-first-one") as stream:
        stream.recv()
        said(stream, *given[:4])
        _, state, headers = server.ask("GET", f"{sessions}/the-first-one")
        assert headers["content-type"] == "application/octet-stream"
        status, told, _ = server.ask("POST", f"{sessions}/the-first-one/fork")
        said(stream, *given[:2])  # which neither of the others sees
    wanted = alone(models["signals"], *given)[4:]
    assert server.ask("PUT", f"{sessions}/moved-to-here", state)[0] == 204
    for id in (told["session"], "moved-to-here"):
        with server.stream("signals", f"?session={id}") as stream:
            assert json.loads(stream.recv())["at"] == 1
            assert same(said(stream, *given[4:], end=True)["answers"], wanted)
        assert server.ask("DELETE", f"{sessions}/{id}")[0] == 204
        assert server.ask("GET", f"{sessions}/{id}")[0] == 404
    for wrong in (b"", state[:-9], state.replace(b'"at', b'"xt'), bytes(len(state))):
        status, told, _ = server.ask("PUT", f"{sessions}/moved-to-here", wrong)
        assert (status, list(told)) == (422, ["error"])
    assert server.ask("PUT", "/v1/models/language/sessions/moved-to-here", state)[0] == 422
    assert server.ask("GET", f"{sessions}/short")[0] == 422


@pytest.mark.parametrize("state", ["memory", "folder"])
def test_a_silent_session_is_put_away_and_comes_back(
    models: Models, state: str, tmp_path: Path
) -> None:
    given = rows(models)
    where = "memory" if state == "memory" else str(tmp_path / "states")
    with (
        running({"signals": models["signals"]}, idle=0.2, state=where) as server,
        server.stream("signals", "?session=sleeps-a-while") as stream,
    ):
        stream.recv()
        told = said(stream, *given[:4])["answers"]
        sessions = server.server.sessions["signals"]
        until = time.monotonic() + 10
        while any(one.row >= 0 for one in sessions.live.values()) and time.monotonic() < until:
            time.sleep(0.02)
        assert len(sessions.bank.free) == sessions.bank.size, "its row is free"
        told += said(stream, *given[4:], end=True)["answers"]
        assert same(told, alone(models["signals"], *given))


def test_a_server_that_goes_down_keeps_its_sessions_in_a_folder(
    models: Models, tmp_path: Path
) -> None:
    given, told = rows(models), list[dict[str, Any]]()
    for part in (given[:4], given[4:6], given[6:]):
        with (
            running({"signals": models["signals"]}, state=str(tmp_path)) as server,
            server.stream("signals", "?session=outlives-it") as stream,
        ):
            stream.recv()
            told += said(stream, *part)["answers"]
            server.stop()
            assert closed(stream)[0] == 1012
    assert same(told, alone(models["signals"], *given))
    assert not any("outlives" in one.name for one in tmp_path.iterdir())


def test_more_sessions_than_are_allowed_are_turned_away(models: Models) -> None:
    with (
        running({"signals": models["signals"]}, max_sessions=2, sessions_per_key=3) as server,
        server.stream("signals") as first,
        server.stream("signals") as second,
        server.stream("signals") as third,
        server.stream("signals") as fourth,
    ):
        first.recv(), second.recv()
        code, reason = closed(third)
        assert (code, "2 sessions" in reason) == (1013, True)
        assert closed(fourth)[0] == 1013
        assert said(first, rows(models)[0])["at"] == 1, "the others go on"


def test_a_message_that_is_too_large_ends_its_own_stream(models: Models) -> None:
    with (
        running({"signals": models["signals"]}, max_message=500, max_frames=5) as server,
        server.stream("signals") as stream,
        server.stream("signals") as other,
    ):
        stream.recv(), other.recv()
        assert "5 are taken" in said(stream, *rows(models, 6))["error"]
        stream.send("x" * 600)
        assert closed(stream)[0] == 1009
        assert said(other, rows(models)[0])["at"] == 1


def test_a_reader_that_takes_nothing_is_cut_off(models: Models) -> None:
    with running({"signals": models["signals"]}, timeout=0.5) as server:
        server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", server.port))
        raw.sendall(
            b"GET /v1/models/signals/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        content = json.dumps({"frames": rows(models, 200)}).encode()
        message = struct.pack("!BBH4x", 0x81, 0x80 | 126, len(content)) + content
        raw.settimeout(0.2)
        until, sent = time.monotonic() + 20, 0
        assert b" 101 " in raw.recv(300)
        while time.monotonic() < until and not server.server.connections:
            time.sleep(0.01)
        while time.monotonic() < until and server.server.connections:
            with contextlib.suppress(TimeoutError, OSError):
                sent += raw.send(message[sent % len(message) :])
        assert not server.server.connections, "it is gone"
        with server.stream("signals") as other:
            other.recv()
            assert said(other, rows(models)[0])["at"] == 1


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nothing/stream", "no such model"),
        ("both-ways/stream", "bidirectional"),
        ("images/stream", "in one piece"),
        ("signals/stream?session=short", "8 to 64"),
        ("signals/stream?session=..%2F..%2Fetc%2Fpasswd", "8 to 64"),
        ("signals/other", "no such model"),
    ],
)
def test_what_cannot_be_streamed_is_told(server: Running, path: str, told: str) -> None:
    name, _, query = path.partition("/stream")
    with server.stream(name, query) as stream:
        code, reason = closed(stream)
        assert code == 1008
        assert told in reason


def closed(stream: Any) -> tuple[int, str]:
    """Return why a stream was closed."""
    try:
        while True:
            stream.recv(timeout=20)
    except ConnectionClosed as error:
        return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (0, "no farewell")
