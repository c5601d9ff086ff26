"""States in a folder of one server: they outlive its process."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from recurra.errors import RecurraError
from recurra.serve.store import StoreAway
from recurra.serve.stores.leases import Leased, Leases
from recurra.storage import reason

OURS = re.compile(r"\.?[0-9a-f]{64}\.safetensors(\.part)?")
LIMIT = 64 << 20  # bytes of a file that is read
T = TypeVar("T")


class FolderStore(Leased):
    """A store of files, each named by the hash of its session; it belongs to one server at a time.

    One thread reads and writes, in the order in which it is asked.

    Args:
        folder: made where it is missing, for its user alone.
        lease: seconds that a lease lasts.
        keep: seconds that a state is kept after it was saved.
    Raises:
        RecurraError: the folder cannot be used, or another server uses it.
    """

    def __init__(self, folder: Path, lease: float, keep: float) -> None:
        self.folder, self.keep = folder, keep
        super().__init__(Leases(lease))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise RecurraError(
                f"the folder {folder} cannot keep sessions: {reason(error)}; give another --state"
            ) from error
        if not _alone(self._lock):
            os.close(self._lock)
            raise RecurraError(
                f"the folder {folder} is in use by another server; give another --state, or "
                "redis://… for several servers"
            )
        self._thread = ThreadPoolExecutor(1, "sessions")
        self._swept = 0.0

    async def load(self, session: str) -> bytes | None:
        """Return what was saved last, or None where there is nothing (any more)."""
        return await self._do(lambda: self._read(self._path(session)))

    async def save(self, session: str, content: bytes, owner: str) -> bool:
        """Save a state; False: the lease was lost, and nothing was written."""
        return not await self.save_many({session: content}, owner)

    async def save_many(self, states: Mapping[str, bytes], owner: str) -> set[str]:
        """Save many at once, and return those sessions whose lease was lost."""
        lost = await self.renew(states, owner)
        held = {self._path(name): states[name] for name in states if name not in lost}
        await self._do(lambda: self._write(held))
        return lost

    async def forget(self, session: str, owner: str) -> bool:
        """Remove a state and give the lease back; False: the lease was lost, the state stays."""
        if not self._leases.release(session, owner):
            return False
        await self._do(lambda: self._path(session).unlink(missing_ok=True))
        return True

    async def close(self) -> None:
        """End the thread when it has written all, and leave the folder to others."""
        await asyncio.to_thread(self._thread.shutdown)
        os.close(self._lock)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OSError as error:
            why = reason(error)
            raise StoreAway(f"the folder of sessions cannot be used now: {why}") from error

    def _path(self, session: str) -> Path:
        name = hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / f"{name}.safetensors"

    def _read(self, path: Path) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.lstat().st_mtime < self.keep:
                with path.open("rb") as file:
                    return file.read(LIMIT)
        return None

    def _write(self, states: Mapping[Path, bytes]) -> None:
        for path, content in states.items():
            part = path.with_name(f".{path.name}.part")
            # without a sync: what a machine's end leaves half written has no valid signature
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123, a handle has no path
                file.write(content)
            part.replace(path)
        self._sweep()

    def _sweep(self) -> None:
        """Remove states that are too old, now and then; files of others are left alone."""
        now = time.time()
        if now - self._swept < min(60.0, self.keep):
            return
        self._swept = now
        for path in self.folder.iterdir():
            if OURS.fullmatch(path.name) and now - path.lstat().st_mtime >= self.keep:
                path.unlink(missing_ok=True)


def _alone(lock: int) -> bool:
    """Return whether nobody else holds the lock, which ends with the process that does."""
    if os.name != "posix":
        return True  # there, whoever starts two servers in one folder is not warned
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
