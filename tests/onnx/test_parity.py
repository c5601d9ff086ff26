"""What is compared, and when an export has failed."""

import math

import pytest
import torch

from recurra.errors import RecurraError
from recurra.onnx.export import _check
from recurra.onnx.parity import BOUND, Compared, difference

ONE = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        (ONE, ONE, 0.0),
        (ONE * 1.5, ONE, 0.5),
        (ONE * 300, ONE * 200, 0.5),
        (ONE * 0.001, ONE * 0, 0.001),
        (ONE * math.nan, ONE, math.inf),
        (ONE[:1], ONE, math.inf),
        (ONE[:0], ONE[:0], 0.0),
    ],
)
def test_differences_are_shares_of_the_largest_number_or_of_one(left, right, wanted) -> None:
    assert difference([ONE, left], [ONE, right]) == pytest.approx(wanted)


@pytest.mark.parametrize("apart", [2 * BOUND, math.inf, math.nan])
def test_graphs_that_differ_are_refused(apart: float) -> None:
    _check([Compared("step", "whole", BOUND / 2)], {"loss": (3.0, 3.0 + BOUND)})
    with pytest.raises(RecurraError, match=r"the step graph differs .* \(in chunks\)"):
        _check([Compared("step", "whole", 0.0), Compared("step", "in chunks", apart)], {})


@pytest.mark.parametrize("theirs", [0.9, math.nan])
def test_another_metric_is_refused(theirs: float) -> None:
    with pytest.raises(RecurraError, match=r"accuracy is .* by the graphs and 0\.95"):
        _check([], {"loss": (0.1, 0.1), "accuracy": (0.95, theirs)})
