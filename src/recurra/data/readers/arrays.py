"""Images and labels as arrays: IDX files (as MNIST has them) and NumPy archives."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.text import Rows, existing_file, open_bytes, say
from recurra.errors import DataError

MOST_BYTES = 4 << 30
IDX_KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
NPZ_IMAGES = ("x", "images", "X", "data")
NPZ_LABELS = ("y", "labels", "Y", "targets")
NPZ_PARTS = [("train", "train"), ("valid", "valid"), ("valid", "val"), ("test", "test")]
CHANNELS = (1, 3, 4)


class LabelledImage(NamedTuple):
    """An image [height width channels], uint8, uint16 or float32, with its class."""

    image: NDArray[Any]
    label: str
    where: str


def is_idx(path: Path) -> bool:
    """Return whether a file is one of IDX images by its name."""
    return path.is_file() and "images" in path.name and "idx" in path.name


def is_npz(path: Path) -> bool:
    """Return whether a file is a NumPy archive by its name."""
    return path.suffix.lower() == ".npz" and not path.name.startswith(".") and path.is_file()


def idx_images(path: Path, rows: Rows) -> list[LabelledImage]:
    """Return the images of an IDX file with the labels of the file beside it.

    Raises:
        DataError: one of the files cannot be used, or they do not fit each other.
    """
    name = path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    return list(_labelled(path, read_idx(path), read_idx(path.with_name(name)), rows))


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array of one IDX file, gzip or not.

    LeCun, http://yann.lecun.com/exdb/mnist: two zero bytes, a type code, the number of
    dimensions, each dimension as four bytes, then the data; all big-endian.

    Raises:
        DataError: the file is missing, no IDX file, too large, or shorter than its header says.
    """
    path = existing_file(path)
    try:
        with open_bytes(path) as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            if zeros or kind not in IDX_KINDS or not 1 <= dimensions <= 4:
                raise DataError(path, "is not an IDX file")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            dtype = np.dtype(IDX_KINDS[kind])
            wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if wanted > MOST_BYTES:
                raise DataError(path, f"claims {wanted:,} bytes; at most {MOST_BYTES:,} are read")
            data = file.read(wanted)
    except (OSError, EOFError, struct.error) as error:
        raise DataError(path, f"is not an IDX file, or is cut short ({error})") from error
    if len(data) < wanted:
        raise DataError(path, f"is cut short: {len(data):,} of {wanted:,} bytes")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def npz_images(path: Path, rows: Rows) -> dict[str, list[LabelledImage]]:
    """Return the images of a NumPy archive, by part; all are "train" where no parts are named.

    Raises:
        DataError: it cannot be used, or one of its images and `rows` does not skip.
    """
    with opened(path) as loaded:
        pairs = {
            part: tuple(array_of(path, loaded, name) for name in names)
            for part, names in _pairs(path, loaded.files).items()
        }
    return {part: list(_labelled(path, x, y, rows)) for part, (x, y) in pairs.items()}


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a NumPy archive of at most 4 GiB unpacked, without pickle.

    Raises:
        DataError: it is missing, larger, or no archive; so too while it is read.
    """
    path = existing_file(path)
    try:
        with ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
        if total > MOST_BYTES:
            raise DataError(path, f"unpacks to {total:,} bytes; at most {MOST_BYTES:,} are read")
        with np.load(path, allow_pickle=False) as loaded:
            yield loaded
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise DataError(path, f"cannot be read as a NumPy archive: {error}") from error


def _pairs(path: Path, have: list[str]) -> dict[str, tuple[str, str]]:
    """Return the names of images and labels of each part."""
    pairs = {
        part: (f"x_{name}", f"y_{name}")
        for part, name in NPZ_PARTS
        if f"x_{name}" in have and f"y_{name}" in have
    }
    x = next((name for name in NPZ_IMAGES if name in have), None)
    y = next((name for name in NPZ_LABELS if name in have), None)
    if not pairs and x is not None and y is not None:
        pairs = {"train": (x, y)}
    if not pairs:
        listed = ", ".join(have) or "none"
        raise DataError(path, f"needs arrays x and y, or images and labels; it has {listed}")
    used = {name for pair in pairs.values() for name in pair}
    if unused := [name for name in have if name not in used]:
        say(f"{path}: {', '.join(sorted(used))} are read; {', '.join(unused)} left out")
    return pairs


def array_of(path: Path, loaded: Any, name: str) -> NDArray[Any]:
    """Return an array of an open archive.

    Raises:
        DataError: it holds Python objects.
    """
    try:
        array: NDArray[Any] = loaded[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        reason = f"cannot be read as a NumPy archive: {name} holds Python objects; save it with "
        raise DataError(path, reason + "a dtype, as in y.astype(str)") from error
    return array


def _labelled(
    path: Path, images: NDArray[Any], labels: NDArray[Any], rows: Rows
) -> Iterator[LabelledImage]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or images.ndim not in (3, 4) or len(images) != len(labels):
        raise DataError(
            path,
            f"has images of shape {images.shape} and labels of shape {labels.shape}; "
            "[count height width] or [count height width channels] and [count] are needed",
        )
    images = channels_last(path, images)
    if images.dtype.kind not in "uifb" or labels.dtype.kind not in "uifUSb":
        raise DataError(path, f"holds {images.dtype} images and {labels.dtype} labels")
    images = numbers(images)
    finite = np.isfinite(images).all(axis=(1, 2, 3)) if images.dtype.kind == "f" else None
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        name = label_of(label)
        if name is None:
            rows.bad(path, f"has no label ({label!r})", i + 1)
        elif finite is not None and not finite[i]:
            rows.bad(path, "has an image with a value that is not finite (NaN or infinite)", i + 1)
        else:
            yield LabelledImage(image, name, f"{path}:{i + 1}")


def label_of(value: Any) -> str | None:
    """Return a label as text, 1.0 as 1; None where there is none: NaN, infinite, or empty."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return str(int(value)) if value == int(value) else str(value)
    text = str(value).strip()
    # NumPy writes a missing number among texts as "nan"
    return None if text in ("", "nan", "None") else text


def numbers(array: NDArray[Any]) -> NDArray[Any]:
    """Return pixels as uint8, uint16 or float32, in this machine's byte order; black 0, white 255
    where they are booleans."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is refused
        return array.astype(np.float32)


def channels_last(path: Path, images: NDArray[Any]) -> NDArray[Any]:
    """Return images as [count height width channels]; where both could be meant, tell which was.

    Raises:
        DataError: no side has 1, 3 or 4 channels, or a side is 0.
    """
    shape = images.shape
    if images.ndim == 3:
        images = images[..., None]
    elif shape[3] not in CHANNELS and shape[1] in CHANNELS:
        images = images.transpose(0, 2, 3, 1)
    elif shape[3] in CHANNELS and shape[1] in CHANNELS and len({*shape[1:]}) > 1:
        say(
            f"{path}: {shape[1]}×{shape[2]}×{shape[3]} is read as height, width, {shape[3]} "
            "channels; where channels are first, transpose the array"
        )
    if images.shape[3] not in CHANNELS or 0 in images.shape[1:]:
        raise DataError(path, f"has images of shape {shape[1:]}; 1, 3 or 4 channels go")
    return images
