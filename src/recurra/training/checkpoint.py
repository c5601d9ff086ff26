"""The folder of a run: the best weights are its bundle's, the last state is one file, and a log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from recurra import bundle
from recurra.errors import BundleError, RecurraError
from recurra.storage import (
    load_tensors,
    read_bytes,
    read_metadata,
    reason,
    replace_text,
    save_tensors,
)
from recurra.training.progress import Events


class RunFolder:
    """Where a run keeps its best weights, its last state and its metrics.

    Args:
        path: the folder.
        every: seconds between two saved states within an epoch.
        data: what tells whether the data are the same still, as JSON; saved with each state.

    Attributes:
        opening: writes the bundle of a run that begins; None: the caller has written it.
    """

    opening: Callable[[], object] | None = None

    def __init__(
        self, path: str | Path, every: float = 60.0, data: Mapping[str, Any] | None = None
    ) -> None:
        self.path, self.every, self.fingerprint = Path(path), every, dict(data or {})
        self.last, self.log = self.path / "last.safetensors", self.path / "metrics.jsonl"
        self.events: Events | None = None

    def begin(self) -> None:
        """Forget what an earlier run has left, and write the bundle.

        In an order that leaves, wherever it is killed, either no recipe or the new run's.

        Raises:
            RecurraError: the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.opening is not None:
                bundle.forget(self.path)
            self.last.unlink(missing_ok=True)
            self.log.unlink(missing_ok=True)
            (self.path / bundle.REPORT).unlink(missing_ok=True)
        except OSError as error:
            raise RecurraError(f"run {self.path} cannot be written: {reason(error)}") from error
        if self.opening is not None:
            self.opening()

    def save_best(self, weights: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Replace the bundle's weights.

        Raises:
            BundleError: the disk refused; the old ones are kept.
        """
        bundle.replace_weights(self.path, weights, metadata)

    def save_last(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the state that `--resume` goes on from.

        Raises:
            BundleError: the disk refused; the old one is kept.
        """
        kept = {"state": json.dumps(state), "data": json.dumps(self.fingerprint)}
        save_tensors(self.last, tensors, kept)

    def load_last(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what `save_last` wrote.

        Raises:
            BundleError: it is missing or damaged.
        """
        if not self.last.exists():
            raise BundleError(f"{self.last} is missing: there is no run to resume here")
        tensors, metadata = load_tensors(self.last)
        try:
            return tensors, json.loads(metadata["state"])
        except (KeyError, ValueError) as error:
            raise BundleError(f"{self.last} holds no state of a run") from error

    def data(self) -> dict[str, Any] | None:
        """Return the `data` that the last state was saved with, or None where it has none.

        Raises:
            BundleError: the state is missing or damaged.
        """
        try:
            kept = json.loads(read_metadata(self.last).get("data", "{}"))
        except ValueError as error:
            raise BundleError(f"{self.last} holds no state of a run") from error
        return kept if isinstance(kept, dict) and kept else None

    def open_events(self, step: int) -> None:
        """Write TensorBoard events too, from `step` on.

        Raises:
            MissingExtra: TensorBoard is not installed.
        """
        self.events = Events(self.path, step)

    def record(self, entry: Mapping[str, Any]) -> None:
        """Append one validation to the log, and to the events where they are open.

        Raises:
            RecurraError: the disk refused.
        """
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise RecurraError(f"{self.log} cannot be written: {reason(error)}") from error
        if self.events is not None:
            self.events.record(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Return the validations in the log, where there is one.

        Raises:
            BundleError: it is too large, or cannot be read.
        """
        if not self.log.exists():
            return []
        lines = read_bytes(self.log, bundle.FILE_LIMIT).decode("utf-8", "replace").splitlines()
        return [entry for entry in map(_entry, lines) if entry]

    def close(self) -> None:
        """Write what is left of the events."""
        if self.events is not None:
            self.events.close()

    def rewind(self, step: int) -> list[dict[str, Any]]:
        """Return the log up to `step`, and drop what a killed run wrote after it.

        Raises:
            RecurraError: the log cannot be read or written.
        """
        try:
            lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
            kept = [entry for entry in map(_entry, lines) if entry and entry.get("step", 0) <= step]
            replace_text(self.log, "".join(json.dumps(entry) + "\n" for entry in kept))
        except (OSError, UnicodeDecodeError) as error:
            raise RecurraError(f"{self.log} cannot be used: {reason(error)}") from error
        return kept


def _entry(line: str) -> dict[str, Any] | None:
    """Return a line of the log, or None where a kill cut it short."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
