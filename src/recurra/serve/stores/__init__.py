"""Stores of sessions: the memory of one process, a folder of one server, Redis for many servers."""

from __future__ import annotations

from pathlib import Path

from recurra.errors import RecurraError
from recurra.serve.store import Store
from recurra.serve.stores.folder import FolderStore
from recurra.serve.stores.memory import MemoryStore

LEASE, KEEP = 15.0, 86400.0

__all__ = ["open_store"]


def open_store(where: str, lease: float = LEASE, keep: float = KEEP) -> Store:
    """Return the store of that address.

    Args:
        where: `memory`, `redis://HOST:PORT/NUMBER` (`rediss://` with TLS), or a folder.
        lease: seconds after which a session is free again whose owner is silent.
        keep: seconds after which a state is removed that nobody has come back to.
    Raises:
        RecurraError: it is none of these, the folder cannot be used, or the library of Redis is
            missing. That Redis itself is away is told when it is asked.
    """
    if where == "memory":
        return MemoryStore(lease, keep)
    if where.startswith(("redis://", "rediss://")):
        from recurra.serve.stores.redis import RedisStore  # the library is asked for only here

        return RedisStore(where, lease, keep)
    if "://" in where:
        scheme = where.partition("://")[0]
        raise RecurraError(f"--state: {scheme}:// is no store; give memory, a folder or redis://…")
    return FolderStore(Path(where), lease, keep)
