"""The states of a model's sessions, rows of one batch, stepped together."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor

from recurra import tree
from recurra.errors import RecurraError
from recurra.serve.session import Push, Session, loaded, stored
from recurra.serve.snapshot import Snapshot, unpack
from recurra.tasks.streams import Streamed, Together

KEPT, BYTES = 64, 1 << 18  # last replies, which a client that comes back may lack
ROUND = 64  # frames of a session that are stepped at once
FIRST = 16  # rows that memory is taken for


class Bank:
    """Steps sessions; used by one thread at a time.

    Args:
        streamed: the model.
        hash: of the model.
        most: sessions.
        longest: frames of a message.
    """

    def __init__(self, streamed: Streamed, hash: str, most: int, longest: int) -> None:
        self.streamed, self.hash, self.most, self.longest = streamed, hash, most, longest
        self.layer = streamed.layer.eval()
        self.free, self.size = list[int](), 0
        self.state: Any = tree.map(torch.Tensor.detach, self.layer.initial_state(0))

    @property
    def held(self) -> int:
        """Bytes of the batched state."""
        return sum(leaf.numel() * leaf.element_size() for leaf in tree.leaves(self.state))

    def begin(self, key: str, id: str) -> Session:
        """Return a session that begins.

        Raises:
            RecurraError: there is no place.
        """
        session = Session(key, id, self._row(), self.layer.delay, self.streamed.begin())
        self._reset(session)
        return session

    def end(self, session: Session) -> None:
        """Free a session's row, once."""
        if session.row >= 0:
            self.free.append(session.row)
        session.row = -1

    def snapshot(self, session: Session) -> Snapshot:
        """Return a session's state as a value."""
        row = torch.tensor([session.row])
        return Snapshot(
            model=self.hash,
            session=session.id,
            at=session.at,
            late=session.late,
            leaves=[leaf.index_select(0, row) for leaf in tree.leaves(self.state)],
            memory=session.memory,
            answers=[stored(reply) for reply in session.replies],
        )

    def restore(self, key: str, found: Snapshot) -> Session:
        """Return a session that goes on from a snapshot.

        Raises:
            RecurraError: there is no place.
        """
        session = Session(key, found.session, self._row(), found.late, found.memory)
        session.at, session.replies = found.at, deque(map(loaded, found.answers))
        session.size = sum(map(len, session.replies))
        row = torch.tensor([session.row])
        for whole, leaf in zip(tree.leaves(self.state), found.leaves, strict=True):
            whole.index_copy_(0, row, leaf)
        return session

    def unpacked(self, content: bytes, secret: bytes | None) -> Snapshot:
        """Return the session whose state these bytes are.

        Raises:
            RecurraError: they are none, or of another model.
        """
        leaves = [leaf.detach() for leaf in tree.leaves(self.layer.initial_state(1))]
        found = unpack(content, self.hash, secret, leaves, self.streamed.begin())
        for one in found.answers:
            loaded(one)
        if found.late > self.layer.delay:
            raise RecurraError(
                f"the state waits for {found.late} frames; this model's delay is less"
            )
        return found

    @torch.inference_mode()
    def round(self, pushes: Sequence[Push]) -> None:
        """Step each message's next frames; those that are over have their reply then."""
        self._read_together(pushes)
        live = [push for push in pushes if self._ready(push)]
        try:
            if live:
                self._step(live)
        except Exception:  # whatever one of them has done to it, the others know nothing of it
            for push in live:
                self._step_alone(push)
        for push in live:
            left = self._left(push)
            if not sum(left) or push.failed:
                self._reply(push)

    def _read_together(self, pushes: Sequence[Push]) -> None:
        """Read what new messages of one frame bring, all at once where the model can."""
        if not isinstance(self.streamed, Together):
            return
        new = [
            push
            for push in pushes
            if push.given is None
            and push.wrong is None
            and not push.end
            and isinstance(push.frames, list)
            and len(push.frames) == 1
        ]
        found = self.streamed.together([push.frames[0] for push in new]) if len(new) > 1 else None
        if found is not None:
            for push, frames in zip(new, found, strict=True):
                push.given = frames

    def _ready(self, push: Push) -> bool:
        """Read a message; whether it has frames that can be stepped."""
        if push.given is not None:
            return True
        session = push.session
        many = isinstance(push.frames, list) and len(push.frames) > 1
        before = copy.deepcopy(session.memory) if many or push.end else None
        try:
            push.given = self._read(push)
        except RecurraError as error:
            if before is not None:
                session.memory = before
            self._said(push, {"at": session.at + 1, "error": " ".join(str(error).split())})
            return False
        if not sum(self._left(push)):
            self._reply(push)
            return False
        return True

    def _read(self, push: Push) -> np.ndarray:
        """Return a message's frames.

        Raises:
            RecurraError: it is none, or too long.
        """
        if push.wrong is not None:
            raise RecurraError(push.wrong)
        memory = push.session.memory
        given = push.frames if isinstance(push.frames, list) else [push.frames]
        parts = [self.streamed.read(memory, one) for one in given]
        if push.end:
            parts.append(self.streamed.rest(memory))
        if not parts:
            return self.streamed.rest(self.streamed.begin())  # none, of the right shape
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if len(found) > self.longest:
            raise RecurraError(f"a message has {len(found):,} frames; {self.longest:,} are taken")
        return found

    def _left(self, push: Push) -> tuple[int, int]:
        """Return how many frames are left, and how many that flush the delay."""
        assert push.given is not None
        flush = self.layer.delay - push.flushed if push.end else 0
        return len(push.given) - push.done, flush

    def _step_alone(self, push: Push) -> None:
        try:
            self._step([push])
        except Exception as error:  # whatever the model cannot do
            # nothing was kept of this step: what is, is kept when all of it has been computed
            push.failed = RecurraError(f"the model cannot go on with it: {type(error).__name__}")

    def _step(self, live: Sequence[Push]) -> None:
        lefts = [self._left(push) for push in live]
        takes = [min(given, ROUND) for given, _ in lefts]
        sizes = [min(sum(left), ROUND) for left in lefts]
        longest = max(sizes)
        given = [
            push.given[push.done : push.done + take]  # type: ignore[index] # they were read
            for push, take in zip(live, takes, strict=True)
        ]
        rows = torch.tensor([push.session.row for push in live])
        if longest == min(takes):  # all have as many, and none is flushed
            x = self.streamed.embed(torch.from_numpy(np.stack(given)))
            lengths = None
        else:
            padded = np.zeros((len(live), longest, *given[0].shape[1:]), given[0].dtype)
            for i, one in enumerate(given):
                padded[i, : len(one)] = one
            x = self.streamed.embed(torch.from_numpy(padded))
            beyond = torch.arange(longest) >= torch.tensor(takes)[:, None]
            x, lengths = x.masked_fill(beyond[..., None], 0.0), torch.tensor(sizes)
        scores = self._scores(x, rows, lengths)
        for i, push in enumerate(live):
            session, size = push.session, sizes[i]
            push.done += takes[i]
            push.flushed += size - takes[i]
            out = min(session.late, size)
            session.late -= out
            if out < size:
                self._say(push, scores[i, out:size])

    def _say(self, push: Push, scores: np.ndarray) -> None:
        try:
            said = self.streamed.say(push.session.memory, scores)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # a memory that somebody has forged; the others of this round know nothing of it
            push.failed = RecurraError(f"the session's memory is damaged: {error!r}")
            return
        push.told += [scores] if push.binary else said

    def _scores(self, x: Tensor, rows: Tensor, lengths: Tensor | None) -> np.ndarray:
        """Return what is to be said of the next steps; rows of the state are those after them."""
        before = tree.map(lambda leaf: leaf.index_select(0, rows), self.state)
        y, after = self.layer(x, before, lengths=lengths)
        scores: np.ndarray = self.streamed.head(y).numpy()
        for whole, part in zip(tree.leaves(self.state), tree.leaves(after), strict=True):
            whole.index_copy_(0, rows, part)
        return scores

    def _reply(self, push: Push) -> None:
        session = push.session
        reply: dict[str, Any] = {"at": session.at + 1}
        if push.end:
            reply["ended"] = True
            session.late, session.memory = self.layer.delay, self.streamed.begin()
            self._reset(session)
        if push.binary:
            self._said(push, b"".join(np.ascontiguousarray(p, "<f4").tobytes() for p in push.told))
        else:
            self._said(push, {**reply, "answers": push.told})

    def _said(self, push: Push, reply: dict[str, Any] | bytes) -> None:
        push.reply = reply if isinstance(reply, bytes) else orjson.dumps(reply).decode()
        session = push.session
        session.at += 1
        session.replies.append(push.reply)
        session.size += len(push.reply)
        while len(session.replies) > KEPT or session.size > BYTES:
            session.size -= len(session.replies.popleft())

    def _row(self) -> int:
        if not self.free:
            size = min(max(2 * self.size, FIRST), self.most)
            if size == self.size:
                raise RecurraError(f"there are {self.size} sessions already")
            more = self.layer.initial_state(size - self.size)
            self.state = tree.map(lambda a, b: torch.cat([a, b.detach()]), self.state, more)
            self.free = list(range(size - 1, self.size - 1, -1))
            self.size = size
        return self.free.pop()

    def _reset(self, session: Session) -> None:
        row = torch.tensor([session.row])
        begun = self.layer.initial_state(1)
        with torch.inference_mode():
            for whole, leaf in zip(tree.leaves(self.state), tree.leaves(begun), strict=True):
                whole.index_copy_(0, row, leaf)
