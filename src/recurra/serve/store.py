"""Where states of sessions are kept, and who may write them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable

from recurra.errors import RecurraError


class StoreAway(RecurraError):  # noqa: N818, it says what the store is
    """The store cannot be reached or written now; the same request may do well later (503)."""


@runtime_checkable
class Store(Protocol):
    """States by session, each with at most one owner at a time.

    An owner is a name that no other process has, nor the same process after it has begun anew. It
    holds a session by a lease, which ends by itself after some seconds: claiming, renewing and
    saving begin them again. What is saved, released or forgotten without the lease is refused, so a
    server that was slow cannot write over what another has gone on with.

    A session is any text; all methods may raise StoreAway.
    """

    async def claim(self, session: str, owner: str) -> bool:
        """Take the lease of a session; False: another owner holds it."""
        ...

    async def renew(self, sessions: Collection[str], owner: str) -> set[str]:
        """Begin leases again, and return those sessions whose lease was lost."""
        ...

    async def release(self, session: str, owner: str) -> None:
        """Give the lease back; nothing where it was lost."""
        ...

    async def load(self, session: str) -> bytes | None:
        """Return what was saved last, or None where there is nothing (any more)."""
        ...

    async def save(self, session: str, content: bytes, owner: str) -> bool:
        """Save a state; False: the lease was lost, and nothing was written."""
        ...

    async def save_many(self, states: Mapping[str, bytes], owner: str) -> set[str]:
        """Save many at once, and return those sessions whose lease was lost."""
        ...

    async def forget(self, session: str, owner: str) -> bool:
        """Remove a state and give the lease back; False: the lease was lost, the state stays."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; leases end by themselves."""
        ...
