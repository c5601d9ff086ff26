"""A shelf gives back what it took, and lets go of the memory."""

import gc
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from recurra.data.readers.pictures import load as picture
from recurra.data.readers.sound import Wanted
from recurra.data.readers.sound import load as sound
from recurra.data.readers.text import Rows
from recurra.data.shelf import Shelf
from recurra.errors import RecurraError

from .sounds import write


def arrays() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    kinds = (np.uint8, np.float32, np.uint16, np.float64)
    return [(1000 * draw.random((n % 7, n % 5 + 1, 3))).astype(kinds[n % 4]) for n in range(1, 400)]


@pytest.mark.parametrize("room", [0, 100, 5000, 1 << 20])
def test_every_array_comes_back_and_stays(room: int) -> None:
    shelf, given = Shelf(room), arrays()
    kept = [shelf.keep(array) for array in given]
    gc.collect()
    for array, one in zip(given, kept, strict=True):
        assert one.dtype == array.dtype
        assert np.array_equal(one, array)
        assert one.flags.writeable
        assert one.flags.aligned
    assert sum(a.nbytes for a, b in zip(given, kept, strict=True) if a is b) <= room


def test_what_has_room_stays_as_it_is() -> None:
    shelf, (first, second, third) = Shelf(30), np.arange(60, dtype=np.uint8).reshape(3, 20)
    assert shelf.keep(first) is first
    assert shelf.keep(second) is not second
    assert shelf.keep(third[:10]).base is third.base


def test_writing_to_one_leaves_the_others() -> None:
    shelf = Shelf(64)
    shelf.keep(np.zeros(64, np.uint8))
    one, other = shelf.keep(np.ones(3, np.uint8)), shelf.keep(np.ones(3, np.uint8))
    one[...] = 7
    assert other.tolist() == [1, 1, 1]


def opened() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # as many as there are, no paths


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="files are counted in Linux's /proc")
def test_a_file_is_gone_with_its_arrays() -> None:
    before = opened()
    shelf = Shelf(1000)
    kept = [shelf.keep(np.full(900, n, np.uint8)) for n in range(9)]
    assert opened() == before + 8
    del shelf
    gc.collect()
    assert all((array == n).all() for n, array in enumerate(kept))
    del kept
    gc.collect()
    assert opened() == before


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    shelf = Shelf(10)
    with pytest.raises(RecurraError, match=r"cannot hold what was read: No space left.*TMPDIR"):
        shelf.keep(np.zeros(11, np.uint8))


def test_without_the_systems_call_zeros_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    shelf = Shelf(10)
    assert (
        shelf.keep(np.arange(3_000_000, dtype=np.uint8)).sum()
        == np.arange(3_000_000, dtype=np.uint8).sum()
    )


def test_pictures_and_sounds_lie_on_their_readers_shelf(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")  # an extra
    image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tmp_path / "a.png")
    write(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 100), 8000)
    for read in (
        lambda rows: picture(tmp_path / "a.png", "a", (4, 4), rows),
        lambda rows: sound(tmp_path / "a.wav", Wanted(8000, 9.0), rows),
    ):
        usual, rows = read(Rows()), Rows()
        rows.shelf = Shelf(1)
        kept = read(rows)
        assert np.array_equal(kept, usual)
        assert rows.shelf.used >= usual.nbytes


def test_a_full_disk_is_no_bad_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = pytest.importorskip("PIL.Image")  # an extra
    image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    rows = Rows(skip=True)
    rows.shelf = Shelf(1)
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda **_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(RecurraError, match="cannot hold"):
        picture(tmp_path / "a.png", "a", (4, 4), rows)
    assert rows.skipped == 0
