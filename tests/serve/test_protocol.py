"""Messages on the wire, however they are cut: they are what a WebSocket library says they are."""

import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from recurra.tasks.model import Model
from tests.serve.serving import Running, said
from tests.serve.test_stream import alone, rows
from tests.tasks.streams.made import same

Models = Mapping[str, Model]
TEXT, MORE, FIN, PING, CLOSE = 1, 0, 0x80, 9, 8


class Wire:
    """A client that sends bytes as it likes."""

    def __init__(self, socket: socket.socket) -> None:
        self.socket, self.buffer = socket, b""

    def send(self, kind: int, content: bytes, mask: bytes | None = None) -> bytes:
        """Return a frame."""
        mask = os.urandom(4) if mask is None else mask
        size = len(content)
        head = (
            struct.pack("!BB", kind, 0x80 | size)
            if size < 126
            else struct.pack("!BBH", kind, 0x80 | 126, size)
        )
        return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(content))

    def read(self) -> tuple[int, bytes]:
        """Return kind and content of the next frame."""
        while True:
            if len(self.buffer) >= 2:
                size, head = self.buffer[1] & 127, 2
                if size == 126 and len(self.buffer) >= 4:
                    size, head = int.from_bytes(self.buffer[2:4], "big"), 4
                elif size == 127 and len(self.buffer) >= 10:
                    size, head = int.from_bytes(self.buffer[2:10], "big"), 10
                if (size < 126 or head > 2) and len(self.buffer) >= head + size:
                    found = self.buffer[0], self.buffer[head : head + size]
                    self.buffer = self.buffer[head + size :]
                    return found
            got = self.socket.recv(1 << 16)
            if not got:
                raise EOFError
            self.buffer += got

    def reply(self) -> Any:
        """Return the next message."""
        kind, content = self.read()
        assert kind == FIN | TEXT
        return json.loads(content)


@contextmanager
def wire(server: Running) -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(
            b"GET /v1/models/signals/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        one = Wire(raw)
        while b"\r\n\r\n" not in one.buffer:
            one.buffer += raw.recv(1000)
        one.buffer = one.buffer.partition(b"\r\n\r\n")[2]
        assert one.reply()["at"] == 0
        yield one


def message(*frames: Any, end: bool = False) -> bytes:
    return json.dumps({"frames": frames, "end": end}).encode()


def test_messages_that_come_byte_by_byte_or_all_at_once(server: Running, models: Models) -> None:
    given = rows(models)
    wanted = alone(models["signals"], *given)
    with wire(server) as one:
        told = list[dict[str, Any]]()
        for byte in one.send(FIN | TEXT, message(given[0])):
            one.socket.sendall(bytes([byte]))
        told += one.reply()["answers"]
        one.socket.sendall(b"".join(one.send(FIN | TEXT, message(row)) for row in given[1:5]))
        for _ in range(4):
            told += one.reply()["answers"]
        both = one.send(FIN | TEXT, message(given[5])) + one.send(FIN | TEXT, message(given[6]))
        for begin in range(0, len(both), 17):
            one.socket.sendall(both[begin : begin + 17])
        told += one.reply()["answers"] + one.reply()["answers"]
        one.socket.sendall(one.send(FIN | TEXT, message(*given[7:], end=True)))
        told += one.reply()["answers"]
    assert same(told, wanted)


def test_a_message_in_fragments_with_a_ping_between_them(server: Running, models: Models) -> None:
    given = rows(models)
    content = message(*given, end=True)
    with wire(server) as one:
        one.socket.sendall(one.send(TEXT, content[:20]) + one.send(FIN | PING, b"there?"))
        one.socket.sendall(one.send(MORE, content[20:40]))
        one.socket.sendall(one.send(FIN | MORE, content[40:]))
        assert one.read() == (FIN | 10, b"there?")
        assert same(one.reply()["answers"], alone(models["signals"], *given))


def test_long_replies_are_whole(server: Running, models: Models) -> None:
    given = rows(models, 900)
    with server.stream("signals") as stream:
        stream.recv()
        assert len(said(stream, *given[:2])["answers"]) == 2
        assert len(said(stream, *given[:20])["answers"]) == 20
        assert len(said(stream, *given)["answers"]) == 900


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x05hello", 1002),  # no mask
        (b"\xc1\x80\0\0\0\0", 1002),  # a bit that is reserved
        (b"\x83\x80\0\0\0\0", 1002),  # a kind that is none
        (b"\x80\x80\0\0\0\0", 1002),  # a continuation of nothing
        (b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", 1002),  # a message within another's fragments
        (b"\x81\x82\0\0\0\0\xff\xfe", 1007),  # no UTF-8
        (b"\x01\x81\0\0\0\0\xff\x80\x81\0\0\0\0\xfe", 1007),  # nor in fragments
        (b"\x89\xfe\x00\xff\0\0\0\0" + bytes(255), 1002),  # a ping that is too long
        (b"\x81\xff" + b"\x7f" * 8 + bytes(4), 1009),  # longer than all memory
        (b"\x88\x80\0\0\0\0", 1000),  # a farewell
    ],
)
def test_what_is_no_message_ends_its_stream_alone(
    server: Running, models: Models, sent: bytes, code: int
) -> None:
    with wire(server) as one, server.stream("signals") as other:
        other.recv()
        one.socket.sendall(sent)
        kind, content = one.read()
        assert kind == FIN | CLOSE
        if code != 1000:
            assert struct.unpack("!H", content[:2])[0] == code
        with pytest.raises((EOFError, ConnectionError)):
            one.read()
        assert said(other, rows(models)[0])["at"] == 1


def test_a_close_in_the_middle_of_an_answer_is_no_harm(server: Running, models: Models) -> None:
    for _ in range(20):
        with wire(server) as one:
            one.socket.sendall(one.send(FIN | TEXT, message(*rows(models, 50))))
            one.socket.sendall(one.send(FIN | CLOSE, b"\x03\xe8"))
    with server.stream("signals") as stream:
        stream.recv()
        assert said(stream, rows(models)[0])["at"] == 1
        stream.close()
        with pytest.raises(ConnectionClosed):
            stream.recv()
