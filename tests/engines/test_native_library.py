"""The C interface: sizes and places are checked before a kernel runs; exactness."""

from typing import Any

import pytest
import torch
from torch import Tensor

from recurra.engines.native import library
from recurra.engines.native.fields import AFFINE, MINGRU, fields
from recurra.errors import RecurraError

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


def scan(
    offsets: list[int], lengths: list[int], *, lines: int = 6, stride: int = 1, width: int = 2
) -> Tensor:
    """Return h of h_t = h_{t−1} + 1, NaN where no step was."""
    size = max(width, 1)
    h, ones = torch.full((lines, size), torch.nan), torch.ones(lines, size)
    zeros, last = torch.zeros(len(offsets), size), torch.empty(len(offsets), size)
    rows = lines, stride, torch.tensor(offsets), torch.tensor(lengths)
    made = fields((ones, None), (ones, None))
    library.call("scan_forward", *rows, width, AFFINE, made, zeros, h, last)
    return h[:, 0]


def test_rows_lie_anywhere() -> None:
    nan = torch.nan
    expected = {
        "batch first": (scan([0, 3], [3, 2]), [1, 2, 3, 1, 2, nan]),
        "time major": (scan([0, 1], [3, 2], stride=2), [1, 1, 2, 2, 3, nan]),
        "reversed": (scan([2, 4], [3, 2], stride=-1), [3, 2, 1, 2, 1, nan]),
        "empty": (scan([9, 0], [0, 1]), [1, nan, nan, nan, nan, nan]),
    }
    for case, (got, want) in expected.items():
        torch.testing.assert_close(got, torch.tensor(want), equal_nan=True, msg=case)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"offsets": [4], "lengths": [3]}, "a row leaves the array"),
        ({"offsets": [-1], "lengths": [1]}, "a row leaves the array"),
        ({"offsets": [1], "lengths": [3], "stride": -1}, "a row leaves the array"),
        ({"offsets": [0], "lengths": [2], "stride": 2**39}, "a row leaves the array"),
        ({"offsets": [0], "lengths": [-1]}, "length is negative"),
        ({"offsets": [0], "lengths": [1], "width": 0}, "a size is out of range"),
        ({"offsets": [0], "lengths": [1], "width": 2**40}, "a size is out of range"),
    ],
)
def test_no_step_leaves_the_array(arguments: dict[str, Any], text: str) -> None:
    if arguments.get("width", 2) > 2:
        arguments = {**arguments, "lines": 1}
        rows = 1, 1, torch.tensor([0]), torch.tensor([1])
        with pytest.raises(RecurraError, match=text):
            library.call(
                "scan_forward", *rows, arguments["width"], AFFINE, fields((None, None)),
                *[torch.zeros(1)] * 3,
            )  # fmt: skip  # read as a table
        return
    with pytest.raises(RecurraError, match=text):
        scan(**arguments)


def test_arrays_of_another_kind_are_refused() -> None:
    rows, good = (1, 1, torch.tensor([0]), torch.tensor([1])), torch.zeros(1, 2)
    made = fields((good, None), (None, good))
    for bad, text in (
        (good.double(), "float64 on cpu"),
        (good.to("meta"), "on meta"),
        (torch.zeros(2, 2).T, "strides"),
    ):
        with pytest.raises(RecurraError, match=rf"takes contiguous torch.float32 .*{text}"):
            library.call("scan_forward", *rows, 2, AFFINE, made, bad, good, good)
        for pair in ((bad, None), (None, bad)):
            with pytest.raises(RecurraError, match=rf"a field takes torch.float32 .*{text}"):
                fields((good, None), pair)
    with pytest.raises(RecurraError, match=r"takes contiguous torch.int64"):
        library.call("scan_forward", 1, 1, rows[2].int(), rows[3], 2, AFFINE, made, *[good] * 3)
    with pytest.raises(RecurraError, match="a pointer is null"):
        library.call("scan_forward", *rows, 2, AFFINE, made, None, good, good)
    both = fields((good, good), (None, good))
    with pytest.raises(RecurraError, match="lines or a constant, not both"):
        library.call("scan_forward", *rows, 2, AFFINE, both, *[good] * 3)
    for function, arguments in (
        ("scan_forward", [9, *[good] * 4]),
        ("recurrent_forward", [9, 1, FLOAT32, 0, 1, *[good] * 9]),
    ):
        with pytest.raises(RecurraError, match="no such cell"):
            library.call(function, *rows, 2, *arguments)


