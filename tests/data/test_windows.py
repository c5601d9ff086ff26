"""Windows and stretches are views: the numbers are those of the series, and lie where they lie."""

import resource

import pytest
import torch
from torch import Tensor

from recurra.data.windows import Stretches, Windows


def series(*sizes: int) -> list[Tensor]:
    return [1000.0 * i + torch.arange(size * 2.0).view(size, 2) for i, size in enumerate(sizes)]


@pytest.mark.parametrize("whence", [None, [4, 9, 2, 0]], ids=["all", "whence"])
@pytest.mark.parametrize("every", [1, 2, 3, 7])
@pytest.mark.parametrize(("past", "future"), [(1, 0), (3, 2), (4, 1), (5, 5)])
def test_windows_are_all_there_are(past: int, future: int, every: int, whence: list[int] | None):
    given = series(12, 9, 3, 10)
    windows = Windows(given, past, future, every, whence)
    wanted = []
    for number, one in enumerate(given):
        first = past if whence is None else max(past, whence[number])
        for step in range(first, len(one) - future + 1, every):
            wanted.append((one[step - past : step], one[step : step + future]))
    assert len(windows) == len(wanted)
    for found, right in zip(windows, wanted, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, right, strict=True))
    if wanted:
        assert torch.equal(windows[-1][0], wanted[-1][0])
        number, start = windows.place(len(windows) - 1)
        assert torch.equal(given[number][start : start + past], wanted[-1][0])
    assert [len(part) for part, _ in windows[:2]] == [past] * min(2, len(wanted))
    with pytest.raises(IndexError):
        windows[len(windows)]


def test_windows_copy_nothing():
    given = [torch.randn(20_000, 7)]
    windows = Windows(given, 720, 96)
    assert windows[5][0].data_ptr() == given[0][5:].data_ptr()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = windows[:10_000]  # 2.3 GB, were they copies
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(kept) == 10_000
    assert after - before < 50_000, "more than 50 MB"


@pytest.mark.parametrize("name", ["past", "future", "every"])
def test_wrong_windows(name: str):
    given = {"past": 2, "future": 1, "every": 1}
    with pytest.raises(ValueError, match=rf"{name} is -1"):
        Windows(series(9), **{**given, name: -1})


@pytest.mark.parametrize("steps", [1, 2, 5, 50])
def test_stretches_are_the_sequences(steps: int):
    given = [(x, x[:, 0] + 1) for x in series(7, 1, 10, 5)]
    stretches = Stretches(given, steps)
    for number, parts in enumerate(given):
        own = [stretches[i] for i in stretches.of(number)]
        assert [bool(fresh) for *_, fresh in own] == [True, *[False] * (len(own) - 1)]
        assert all(len(x) == steps for x, *_ in own[:-1])
        for found, whole in zip(zip(*own, strict=True), parts, strict=False):
            assert torch.equal(torch.cat(found), whole)
        assert own[0][0].data_ptr() == parts[0].data_ptr()
    assert len(stretches) == sum(len(stretches.of(i)) for i in range(4))


def test_wrong_stretches():
    with pytest.raises(ValueError, match="steps is 0"):
        Stretches([], 0)
    with pytest.raises(ValueError, match=r"sequence 1 has \[3, 2\] steps"):
        Stretches([(torch.zeros(2),), (torch.zeros(3), torch.zeros(2))], 4)
    assert len(Stretches([], 3)) == 0


def test_the_lengths_of_stretches_are_known_without_looking_at_any() -> None:
    cut = Stretches([(torch.arange(size),) for size in (7, 0, 6, 2)], 3)
    assert cut.lengths.tolist() == [len(item[0]) for item in cut] == [3, 3, 1, 3, 3, 2]
