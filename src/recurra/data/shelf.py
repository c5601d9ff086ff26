"""Arrays that are kept in memory while they are few, and beyond that in files that it may drop."""

import mmap
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.spool import no_room

ROOM = 256 << 20  # bytes of arrays that stay as they are, and of a file
LINE = 64  # bytes at whose multiples an array begins


class Shelf:
    """Takes arrays, and gives them back as the same numbers in memory that the system may reuse.

    The first ones stay where they are. Those beyond are copied to files without a name in the
    folder for temporary files (TMPDIR names another), of which the system keeps in memory what it
    has room for. A file is gone when its arrays are.

    Args:
        room: bytes of arrays that stay as they are, and bytes of a file.

    Attributes:
        used: bytes of the last file that are taken.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = self.size = room
        self._file: mmap.mmap | None = None
        self.used = 0

    def keep(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an equal array, this one or another that can be written to as well.

        Raises:
            RecurraError: the folder has no room for it.
        """
        if array.nbytes <= self.room:
            self.room -= array.nbytes
            return array
        if self._file is None or self.used + array.nbytes > len(self._file):
            self._file, self.used = _file(max(self.size, array.nbytes)), 0
        start, self.used = self.used, -(-(self.used + array.nbytes) // LINE) * LINE
        flat = np.frombuffer(self._file, array.dtype, array.size, start)
        kept = flat.reshape(array.shape)
        kept[...] = array
        return kept


def _file(size: int) -> mmap.mmap:
    """Return so many bytes of a file, all of which have their place on the disk."""
    # Where the system has no such call, zeros are written in its place.
    allot: Callable[[int, int, int], None] | None = getattr(os, "posix_fallocate", None)
    try:
        with tempfile.TemporaryFile(prefix="recurra-") as file:
            if allot is None:
                for _ in range(0, size, 1 << 20):
                    file.write(bytes(1 << 20))
                file.flush()
            else:
                allot(file.fileno(), 0, size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise no_room("what was read", error) from error
