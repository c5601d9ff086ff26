"""Who holds which session, among the owners of one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection


class Leases:
    """Leases that end by themselves.

    Args:
        seconds: that a lease lasts.
        clock: tells the time, in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self._held: dict[str, tuple[str, float]] = {}
        self._swept = clock()

    def claim(self, session: str, owner: str) -> bool:
        """Take a lease, or begin it again; False: another owner holds it."""
        self._sweep()
        if self.holder(session) not in (None, owner):
            return False
        self._held[session] = (owner, self.clock() + self.seconds)
        return True

    def renew(self, session: str, owner: str) -> bool:
        """Begin a lease again; False: it was lost."""
        return self.holder(session) == owner and self.claim(session, owner)

    def release(self, session: str, owner: str) -> bool:
        """Give a lease back; False: it was lost."""
        held = self.holder(session) == owner
        if held:
            del self._held[session]
        return held

    def holder(self, session: str) -> str | None:
        """Return who holds a session now."""
        owner, until = self._held.get(session, (None, 0.0))
        return owner if self.clock() < until else None

    def _sweep(self) -> None:
        """Drop the leases that have ended, once in the time that one lasts."""
        now = self.clock()
        if now - self._swept >= self.seconds:
            self._held = {name: held for name, held in self._held.items() if now < held[1]}
            self._swept = now


class Leased:
    """The part of a store of one process that says who holds what.

    Args:
        leases: of its sessions.
    """

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def claim(self, session: str, owner: str) -> bool:
        """Take the lease of a session; False: another owner holds it."""
        return self._leases.claim(session, owner)

    async def renew(self, sessions: Collection[str], owner: str) -> set[str]:
        """Begin leases again, and return those sessions whose lease was lost."""
        return {session for session in sessions if not self._leases.renew(session, owner)}

    async def release(self, session: str, owner: str) -> None:
        """Give the lease back; nothing where it was lost."""
        self._leases.release(session, owner)
