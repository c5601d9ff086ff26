"""Exported models without torch: the answers of every task, whole sequences, streams, writing.

    model = recurra.runtime.load("exported")
    model.predict(["not bad at all"])[0].asdict()
    model.run("sequence", x=x)["logits"]

It needs numpy, onnxruntime and tokenizers: `pip install numpy onnxruntime tokenizers`, then `pip
install --no-deps recurra`; Pillow, soundfile and miditok where pictures, sounds and music are
files.
"""

from pathlib import Path

from recurra.runtime.model import Exported
from recurra.runtime.stream import Stream

__all__ = ["Exported", "Stream", "load"]


def load(folder: str | Path, threads: int = 1, weights: str | None = None) -> Exported:
    """Return the model of an exported folder."""
    return Exported(folder, threads, weights)
