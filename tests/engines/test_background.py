"""A table that is measured in the background: once, only where it may be, for who comes after."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from recurra.cells import LSTM, MinGRU
from recurra.engines import background, choose, reread, table
from recurra.engines.background import LAUNCHED, STALE, begin, main, refused
from recurra.engines.native import library
from recurra.engines.table import Table, background_file, here, in_force, package_file, read, write

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))
THREADS = torch.get_num_threads()


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield the processes that would be started, where no table holds and measuring is allowed."""
    calls: list[int] = []
    before = torch.get_num_threads()  # another test may have changed it
    torch.set_num_threads(THREADS)
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        patch.delenv("RECURRA_MEASURE", raising=False)
        for name in LAUNCHED:
            patch.delenv(name, raising=False)
        patch.setattr("multiprocessing.parent_process", lambda: None)  # xdist may be one
        patch.setattr(library, "vendor", lambda: "nobody")
        patch.setattr(background, "start", calls.append)
        reread()
        yield calls
    reread()
    torch.set_num_threads(before)


def test_the_first_choice_starts_it_and_does_not_change(started: list[int]) -> None:
    first = choose(LSTM(3, 5), torch.zeros(2, 9, 3)).name
    assert started == [THREADS]
    slow = {("LSTM", mode, (2, 9, 5)): "loop" for mode in ("train", "forward")}
    write(background_file(THREADS), Table(*here(THREADS), ((2, 9, 5),), slow))
    assert choose(LSTM(3, 5), torch.zeros(3, 9, 3)).name == first == "native"
    reread()  # as the next process
    assert choose(LSTM(3, 5), torch.zeros(2, 9, 3)).name == "loop"
    assert in_force(THREADS).source == "the background's"
    assert started == [THREADS]


def test_of_many_at_once_one_starts_it(started: list[int]) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(begin, [THREADS] * 64))
    assert sum(found) == 1
    assert started == [THREADS]
    assert begin(THREADS + 1)  # another number of threads is another question


def test_what_was_given_up_is_begun_again(started: list[int]) -> None:
    assert begin(THREADS)
    claim = background_file(THREADS).with_suffix(".claim")
    for age, again in ((STALE - 60, False), (STALE + 60, True)):
        os.utime(claim, (time.time() - age,) * 2)
        assert begin(THREADS) is again


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 1}'])
def test_a_broken_file_is_as_none(started: list[int], content: str) -> None:
    path = background_file(THREADS)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert in_force(THREADS)[1:] == ("no", None)


def test_one_of_other_conditions_is_not_read(started: list[int]) -> None:
    write(background_file(THREADS), Table("0.1", *here(THREADS)[1:], (), {}))
    assert in_force(THREADS).source == "no"


def test_nothing_starts_where_it_may_not(
    started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RECURRA_MEASURE", "0"), *[(name, "0") for name in LAUNCHED]):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert refused()
            assert not begin(THREADS)
    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.parent_process", lambda: "a pool")
        assert not begin(THREADS)
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "")
        assert not begin(THREADS)
    assert started == []
    assert refused() is None


def test_without_a_home_or_a_disk_the_order_of_preference_holds(
    started: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not begin(THREADS)
    monkeypatch.delenv("XDG_CACHE_HOME")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    reread()
    assert choose(MinGRU(3, 5), torch.zeros(2, 9, 3)).name == "native"
    assert in_force(THREADS)[1:] == ("no", "Could not determine home directory.")
    assert started == []


def test_a_table_of_another_maker_does_not_hold(
    started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in package_file("avx2").parent.glob("*.json"):
        made = read(path)
        for maker, source in ((made.maker, "the package's"), (made.maker + "?", "no")):
            conditions = ("", maker, path.stem, THREADS)
            monkeypatch.setattr(table, "here", lambda _, now=conditions: now)
            in_force.cache_clear()
            assert in_force(THREADS).source == source


def test_it_measures_what_torch_has_kernels_for(
    started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    niced: list[int] = []
    monkeypatch.setattr(os, "nice", niced.append, raising=False)
    monkeypatch.setattr(background, "SHAPES", ((1, 2, 4),))
    monkeypatch.setattr(
        "recurra.engines.measurement.medians", lambda passes, *_: dict.fromkeys(passes, 1.0)
    )
    found = read(main(THREADS))
    assert found.shapes == ((1, 2, 4),)
    assert found[:4] == here(THREADS)
    assert niced == [19]
    assert in_force(THREADS).source == "the background's"
