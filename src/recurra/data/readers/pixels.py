"""An opened picture as numbers: upright, on white, at its own depth."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
GREY = ("1", "L", "LA", "La", *DEEP)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO, SIGNED = 0, 2


class RefusedError(Exception):
    """A picture that cannot be read rightly; the text says why and what to do."""


def pixels_of(
    picture: Any, size: tuple[int, int], channels: int, note: Callable[[str], None]
) -> NDArray[Any]:
    """Return a picture's pixels as [height width channels], resized.

    Args:
        picture: opened by Pillow, not yet decoded.
        size: (width, height) of the result.
        channels: 1 grey, 3 colours, or 4 with the transparency kept.
        note: told what was assumed.
    Returns:
        uint8; uint16 for grey values of 9 to 16 bits, as they are stored; float32 for real ones.

    Raises:
        RefusedError: its numbers have no range that is known.
    """
    halved = _sixteen_bit_colours(picture)
    _upright(picture, note)
    if picture.mode in DEEP:
        numbers = _resized(_deep(picture), size)
        return np.repeat(numbers[..., None], channels, axis=2)
    if SIGNED in getattr(picture, "tag_v2", {}).get(SAMPLE_FORMAT, ()):  # Pillow wraps them
        raise RefusedError("has signed bytes; save it with values from 0 to 255")
    if halved:
        _halved(picture, note)
    if channels != 4:
        picture = _on_white(picture)
    if picture.mode == "LAB":
        raise RefusedError("has LAB colours; save it as RGB")
    picture = picture.convert(MODES[channels])
    if picture.size != size:
        picture = picture.resize(size, import_module("PIL.Image").Resampling.BILINEAR)
    pixels = np.array(picture, np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def _upright(picture: Any, note: Callable[[str], None]) -> None:
    """Decode a picture, and turn it as its EXIF tag says."""
    picture.load()
    try:
        import_module("PIL.ImageOps").exif_transpose(picture, in_place=True)
    except Exception:  # damaged tags raise whatever their reader meets
        note("has EXIF tags that cannot be read; it is seen as it is stored")


def _on_white(picture: Any) -> Any:
    """Return a picture without transparency, as it is seen on white paper."""
    if not picture.has_transparency_data:
        return picture
    library = import_module("PIL.Image")
    clear = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    seen = library.alpha_composite(library.new("RGBA", clear.size, "white"), clear)
    return seen.convert("L" if picture.mode in GREY else "RGB")


def _deep(picture: Any) -> NDArray[Any]:
    """Return grey values of more than 8 bits.

    Raises:
        RefusedError: they are no finite numbers, or whole ones beyond 16 bits.
    """
    tags = getattr(picture, "tag_v2", {})
    numbers: NDArray[Any] = np.array(picture)
    if numbers.dtype.kind == "f":
        if not np.isfinite(numbers).all():
            raise RefusedError("has a value that is not finite (NaN or infinite)")
        return numbers.astype(np.float32)
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high > 65535:
        raise RefusedError(f"has whole numbers from {low} to {high}; save it with 8 or 16 bits")
    numbers = numbers.astype(np.uint16)
    if tags.get(BITS_PER_SAMPLE) == (12,):  # packed: the full range is known
        numbers = numbers << 4 | numbers >> 8
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        numbers[numbers == clear] = 65535
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and picture.mode != "I":
        raise RefusedError("has 0 as white in over 8 bits; save it with 0 as black")
    return numbers


def _resized(numbers: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if numbers.shape == size[::-1]:
        return numbers
    library = import_module("PIL.Image")
    plane = library.fromarray(numbers.astype(np.float32))
    result = np.array(plane.resize(size, library.Resampling.BILINEAR))
    return np.rint(result).astype(np.uint16) if numbers.dtype == np.uint16 else result


def _sixteen_bit_colours(picture: Any) -> bool:
    """Return whether Pillow will keep the upper 8 of 16 bits of each colour."""
    if picture.mode in DEEP:
        return False
    return any(";16" in str(tile[3]) for tile in picture.tile)


def _halved(picture: Any, note: Callable[[str], None]) -> None:
    """Tell that 16 bits became 8; refuse where the upper ones are not in use.

    Raises:
        RefusedError: all colours lie within the lower 12 bits.
    """
    note("has colours of 16 bits; their upper 8 are read, here as elsewhere")
    colours = picture.getbands()[: 1 if picture.mode == "LA" else 3]
    brightest = max(picture.getchannel(band).getextrema()[1] for band in colours)
    if 0 < brightest < 16:
        raise RefusedError(
            "uses 12 or fewer of 16 bits in its colours; scale them up, or save 8 bits"
        )
    clear = picture.info.get("transparency")
    if isinstance(clear, tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in clear)
