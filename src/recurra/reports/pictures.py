"""Pictures within a page, as PNG that is written here."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 160  # height or width of a picture in a report; a larger one loses lines


def png(image: NDArray[Any]) -> bytes:
    """Return a picture [height width channels] as a PNG file, its least value black.

    One channel is grey, three and more are red, green, blue. W3C, PNG Specification, 3rd edition,
    https://www.w3.org/TR/png-3, sections 5 and 9: each line is preceded by its filter, 0.
    """
    values = np.nan_to_num(image[..., : 3 if image.shape[2] >= 3 else 1].astype(np.float32))
    low, high = float(values.min()), float(values.max())
    scaled = ((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    height, width, channels = scaled.shape
    lines = np.zeros((height, 1 + width * channels), np.uint8)
    lines[:, 1:] = scaled.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def address(image: NDArray[Any]) -> str:
    """Return the picture itself as what an <img> has for an address."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def picture(image: NDArray[Any], zoom: int = 6) -> str:
    """Return an <img> of an array [height width channels], enlarged."""
    height, width = (zoom * side for side in image.shape[:2])
    return f'<img alt="" width="{width}" height="{height}" src="{address(image)}">'


def smaller(image: NDArray[Any]) -> NDArray[Any]:
    """Return every so many lines of a picture that is too large for a report."""
    every = -(-max(image.shape[:2]) // LARGEST)
    return image[::every, ::every]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture [height width channels], of numbers of any kind."""

    image: NDArray[Any]

    def html(self) -> str:
        """Return it, small ones enlarged."""
        image = smaller(self.image)
        return picture(image, max(1, 96 // max(image.shape[:2])))