def ulps(got: Tensor, want: Tensor) -> float:
    """Return the largest difference in units of the last place of float32."""
    unit = torch.finfo(torch.float32).eps * 2.0 ** want.abs().log2().floor()
    return ((got.double() - want).abs() / unit).max().item()


FLOAT32 = library.FORMATS[torch.float32]
GRID = torch.cat([torch.linspace(-9, 9, 40_001), torch.logspace(-30, 1.9, 4001)])


def test_the_functions_are_exact_to_some_last_places() -> None:
    count, zeros = len(GRID), torch.zeros(len(GRID))
    rows = count, 1, torch.arange(count), torch.ones(count, dtype=torch.int64)
    weight, out, last = torch.zeros(1), torch.empty(count), torch.empty(count)
    one, none = torch.ones(1), (None, None)
    library.call(
        "recurrent_forward",
        *rows,
        1,
        0,
        1,
        FLOAT32,
        0,
        1,
        GRID,
        one,
        weight,
        weight,
        zeros,
        *none,
        out,
        last,
    )
    assert ulps(out, torch.tanh(GRID.double())) <= 3
    for sign in (1, -1):  # of z, with candidate 1 and h 0: σ(z)
        gates = fields((sign * GRID[:, None], None), (None, torch.tensor([0.5])))
        library.call("scan_forward", *rows, 1, MINGRU, gates, zeros, out, last)
        assert ulps(out, torch.sigmoid(sign * GRID.double())) <= 4


def test_functions_at_the_ends() -> None:
    x = torch.tensor([-torch.inf, -1e4, -100, 100, 1e4, torch.inf, torch.nan])
    rows = len(x), 1, torch.arange(len(x)), torch.ones(len(x), dtype=torch.int64)
    zeros, out, last = torch.zeros(len(x)), torch.empty(len(x)), torch.empty(len(x))
    weight, one, none = torch.zeros(1), torch.ones(1), (None, None)
    library.call(
        "recurrent_forward",
        *rows,
        1,
        0,
        1,
        FLOAT32,
        0,
        1,
        x,
        one,
        weight,
        weight,
        zeros,
        *none,
        out,
        last,
    )
    torch.testing.assert_close(out, torch.tanh(x), equal_nan=True)
    gates = fields((x[:, None], None), (None, torch.tensor([0.5])))
    library.call("scan_forward", *rows, 1, MINGRU, gates, zeros, out, last)
    torch.testing.assert_close(out, torch.sigmoid(x), equal_nan=True)


@pytest.mark.parametrize("name", ["pack", "unpack"])
def test_rows_that_do_not_fit_into_a_padded_batch(name: str) -> None:
    padded, lines = torch.zeros(2, 3, 4), torch.zeros(6, 4)
    arrays = (padded, lines) if name == "pack" else (lines, padded)
    offsets, lengths = torch.tensor([0, 3]), torch.tensor([3, 2])
    library.call(name, 6, 1, offsets, lengths, 4, 3, *arrays)
    for time, stride in ((2, 1), (-1, 1), (3, 0)):
        with pytest.raises(RecurraError, match=name):
            library.call(name, 6, stride, offsets, lengths, 4, time, *arrays)


def test_the_processor_has_a_maker_or_none_that_is_known() -> None:
    assert library.vendor() in {"amd", "intel", ""}
