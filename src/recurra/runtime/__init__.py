"""Exported models without torch: whole sequences, streams and writing.

    model = recurra.runtime.load("exported")
    model.run("sequence", x=x)["logits"]

It needs numpy and onnxruntime alone: `pip install numpy onnxruntime`, then `pip install --no-deps
recurra`.
"""

from pathlib import Path

from recurra.runtime.model import Exported
from recurra.runtime.stream import Stream

__all__ = ["Exported", "Stream", "load"]


def load(folder: str | Path, threads: int = 1, weights: str | None = None) -> Exported:
    """Return the model of an exported folder."""
    return Exported(folder, threads, weights)
