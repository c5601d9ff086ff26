"""What a text is made of: characters, bytes, subwords or words; each kind as numbers."""

from collections.abc import Iterable
from typing import Any

from recurra.data.units.base import END, FIRST, UNKNOWN, Units, pieces
from recurra.data.units.letters import Bytes, Characters
from recurra.data.units.subwords import Subwords
from recurra.data.units.words import Words
from recurra.errors import BundleError

__all__ = [
    "END",
    "FIRST",
    "UNKNOWN",
    "Bytes",
    "Characters",
    "Subwords",
    "Units",
    "Words",
    "fit",
    "of",
    "pieces",
]


def fit(name: str, texts: Iterable[bytes], size: int) -> Units:
    """Return the units of a kind that these texts are made of, at most `size`."""
    if name == Bytes.name:
        return Bytes()
    kinds: dict[str, Any] = {kind.name: kind for kind in (Characters, Words, Subwords)}
    found: Units = kinds[name].fit(texts, size)
    return found


def of(name: str, stored: Any) -> Units:
    """Return the units that a bundle stores.

    Raises:
        BundleError: it stores none.
    """
    try:
        if name == Bytes.name:
            return Bytes()
        if name == Characters.name:
            return Characters(stored + "")
        if name == Words.name:
            return Words(word + "" for word in stored)
        if name == Subwords.name:
            return Subwords(stored["vocabulary"], stored["merges"])
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise BundleError(f"the units of the text cannot be read: {error}") from error
    raise BundleError(f"there are no units called {name!r}")
