"""Labelled images: a folder per class, IDX files (as MNIST has them), or NumPy archives."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.pictures import PICTURES, load, sizes
from recurra.data.readers.source import Format, assemble, read_parts
from recurra.data.readers.text import Rows, existing, existing_file, open_bytes
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe

MOST_BYTES = 4 << 30
IDX_KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
NPZ_IMAGES = ("x", "images", "X", "data")
NPZ_LABELS = ("y", "labels", "Y", "targets")


class LabelledImage(NamedTuple):
    """An image [height width channels], uint8 or float32, with its class."""

    image: NDArray[Any]
    label: str
    where: str


def read(recipe: Recipe) -> Splits[LabelledImage]:
    """Return the labelled images of `recipe.data`, in three parts.

    Raises:
        DataError: a file or image cannot be used.
        MissingExtra: pictures are to be read, and Pillow is not installed.
    """
    form = Format(
        read=read_path,
        accepts=lambda path: path.is_dir() or path.suffix == ".npz" or _is_idx(path),
        content=lambda example: example.image.tobytes(),
        labels=lambda example: [example.label],
        least=2,
        whole=True,
    )
    path = Path(str(recipe.data)).expanduser()
    if path.suffix == ".npz" and not path.is_dir():
        rows = Rows.of(recipe)
        parts = _npz(path, rows)
        if "train" not in parts:
            raise DataError(
                path, f"holds a {' and a '.join(parts)} part; x_train, y_train are needed"
            )
        for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
            if named == recipe.data:
                parts.setdefault(part, parts["train"])
            elif named:
                parts[part] = read_path(existing(named), rows)
        return assemble(parts, recipe, form, rows)
    return read_parts(recipe, form)


def read_path(path: Path, rows: Rows) -> list[LabelledImage]:
    """Return the images of one folder of class folders, IDX file or NumPy archive.

    Raises:
        DataError: it cannot be used, or one of its images and `rows` does not skip.
    """
    if path.is_dir():
        archives = [entry for entry in sorted(path.iterdir()) if entry.suffix == ".npz"]
        if len(archives) == 1:
            return _one_part(archives[0], rows)
        return _class_folders(path, rows)
    path = existing_file(path)
    if path.suffix == ".npz":
        return _one_part(path, rows)
    if not _is_idx(path):
        raise DataError(path, "is no folder of class folders, no IDX images file, and no .npz")
    name = path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    images, labels = read_idx(path), read_idx(path.with_name(name))
    return list(_checked(path, images, labels, rows))


def open_image(image: str | Path | NDArray[Any], shape: tuple[int, int, int]) -> LabelledImage:
    """Return one image as a model of `shape` [height width channels] takes it, without a label.

    A file is resized; an array must have the shape (one channel may be left out).

    Raises:
        DataError: a file is no picture; an array has another shape, or is not finite.
        MissingExtra: a file is to be read, and Pillow is not installed.
    """
    if not isinstance(image, np.ndarray):
        if not isinstance(image, str | Path):
            raise DataError("input", f"is a {type(image).__name__}; give a file or an array")
        path = existing_file(image)
        pixels = load(path, str(path), (shape[1], shape[0]), Rows(), shape[2])
        assert pixels is not None  # Rows() raises
        return LabelledImage(pixels, "", str(path))
    if image.shape not in (shape, shape[:2] if shape[2] == 1 else shape):
        raise DataError("array", f"has shape {image.shape}; this model takes {shape}")
    if image.dtype.kind not in "uifb" or not np.isfinite(image).all():
        raise DataError("array", f"({image.dtype}) holds values that are no finite numbers")
    image = image.reshape(shape)
    return LabelledImage(
        image if image.dtype == np.uint8 else image.astype(np.float32), "", "array"
    )


def _is_idx(path: Path) -> bool:
    return path.is_file() and "images" in path.name and "idx" in path.name


def _class_folders(folder: Path, rows: Rows) -> list[LabelledImage]:
    found = [
        (picture, entry.name)
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and not entry.name.startswith(".")
        for picture in sorted(entry.rglob("*"))
        if picture.suffix.lower() in PICTURES
    ]
    if not found:
        raise DataError(folder, "holds no folders with pictures; one folder per class is needed")
    size, channels = sizes([picture for picture, _ in found], folder)
    examples = []
    for picture, label in found:
        if (image := load(picture, str(picture), size, rows, channels)) is not None:
            examples.append(LabelledImage(image, label, str(picture)))
    return examples


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


def _one_part(path: Path, rows: Rows) -> list[LabelledImage]:
    parts = _npz(path, rows)
    return parts["train"] if "train" in parts else next(iter(parts.values()))


def _npz(path: Path, rows: Rows) -> dict[str, list[LabelledImage]]:
    path = existing_file(path)
    try:
        with ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
        if total > MOST_BYTES:
            raise DataError(path, f"unpacks to {total:,} bytes; at most {MOST_BYTES:,} are read")
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise DataError(path, f"cannot be read as a NumPy archive: {error}") from error
    pairs = {
        part: (arrays[f"x_{name}"], arrays[f"y_{name}"])
        for part, names in [("train", ["train"]), ("valid", ["valid", "val"]), ("test", ["test"])]
        for name in names
        if f"x_{name}" in arrays and f"y_{name}" in arrays
    }
    if not pairs:
        x = next((name for name in NPZ_IMAGES if name in arrays), None)
        y = next((name for name in NPZ_LABELS if name in arrays), None)
        if x is None or y is None:
            have = ", ".join(arrays) or "none"
            raise DataError(path, f"needs arrays x and y, or images and labels; it has {have}")
        pairs = {"train": (arrays[x], arrays[y])}
    return {part: list(_checked(path, x, y, rows)) for part, (x, y) in pairs.items()}


def _checked(
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
    if images.ndim == 3:
        images = images[..., None]
    elif images.shape[3] not in (1, 3, 4) and images.shape[1] in (1, 3, 4):
        images = images.transpose(0, 2, 3, 1)
    if images.shape[3] not in (1, 3, 4) or 0 in images.shape[1:]:
        raise DataError(path, f"has images of shape {images.shape[1:]}; 1, 3 or 4 channels go")
    if images.dtype.kind not in "uifb" or labels.dtype.kind not in "uifUb":
        raise DataError(path, f"holds {images.dtype} images and {labels.dtype} labels")
    if images.dtype == np.bool_:
        images = images.astype(np.uint8) * np.uint8(255)
    elif images.dtype != np.uint8:
        images = images.astype(np.float32)
    finite = np.isfinite(images).all(axis=(1, 2, 3)) if images.dtype.kind == "f" else None
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        if finite is not None and not finite[i]:
            rows.bad(path, "has an image with a value that is not finite (NaN or infinite)", i + 1)
        else:
            text = str(int(label)) if isinstance(label, float) and label == int(label) else label
            yield LabelledImage(image, str(text), f"{path}:{i + 1}")
