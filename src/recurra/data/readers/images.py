"""Labelled images: a folder per class, IDX files (as MNIST has them), or NumPy archives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers import folders
from recurra.data.readers.arrays import (
    LabelledImage,
    idx_images,
    is_idx,
    is_npz,
    npz_images,
    numbers,
)
from recurra.data.readers.pictures import is_picture, load, sizes
from recurra.data.readers.source import Format, assemble, read_parts
from recurra.data.readers.text import Rows, existing, existing_file
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.recipe import Recipe


def read(recipe: Recipe) -> Splits[LabelledImage]:
    """Return the labelled images of `recipe.data`, in three parts.

    Raises:
        DataError: a file or image cannot be used.
        MissingExtra: pictures are to be read, and Pillow is not installed.
    """
    form = Format(
        read=read_path,
        accepts=lambda path: path.is_dir() or is_npz(path) or is_idx(path),
        content=lambda example: example.image.tobytes(),
        labels=lambda example: [example.label],
        least=2,
        whole=True,
    )
    path = Path(str(recipe.data)).expanduser()
    rows = Rows.of(recipe)
    if is_npz(path):
        parts = npz_images(path, rows)
        if "train" not in parts:
            raise DataError(
                path, f"holds a {' and a '.join(parts)} part; x_train, y_train are needed"
            )
        for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
            if named == recipe.data:
                parts.setdefault(part, parts["train"])
            elif named:
                parts[part] = read_path(existing(named), rows)
    elif path.is_dir() and not _arrays(path):
        parts = _folder(path, recipe, rows)
    else:
        return read_parts(recipe, form)
    splits = assemble(parts, recipe, form, rows)
    _check_shapes(splits)
    return splits


def _arrays(folder: Path) -> list[Path]:
    """Return the arrays in a folder or right in one of its folders; they are read as they are.

    Raises:
        DataError: there are folders of pictures beside them.
    """
    entries = sorted(folder.iterdir())
    homes = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    inner = [entry for home in homes for entry in sorted(home.iterdir())]
    found = [entry for entry in [*entries, *inner] if is_npz(entry) or is_idx(entry)]
    if found and any(is_picture(entry) for entry in inner):
        reason = f"holds arrays ({found[0].name}) and folders of pictures; give one of them"
        raise DataError(folder, reason)
    return found


def _folder(folder: Path, recipe: Recipe, rows: Rows) -> dict[str, list[LabelledImage]]:
    """Return the parts of a folder of pictures, all of the size of the training part."""
    found = folders.parts(folder, recipe)
    look = sizes([picture for picture, _ in found["train"]], folder)
    read = {part: _loaded(ones, look, rows) for part, ones in found.items()}
    for part, named in [("valid", recipe.valid), ("test", recipe.test)]:
        if not named:
            continue
        place = existing(named)
        if place.resolve() == folder.resolve():
            read[part] = read["train"]
        elif place.is_dir() and not _arrays(place):
            ones = folders.labelled(place, folders.branches(place))
            read[part] = _loaded(ones, look, rows)
        else:
            read[part] = read_path(place, rows)
    return read


def _loaded(
    found: folders.Labelled, look: tuple[tuple[int, int], int], rows: Rows
) -> list[LabelledImage]:
    size, channels = look
    examples = []
    for picture, label in found:
        if (image := load(picture, str(picture), size, rows, channels)) is not None:
            examples.append(LabelledImage(image, label, str(picture)))
    return examples


def _check_shapes(splits: Splits[LabelledImage]) -> None:
    """Refuse parts of other shapes before anything is learned."""
    shape = splits.train[0].image.shape
    for row in [*splits.valid, *splits.test]:
        if row.image.shape != shape:
            have, wanted = ("×".join(map(str, s)) for s in (row.image.shape, shape))
            raise DataError(row.where, f"is {have}; the training part is {wanted}")


def read_path(path: Path, rows: Rows) -> list[LabelledImage]:
    """Return the images of one folder of class folders, IDX file or NumPy archive.

    Raises:
        DataError: it cannot be used, or one of its images and `rows` does not skip.
    """
    if path.is_dir():
        archives = [entry for entry in sorted(path.iterdir()) if is_npz(entry)]
        if len(archives) == 1:
            return _one_part(archives[0], rows)
        found = folders.labelled(path, folders.branches(path))
        return _loaded(found, sizes([picture for picture, _ in found], path), rows)
    path = existing_file(path)
    if is_npz(path):
        return _one_part(path, rows)
    if not is_idx(path):
        raise DataError(path, "is no folder of class folders, no IDX images file, and no .npz")
    return idx_images(path, rows)


def _one_part(path: Path, rows: Rows) -> list[LabelledImage]:
    parts = npz_images(path, rows)
    return parts["train"] if "train" in parts else next(iter(parts.values()))


def open_images(
    images: Sequence[str | Path | NDArray[Any]], shape: tuple[int, int, int]
) -> list[LabelledImage]:
    """Return images as a model of `shape` [height width channels] takes them, without labels.

    A file is resized; an array must have the shape (channels may be first, one may be left out).

    Raises:
        DataError: a file is no picture; an array has another shape, or is not finite.
        MissingExtra: a file is to be read, and Pillow is not installed.
    """
    rows = Rows()
    return [open_image(image, shape, rows) for image in images]


def as_shape(rows: Sequence[LabelledImage], shape: tuple[int, int, int]) -> Sequence[LabelledImage]:
    """Return rows for a model of `shape`: picture files of another size are read again."""
    return [
        open_image(row.where, shape)._replace(label=row.label)
        if row.image.shape != shape and is_picture(Path(row.where))
        else row
        for row in rows
    ]


def open_image(
    image: str | Path | NDArray[Any], shape: tuple[int, int, int], rows: Rows | None = None
) -> LabelledImage:
    """Return one image likewise."""
    if not isinstance(image, np.ndarray):
        if not isinstance(image, str | Path):
            raise DataError("input", f"is a {type(image).__name__}; give a file or an array")
        path = existing_file(image)
        pixels = load(path, str(path), (shape[1], shape[0]), rows or Rows(), shape[2])
        assert pixels is not None  # these Rows raise
        return LabelledImage(pixels, "", str(path))
    first = (shape[2], *shape[:2])
    if image.shape not in (shape, first, shape[:2] if shape[2] == 1 else shape):
        raise DataError("array", f"has shape {image.shape}; this model takes {shape}")
    if image.dtype.kind not in "uifb":
        raise DataError("array", f"({image.dtype}) holds values that are no finite numbers")
    if image.shape == first and image.shape != shape:
        image = image.transpose(1, 2, 0)
    image = numbers(image).reshape(shape)
    if not np.isfinite(image).all():
        raise DataError("array", f"({image.dtype}) holds values that are no finite numbers")
    return LabelledImage(image, "", "array")
