"""What a request sends, as a model takes it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.errors import RecurraError
from recurra.tasks.model import Model

KINDS = {
    "image_classification": "image",
    "music_generation": "key",
    "polyphonic_music": "piece",
    "image_captioning": "image",
    "sentiment": "text",
    "ner": "text",
    "translation": "text",
    "language_model": "text",
    "signal_classification": "signal",
    "audio_classification": "sound",
    "forecasting": "series",
    "speech_recognition": "sound",
    "anomaly_detection": "series",
}
FORMS = {
    "image": ("png", "jpg", "jpeg", "gif", "bmp", "webp"),
    "sound": ("wav", "flac", "ogg", "mp3"),
    "signal": ("csv", "tsv", "ts", "npz"),
    "series": ("csv", "tsv", "json", "parquet"),
    "piece": ("mid", "json"),
}
ARRAYS = {"image": "pixels", "sound": "samples", "signal": "values"}


class Desk:
    """Where the files of one request lie until it is answered.

    Args:
        folder: of the server's own; nothing in a request names what lies there.
    """

    numbers = itertools.count()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = dict[str, Path]()

    def read(self, model: Model, kind: str, given: Any) -> Any:
        """Return one INPUT (docs/server.md) as the model's `predict` takes it.

        Raises:
            RecurraError: it is none.
        """
        if kind in ("text", "key"):
            return _text(model, given)
        if not isinstance(given, dict):
            raise RecurraError(f"is {_kind(given)}; give an object: {_wanted(kind)}")
        name = ARRAYS.get(kind)
        if set(given) == {name}:
            return _array(model, kind, given[name])
        if "file" in given and set(given) <= {"file", "form"}:
            return self._file(kind, given["file"], given.get("form", FORMS[kind][0]))
        raise RecurraError(f"has the keys {sorted(map(str, given))}; give {_wanted(kind)}")

    def named(self, text: str) -> str:
        """Return a text in which our own files are not named."""
        for name, path in self.files.items():
            text = text.replace(f"{path}: ", "").replace(f"{path} ", "").replace(str(path), name)
        return text

    def clear(self) -> None:
        """Remove the files."""
        for path in self.files.values():
            path.unlink(missing_ok=True)

    def _file(self, kind: str, content: Any, form: Any) -> str | Path:
        if form not in FORMS[kind]:
            raise RecurraError(f"form is {form!r:.40}; a {kind} is one of {', '.join(FORMS[kind])}")
        try:
            found = base64.b64decode(content, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise RecurraError("file is no base64 text; give the file's bytes as base64") from error
        path = self.folder / f"{next(self.numbers)}.{form}"
        path.write_bytes(found)
        self.files[f"the {kind}"] = path
        return path if kind in ("image", "signal", "piece") else str(path)


@contextlib.contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Lend a desk, and clear it."""
    lent = Desk(folder)
    try:
        yield lent
    finally:
        lent.clear()


def _text(model: Model, given: Any) -> Any:
    if isinstance(given, str):
        return model.task.parse(given)
    words = model.task.takes_words and isinstance(given, list) and given
    if words and all(isinstance(word, str) for word in given):
        return given
    also = " or a list of words" if model.task.takes_words else ""
    raise RecurraError(f"is {_kind(given)}; give a text{also}")


def _array(model: Model, kind: str, given: Any) -> Any:
    found = _numbers(given, missing=kind == "signal")
    if found is None:
        raise RecurraError(f"{ARRAYS[kind]} are no rows of numbers, all as long")
    if kind == "image":
        whole = found.size and (found == np.round(found)).all() and found.min() >= 0
        return found.astype(np.uint8) if whole and found.max() <= 255 else found
    if kind == "sound":
        if found.ndim != 1 or not np.isfinite(found).all():
            raise RecurraError(f"samples are {list(found.shape)}; give a list of finite numbers")
        rate: int = model.recipe.sample_rate  # type: ignore[attr-defined] # those that hear have it
        return found.astype(np.float32), rate
    return found


def _numbers(given: Any, *, missing: bool) -> NDArray[np.float64] | None:
    """Return JSON's numbers, NaN for null where some may be missing; of anything else, None."""
    try:
        found = np.array(given, dtype=object)
        flat = [math.nan if one is None and missing else one for one in found.flat]
        if not all(type(one) in (int, float) for one in flat):
            return None
        return np.array(flat, np.float64).reshape(found.shape)
    except (ValueError, TypeError, OverflowError):
        return None


def _wanted(kind: str) -> str:
    file = f'{{"file": BASE64, "form": "{FORMS[kind][0]}"}}'
    return f'{file} or {{"{ARRAYS[kind]}": […]}}' if kind in ARRAYS else file


def _kind(given: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if given is None else names.get(type(given), "a number")
