"""WebSockets on uvicorn, with a shorter way for messages of streams.

A message that is one frame, as nearly all are, goes to its stream at once, without a queue and a
turn of the loop for each; everything else (handshakes, fragments, control frames, what is wrong)
goes the way of uvicorn and websockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.speedups import apply_mask

Content = str | bytes
FIN, TEXT, BINARY, CONTINUED = 0x80, 1, 2, 0
MASKED = 0x80


class Protocol(WebSocketsSansIOProtocol):
    """One connection; the application finds it in its scope's extensions, as `recurra.protocol`."""

    sink: Callable[[Content], None] | None = None
    told: Callable[[], None] | None = None  # is called when a reader that lagged has caught up
    general = False  # frames began before we looked for them: all go the long way
    fragmented = False
    rest = b""

    async def run_asgi(self) -> None:
        """Run the application."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions["recurra.protocol"] = self
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        """Take bytes: whole messages for the stream are told, other frames go on."""
        if self.general or not self.handshake_complete:
            if self.handshake_initiated or not data.endswith(b"\r\n\r\n"):
                self.general = True
            super().data_received(data)
            if self.conn.handshake_exc is not None and not self.handshake_initiated:
                self.transport.write(b"".join(self.conn.data_to_send()))  # why it is none
                self.transport.close()
            return
        data, begin = self.rest + data if self.rest else data, 0
        while (found := frame(data, begin)) is not None:
            head, stop = found
            if stop - head > self.config.ws_max_size:
                self.general, self.rest = True, b""
                super().data_received(data[begin:])  # which says that it is too large
                return
            if stop > len(data):
                break
            if not self._told(data, begin, head, stop):
                kind = data[begin] & 0x0F
                if kind in (TEXT, BINARY, CONTINUED):
                    self.fragmented = not data[begin] & FIN
                super().data_received(data[begin:stop])
            begin = stop
        self.rest = data[begin:]

    def _told(self, data: bytes, begin: int, head: int, stop: int) -> bool:
        """Hand a frame to the stream; False: it goes the long way."""
        kind = data[begin]
        ours = kind in (FIN | TEXT, FIN | BINARY) and data[begin + 1] & MASKED
        if self.sink is None or not ours or self.fragmented or self.close_sent:
            return False
        content = apply_mask(data[head:stop], data[head - 4 : head])
        if kind == FIN | BINARY:
            self.sink(content)
            return True
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return False
        self.sink(text)
        return True

    def send_receive_event_to_app(self) -> None:
        """Hand on a message that came the long way."""
        content, told = b"".join(self.frames), None
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                told = content.decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        if self.sink is None or self.close_sent:
            super().send_receive_event_to_app()
            return
        self.frames = []
        self.sink(content if told is None else told)

    def tell(self, reply: Content) -> bool:
        """Send a message; whether its reader keeps up."""
        content = reply.encode() if isinstance(reply, str) else reply
        if self.disconnected or self.close_sent:
            return True
        kind, size = FIN | (TEXT if isinstance(reply, str) else BINARY), len(content)
        if size < 126:
            head = bytes((kind, size))
        elif size < 1 << 16:
            head = bytes((kind, 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((kind, 127)) + size.to_bytes(8, "big")
        self.transport.write(head + content)
        return self.writable.is_set()

    def resume_writing(self) -> None:
        """Go on with a stream whose reader has caught up."""
        super().resume_writing()
        if self.told is not None:
            self.told()

    def pause(self, *, paused: bool) -> None:
        """Read nothing more for now, or go on."""
        if paused == self.read_paused or self.transport.is_closing():
            return
        self.read_paused = paused
        (self.transport.pause_reading if paused else self.transport.resume_reading)()

    def abort(self) -> None:
        """Break off."""
        self.transport.abort()


def frame(data: bytes, begin: int) -> tuple[int, int] | None:
    """Return where the content of a frame begins and ends, or None where its head is not whole."""
    if len(data) < begin + 2:
        return None
    size, head = data[begin + 1] & 127, begin + 2
    if size > 125:
        more = 2 if size == 126 else 8
        if len(data) < head + more:
            return None
        size, head = int.from_bytes(data[head : head + more], "big"), head + more
    if data[begin + 1] & MASKED:
        head += 4
    return head, head + size
