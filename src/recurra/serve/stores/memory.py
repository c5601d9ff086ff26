"""States in the memory of one process: gone when it ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from recurra.serve.stores.leases import Leased, Leases

MOST = 1 << 30  # bytes


class MemoryStore(Leased):
    """A store in memory; of more than `most` bytes the oldest states go.

    Args:
        lease: seconds that a lease lasts.
        keep: seconds that a state is kept after it was saved.
        most: bytes of all states together.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        lease: float,
        keep: float,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep, self.most, self.clock = keep, most, clock
        super().__init__(Leases(lease, clock))
        self._states: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    async def load(self, session: str) -> bytes | None:
        """Return what was saved last, or None where there is nothing (any more)."""
        self._sweep()
        content, _ = self._states.get(session, (None, 0.0))
        return content

    async def save(self, session: str, content: bytes, owner: str) -> bool:
        """Save a state; False: the lease was lost, and nothing was written."""
        if not self._leases.renew(session, owner):
            return False
        self._drop(session)
        self._states[session] = (content, self.clock() + self.keep)
        self._bytes += len(content)
        self._sweep()
        return True

    async def save_many(self, states: Mapping[str, bytes], owner: str) -> set[str]:
        """Save many at once, and return those sessions whose lease was lost."""
        return {
            name for name, content in states.items() if not await self.save(name, content, owner)
        }

    async def forget(self, session: str, owner: str) -> bool:
        """Remove a state and give the lease back; False: the lease was lost, the state stays."""
        if not self._leases.release(session, owner):
            return False
        self._drop(session)
        return True

    async def close(self) -> None:
        """Forget all states."""
        self._states.clear()
        self._bytes = 0

    def _drop(self, session: str) -> None:
        content, _ = self._states.pop(session, (b"", 0.0))
        self._bytes -= len(content)

    def _sweep(self) -> None:
        """Drop what is too old, or too much; states lie in the order in which they were saved."""
        now = self.clock()
        while self._states:
            oldest, (_, until) = next(iter(self._states.items()))
            if now < until and self._bytes <= self.most:
                break
            self._drop(oldest)
