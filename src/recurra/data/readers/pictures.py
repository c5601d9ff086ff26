"""Picture files through Pillow: sizes first, then pixels of one size for all."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from recurra.data.readers.pixels import GREY, RefusedError, pixels_of
from recurra.data.readers.text import Rows, say
from recurra.errors import DataError, MissingExtra

PICTURES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
)
LARGEST_SIDE = 128
MOST_PIXELS = 64_000_000
ORIENTATION, IMAGE_WIDTH = 0x0112, 0x0100
SIDEWAYS = (5, 6, 7, 8)


def pillow() -> Any:
    """Return Pillow's `PIL.Image` module.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise MissingExtra("reading images", "pillow", "vision") from error


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture by its ending, and none of the hidden ones."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()


@contextmanager
def _opened(source: Path | BytesIO) -> Iterator[Any]:
    """Open a picture; what Pillow would warn of is refused or mended here.

    Raises:
        RefusedError: it has nothing in it, or too many pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = not source.stat().st_size if isinstance(source, Path) else not source.getbuffer()
        if empty:
            raise RefusedError("is empty")
        with pillow().open(source) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise RefusedError(f"has {picture.width}×{picture.height} pixels, over 64 million")
            yield picture


def _sideways(picture: Any) -> bool:
    """Return whether a picture's rows, by its tag, are columns of what is stored."""
    try:
        turned = picture.getexif().get(ORIENTATION) in SIDEWAYS
        width = getattr(picture, "tag_v2", {}).get(IMAGE_WIDTH, picture.width)
    except Exception:  # damaged tags: the picture is seen as it is stored
        return False
    return turned and bool(width == picture.width)  # Pillow turns a TIFF's size itself


def sizes(paths: Sequence[Path], folder: Path) -> tuple[tuple[int, int], int]:
    """Return the (width, height) that all pictures shall have, and their channels.

    The most common size as pictures are seen, scaled down where a side is over 128. Only headers
    are read; pictures that cannot be read are left to `load`.
    """
    pillow()
    found: Counter[tuple[int, int]] = Counter()
    modes = set()
    for path in paths:
        try:
            with _opened(path) as picture:
                size = picture.size
                found[size[::-1] if _sideways(picture) else size] += 1
                modes.add(picture.mode)
        except Exception:  # `load` tells of it
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
    """Return one picture as [height width channels], resized; None if it was bad.

    It is seen as a viewer shows it: turned as its EXIF tag says, on white where it is transparent,
    its first frame where it has several. Bytes are uint8; grey values of 16 bits are uint16 as
    they are stored, and real ones float32 (see `pixels`).

    Raises:
        DataError: it cannot be read or is huge, and `rows` does not skip.
    """
    library = pillow()
    try:
        with _opened(source) as picture:
            if picture.format in ("JPEG", "MPO"):  # decoded at the nearest larger scale
                picture.draft("RGB", size[::-1] if _sideways(picture) else size)
            elif getattr(picture, "is_animated", False):
                rows.note(name, "has several frames or pages; the first is read, here as elsewhere")
                picture.seek(0)
            pixels = pixels_of(picture, size, channels, lambda text: rows.note(name, text))
    except RefusedError as error:
        rows.bad(name, str(error))
    except library.UnidentifiedImageError:  # its text repeats the path
        rows.bad(name, "cannot be read as a picture: its format is unknown")
    except Exception as error:  # a damaged file may raise anything in Pillow's plugins
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        rows.bad(name, f"cannot be read as a picture: {reason}")
    else:
        return rows.shelf.keep(pixels)
    return None
