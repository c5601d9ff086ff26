"""Requests and frames that are wrong in every way that a seed draws."""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

NAMES = 200  # of sessions, so that wrong clients meet each other
NASTY: tuple[Any, ...] = (
    None, True, -1, 0.5, 1e308, -(10**400), 10**6, float("nan"), float("inf"), "", "\0", "\ud800",
    "x" * 5000, "../../etc/passwd", "a\nb", [], {}, [[]], [None], {"file": 1}, [[1, [2]], 3],
    [1e39] * 8, {"pixels": [[["1"]]]}, {"values": [[1], [1, 2]]}, {"samples": [float("nan")]},
)  # fmt: skip # a line each would hide what they have in common
MAGIC = (b"", b"\x89PNG\r\n\x1a\n", b"RIFF\x24\0\0\0WAVEfmt ", b"PK\x03\x04", b"MThd\0\0\0\x06")
MAGIC += (b"fLaC", b"OggS", b"PAR1", b"time,x\n1,", b"\xff\xd8\xff\xe0", b"\x93NUMPY\x01\0v\0{")
FORMS = ("csv", "ts", "npz", "png", "jpg", "wav", "flac", "mid", "json", "parquet", "exe", "../x")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "G\0T", "")
PATHS = ("/", "/v1/models", "/%00", "/../../etc/passwd", "/%2e%2e/%2e%2e/x", "//", "*", "/\xff")
HEADS = (
    "Content-Length: -1", "Content-Length: 99999999999", "Content-Length: 1\r\nContent-Length: 2",
    "Transfer-Encoding: chunked", "Transfer-Encoding: nothing", "Host:", "X: " + "y" * 70000,
    "no colon", ": empty", "X\0: y", "Content-Type: \xff", "Expect: 100-continue", " folded: x",
    "Authorization: Bearer \xff\0", "Upgrade: h2c", "Connection: upgrade", "Content-Length: 1e3",
)  # fmt: skip # as above
UPGRADE = {
    "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}  # fmt: skip # as above


class Attack(NamedTuple):
    """What is sent over one connection.

    Args:
        kind: of what is wrong.
        content: its bytes; of a stream those that begin it.
        frames: what follows when a stream has begun.
        stays: whether the connection is good for another request.
        answered: whether the server has to say something.
    """

    kind: str
    content: bytes
    frames: Sequence[bytes] = ()
    stays: bool = False
    answered: bool = True


class Malformed:
    """Attacks on the models of a server.

    Args:
        seed: of all that is drawn.
        models: as the server tells of them.
        states: of sessions, by model, as they were fetched.
    """

    def __init__(
        self, seed: int, models: Sequence[Mapping[str, Any]], states: Mapping[str, bytes]
    ) -> None:
        self.drawn, self.models, self.states = random.Random(seed), models, states

    def draw(self) -> Attack:
        """Return the next one."""
        kinds = (self._head, self._body, self._body, self._file, self._options, self._session)
        kinds += (self._state, self._handshake, self._frames, self._frames, self._bytes)
        return self.drawn.choice(kinds)()

    def _head(self) -> Attack:
        d = self.drawn
        method, path = d.choice(METHODS), d.choice((*PATHS, self._path("predict")))
        version = d.choice(("HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP", ""))
        lines = [f"{method} {path} {version}", "Host: localhost", *d.sample(HEADS, d.randint(0, 3))]
        content = "\r\n".join([*lines, "", d.choice(("", "{}", "5\r\n{", "zz\r\n"))])
        end = "\r\n" if d.random() < 0.8 else ""
        return Attack("head", (content + end).encode("latin-1", "replace"), answered=False)

    def _body(self) -> Attack:
        route = self.drawn.choice(("predict", "predict", "generate"))
        given = {"prompt": "x", "options": {}} if route == "generate" else self._inputs("x", "y z")
        return self._post("body", route, self._spoilt(given))

    def _file(self) -> Attack:
        d = self.drawn
        content = d.choice(MAGIC) + d.randbytes(d.randint(0, 200))
        file = base64.b64encode(content).decode()
        if d.random() < 0.3:
            file = file[: d.randint(0, len(file))] + d.choice("!é=\0")
        return self._post("file", "predict", json.dumps(self._inputs(
            {"file": file, "form": d.choice(FORMS)})).encode())  # fmt: skip # one request

    def _options(self) -> Attack:
        d, model = self.drawn, self.drawn.choice(self.models)
        names = [*model["options"], "data", "out", "lm", "__class__", ""]
        options = {d.choice(names): d.choice(NASTY) for _ in range(d.randint(1, 3))}
        body = json.dumps({**self._inputs("x"), "options": options}).encode()
        return self._post("options", "predict", body, model["name"])

    def _session(self) -> Attack:
        d = self.drawn
        name = d.choice((self._name(), "short", "x" * 65, "../../../x", "a b c d e f", "é" * 9))
        method, tail = d.choice((("GET", ""), ("DELETE", ""), ("POST", "/fork"), ("PATCH", "")))
        path = self._path(f"sessions/{quote(name, safe='')}{tail}")
        return Attack("session", request(method, path, b""), stays=True)

    def _state(self) -> Attack:
        d = self.drawn
        model, state = d.choice([*self.states.items()])
        if d.random() < 0.1:
            model = d.choice(self.models)["name"]
        path = f"/v1/models/{model}/sessions/{self._name()}"
        return Attack("state", request("PUT", path, self._flipped(state)), stays=True)

    def _handshake(self) -> Attack:
        d = self.drawn
        query = d.choice(("?session=x", "?session=%00%00%00%00%00%00%00%00", "?at=-1", "?at=99",
                          "?at=" + "9" * 400, "?format=x", "?key=\xff", "?session=" + "a" * 9000,
                          "?%ff=%fe", "?at=1e3", "?session=éééééééé"))  # fmt: skip # as above
        heads = dict(UPGRADE)
        if d.random() < 0.4:
            heads[d.choice([*heads])] = d.choice(("", "8", "x", "\0", "websocket, x", "=" * 300))
        if d.random() < 0.2:
            heads["Sec-WebSocket-Extensions"] = d.choice(("permessage-deflate; x=99", ";;", "\xff"))
        return Attack("handshake", opening(self._path("stream") + query, heads), [CLOSE])

    def _frames(self) -> Attack:
        d, frames = self.drawn, list[bytes]()
        for _ in range(d.randint(1, 4)):
            if d.random() < 0.3:
                frames.append(framed(2, d.randbytes(d.choice((0, 1, 4, 31, 32, 33, 64, 4000)))))
            else:
                given = {"frames": [d.choice(("not ba", [0.5] * 8, [["a"]])), "x"], "end": False}
                frames.append(framed(1, self._spoilt(given)))
        return self._stream("frames", [*frames, CLOSE] if d.random() < 0.7 else frames)

    def _bytes(self) -> Attack:
        """Frames that break the protocol."""
        d = self.drawn
        wrong = (
            b"\x81\x05hello", framed(3, b"x"), framed(11, b""), b"\xf1\x80\0\0\0\0",
            b"\x82\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0", framed(1, b"\xff\xfe"), framed(0, b"x"),
            b"\x09\x80\0\0\0\0", framed(9, b"x" * 126), framed(8, b"\x03"), framed(8, b"\0\1bad"),
            b"\x82\xfe\x10\0\0\0\0\0abc", b"\x01\x81\0\0\0\0a" * 3, d.randbytes(d.randint(1, 64)),
            framed(10, b"pong"), framed(9, b"") * 50, framed(1, b"[" * 60000),
            framed(1, b'{"frames": [' + b"[" * 3000), b"\x82\xff" + struct.pack("!Q", 1 << 21),
        )  # fmt: skip # as above
        return self._stream("protocol", d.sample(wrong, d.randint(1, 3)))

    def _stream(self, kind: str, frames: Sequence[bytes]) -> Attack:
        query = f"?session={self._name()}" if self.drawn.random() < 0.9 else ""
        return Attack(kind, opening(self._path("stream") + query, UPGRADE), frames)

    def _post(self, kind: str, route: str, body: bytes, model: str = "") -> Attack:
        return Attack(kind, request("POST", self._path(route, model), body), stays=True)

    def _inputs(self, *inputs: Any) -> dict[str, Any]:
        return {"inputs": list(inputs), "options": {}}

    def _path(self, tail: str, model: str = "") -> str:
        d = self.drawn
        name = model or d.choice(self.models)["name"]
        if d.random() < 0.05:
            name = d.choice(("none", "..", "%2e%2e", "%00", "x" * 300, "%ff"))
        return f"/v1/models/{name}/{tail}"

    def _name(self) -> str:
        return f"mallory-{self.drawn.randrange(NAMES):03}"

    def _spoilt(self, given: Any) -> bytes:
        """Return JSON in which a value, or some bytes, are wrong."""
        d = self.drawn
        key = d.choice([*given])
        if d.random() < 0.6:
            if isinstance(given[key], list) and given[key] and d.random() < 0.6:
                given[key][d.randrange(len(given[key]))] = d.choice(NASTY)
            else:
                given[d.choice((key, "extra"))] = d.choice(NASTY)
            return json.dumps(given).encode()
        if d.random() < 0.1:
            return b"[" * d.choice((10, 900, 20000))
        return self._flipped(json.dumps(given).encode())

    def _flipped(self, content: bytes) -> bytes:
        """Return bytes of which some are others, or missing, or too many."""
        d, found = self.drawn, bytearray(content)
        for _ in range(d.randint(1, 4)):
            place = d.randrange(len(found)) if found else 0
            how = d.random()
            if how < 0.6 and found:
                found[place] ^= 1 << d.randrange(8)
            elif how < 0.8:
                del found[place : place + d.randint(1, 30)]
            else:
                found[place:place] = d.randbytes(d.randint(1, 30))
        return bytes(found)


def request(method: str, path: str, body: bytes) -> bytes:
    """Return a request whose head is right."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def opening(path: str, heads: Mapping[str, str]) -> bytes:
    """Return what asks for a stream."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in heads.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def framed(opcode: int, content: bytes) -> bytes:
    """Return a frame of a client, with a mask of zeros."""
    size, head = len(content), 0x80 | opcode
    if size < 126:
        return struct.pack("!BB4x", head, 128 | size) + content
    return struct.pack("!BBH4x", head, 128 | 126, size) + content


CLOSE = framed(8, struct.pack("!H", 1000))
