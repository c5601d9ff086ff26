"""Arrays of any length in memory that the system may take back."""

import mmap
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from recurra.errors import RecurraError, reason


def no_room(what: str, error: OSError) -> RecurraError:
    """Return the error that the folder for temporary files cannot hold something."""
    return RecurraError(
        f"{tempfile.gettempdir()} cannot hold {what}: {reason(error)}; the environment variable "
        "TMPDIR names another folder for temporary files"
    )


class Spool:
    """Numbers that are written once, piece by piece, and then read as one array.

    They lie in a file without a name in the folder for temporary files (TMPDIR names another), of
    which the system keeps in memory what it has room for. It is gone when the array is.

    Args:
        dtype: of the numbers.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.size = 0
        self._file = tempfile.TemporaryFile(prefix="recurra-")  # noqa: SIM115  # `close` ends it

    def add(self, piece: NDArray[Any]) -> None:
        """Write some more.

        Raises:
            RecurraError: the folder has no room for it.
        """
        try:
            self._file.write(np.ascontiguousarray(piece, self.dtype).data)
        except OSError as error:
            raise no_room("the text", error) from error
        self.size += len(piece)

    def close(self) -> NDArray[Any]:
        """Return all of it."""
        with self._file as file:
            file.flush()
            if not self.size:
                return np.zeros(0, self.dtype)
            return np.frombuffer(mmap.mmap(file.fileno(), 0), self.dtype)
