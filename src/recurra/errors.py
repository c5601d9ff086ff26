"""Errors that are the user's to mend: one clear line each, exit code 2 on the command line."""

from difflib import get_close_matches
from pathlib import Path


class RecurraError(Exception):
    """What was wrong, what was received, what to do: in one line."""


class DataError(RecurraError):
    """A user's file, or one of its rows, cannot be used.

    Args:
        path: the file.
        reason: what is wrong, and what to do.
        row: its line (or item) in the file, counted from 1.
    """

    def __init__(self, path: str | Path, reason: str, row: int | None = None) -> None:
        self.path, self.reason, self.row = str(path), reason, row
        where = self.path if row is None else f"{self.path}:{row}"
        super().__init__(f"{where}: {reason}")


class InputError(RecurraError, ValueError):
    """A value handed in has another shape, kind or place than is taken, or is out of its range."""


class InputTypeError(RecurraError, TypeError):
    """A value handed in is of another type than is taken."""


class BundleError(RecurraError):
    """A saved model is missing, damaged, of another schema, or not ours."""


class EngineRefused(InputError):  # noqa: N818, the word of `Engine.refuse`
    """An engine asked for by name cannot run this cell here; the text says why."""


class MissingExtra(RecurraError):  # noqa: N818, it names what is missing
    """A library that one feature needs is not installed."""

    def __init__(self, feature: str, library: str, extra: str) -> None:
        super().__init__(f"{feature} needs {library}: pip install 'recurra[{extra}]'")


def unknown(kind: str, received: str, known: list[str]) -> RecurraError:
    """Return the error for a name that is not among `known`, with the nearest one suggested."""
    near = get_close_matches(str(received).lower(), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(known)
    return InputError(f"unknown {kind} {received!r}; {hint}")


def reason(error: Exception) -> str:
    """Return why a file could not be used, on one line."""
    return getattr(error, "strerror", None) or " ".join(str(error).split())
