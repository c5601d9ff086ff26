"""Picture files through Pillow: sizes first, then pixels of one size for all."""

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.text import Rows, say
from recurra.errors import DataError, MissingExtra

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
LARGEST_SIDE = 128
MOST_PIXELS = 64_000_000
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
GREY = ("1", "L", "I", "I;16", "F")


def pillow() -> Any:
    """Return Pillow's `PIL.Image` module.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise MissingExtra("reading images", "pillow", "vision") from error


def sizes(paths: Sequence[Path], folder: Path) -> tuple[tuple[int, int], int]:
    """Return the (width, height) that all pictures shall have, and their channels.

    The most common size, scaled down where a side is over 128. Only headers are read; pictures
    that cannot be read are left to `load`.
    """
    library = pillow()
    found: Counter[tuple[int, int]] = Counter()
    modes = set()
    for path in paths:
        try:
            with library.open(path) as picture:
                found[picture.size] += 1
                modes.add(picture.mode)
        except (OSError, ValueError, SyntaxError, library.DecompressionBombError):
            continue
    if not found:
        raise DataError(folder, f"holds {len(paths)} pictures, and none can be read")
    width, height = found.most_common(1)[0][0]
    shrink = min(1.0, LARGEST_SIDE / max(width, height))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    if len(found) > 1 or shrink < 1:
        several = f"{len(found)} sizes" if len(found) > 1 else "one size"
        say(f"{folder}: pictures of {several} are resized to {size[0]}×{size[1]}")
    return size, 1 if modes <= set(GREY) else 3


def load(
    source: Path | BytesIO, name: str, size: tuple[int, int], rows: Rows, channels: int = 3
) -> NDArray[Any] | None:
    """Return one picture as uint8 [height width channels], resized; None if it was bad.

    Raises:
        DataError: it cannot be read or is huge, and `rows` does not skip.
    """
    library = pillow()
    try:
        with library.open(source) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                rows.bad(name, f"has {picture.width}×{picture.height} pixels, over 64 million")
                return None
            if picture.mode.startswith("I"):  # 16 bits: keep the upper eight
                picture = picture.point(lambda value: value * (1 / 256)).convert("L")
            else:
                picture.draft("RGB", size)  # a JPEG is decoded at the nearest larger scale
            picture = picture.convert(MODES[channels])
            if picture.size != size:
                picture = picture.resize(size, library.Resampling.BILINEAR)
            pixels = np.array(picture, np.uint8)
    except (OSError, ValueError, SyntaxError, library.DecompressionBombError) as error:
        # Pillow's text for an unknown format repeats the path
        reason = "its format is unknown" if "identify" in str(error) else error
        rows.bad(name, f"cannot be read as a picture: {reason}")
        return None
    return pixels.reshape(*pixels.shape[:2], channels)
