"""NumPy archives as people save them: any dtype, byte order and layout, labels that are missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.cli import main
from recurra.data.readers.arrays import npz_images, read_idx
from recurra.data.readers.images import open_image, read
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (20, 3, 2), np.uint8)
LABELS = np.arange(20) % 2


def archive(path: Path, x: Any = BYTES, y: Any = LABELS) -> Path:
    np.savez(path / "all.npz", x=x, y=y)
    return path / "all.npz"


def stored(path: Path) -> np.ndarray:
    return np.stack([row.image for row in npz_images(path, Rows())["train"]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_label_that_is_missing(
    value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = LABELS.astype(float)
    labels[5] = value
    path = archive(tmp_path, y=labels)
    with pytest.raises(DataError, match=r"all\.npz:6: has no label"):
        read(Recipe(data=str(path)))
    assert read(Recipe(data=str(path), skip_bad_rows=True)).skipped == 1
    run = ["train", "image_classification", "--data", str(path), "--out", str(tmp_path / "m")]
    assert main(run) == 2
    assert f"{path}:6: has no label" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("labels", [["a", "b", ""], ["a", "b", " "], ["a", "b", np.nan]])
def test_a_text_that_is_no_label(labels: list[Any], tmp_path: Path) -> None:
    path = archive(tmp_path, BYTES[:3], np.array(labels))
    with pytest.raises(DataError, match=r"all\.npz:3: has no label"):
        npz_images(path, Rows())


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1.0, 0.5, 2.0], ["1", "0.5", "2"]),
        ([b"cat", b"owl", b"\xc3\xa9"], ["cat", "owl", "é"]),
        ([True, False, True], ["True", "False", "True"]),
        (np.array([1, 0, 258], ">i2"), ["1", "0", "258"]),
        ([" cat", "cat ", "cat"], ["cat"] * 3),
    ],
    ids=["real", "bytes", "booleans", "big-endian", "blanks"],
)
def test_labels_of_every_kind(labels: Any, names: list[str], tmp_path: Path) -> None:
    rows = npz_images(archive(tmp_path, BYTES[:3], np.array(labels)), Rows())["train"]
    assert [row.label for row in rows] == names


LAYOUTS = {
    "fortran": np.asfortranarray(BYTES),
    "strided": np.repeat(BYTES, 2, axis=1)[:, ::2],
    "channel": BYTES[..., None],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_changes_nothing(layout: str, tmp_path: Path) -> None:
    assert stored(archive(tmp_path, LAYOUTS[layout])).tolist() == BYTES[..., None].tolist()


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        (">u2", np.uint16),
        ("<u2", np.uint16),
        (">i4", np.float32),
        ("u8", np.float32),
        (">f4", np.float32),
        ("f8", np.float32),
        ("f2", np.float32),
    ],
)
def test_dtypes_and_byte_orders(dtype: str, kept: Any, tmp_path: Path) -> None:
    images = stored(archive(tmp_path, BYTES.astype(dtype)))
    assert images.dtype == kept
    assert images.dtype.isnative
    assert images[..., 0].tolist() == BYTES.tolist()
    one = open_image(BYTES[0].astype(dtype), (3, 2, 1)).image
    assert (one.dtype, one.tolist()) == (images.dtype, images[0].tolist())


def test_booleans_are_black_and_white_in_training_and_prediction(tmp_path: Path) -> None:
    images = stored(archive(tmp_path, BYTES > 127))
    assert set(images.ravel().tolist()) == {0, 255}
    assert (open_image(BYTES[0] > 127, (3, 2, 1)).image == images[0]).all()


def test_a_number_beyond_float32_is_a_bad_row(tmp_path: Path) -> None:
    images = BYTES.astype(float)
    images[3, 0, 0] = 1e300
    with pytest.raises(DataError, match=r"all\.npz:4: .*not finite"):
        stored(archive(tmp_path, images))


def test_channels_first_in_training_and_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = RANDOM.integers(0, 256, (6, 3, 5, 7), np.uint8)
    read_ones = stored(archive(tmp_path, images, LABELS[:6]))
    assert read_ones.tolist() == images.transpose(0, 2, 3, 1).tolist()
    assert open_image(images[0], (5, 7, 3)).image.tolist() == read_ones[0].tolist()
    assert not capsys.readouterr().err
    both = stored(archive(tmp_path, images.reshape(6, 3, 7, 5)[..., :4], LABELS[:6]))
    assert both.shape == (6, 3, 7, 4)
    assert "3×7×4 is read as height, width, 4 channels; where channels are" in (
        capsys.readouterr().err
    )


def test_arrays_of_objects_and_arrays_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = np.array(["a", "b"] * 10, dtype=object)
    with pytest.raises(DataError, match=r"y holds Python objects; save it with a dtype"):
        stored(archive(tmp_path, y=names))
    np.savez(tmp_path / "more.npz", x=BYTES, y=LABELS, notes=names)
    assert len(npz_images(tmp_path / "more.npz", Rows())["train"]) == 20
    assert "more.npz: x, y are read; notes left out" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "dtype"), [(0x0B, ">i2"), (0x0C, ">i4"), (0x0E, ">f8")])
def test_idx_numbers_are_big_endian(kind: int, dtype: str, tmp_path: Path) -> None:
    wanted = np.array([[1, 258], [-3, 4]])
    path = tmp_path / "numbers"
    path.write_bytes(
        bytes([0, 0, kind, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + wanted.astype(dtype).tobytes()
    )
    found = read_idx(path)
    assert found.tolist() == wanted.tolist()
    assert found.dtype.isnative
