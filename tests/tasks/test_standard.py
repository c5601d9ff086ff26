"""The scale of channels: numpy's, stored exactly, and of the training part alone."""

import json

import numpy as np
import pytest

from recurra.codecs.standard import Standard
from recurra.errors import DataError


def series() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    one, two = (random.normal(size=(n, 3)) * [1, 50, 1e-3] + [0, 1e6, 5] for n in (40, 7))
    one[3, 0] = one[5:9, 2] = np.nan
    return [one, two]


def test_it_is_numpys():
    given = series()
    scale, whole = Standard.fit(given), np.concatenate(given)
    np.testing.assert_allclose(scale.mean, np.nanmean(whole, 0), rtol=1e-12)
    np.testing.assert_allclose(scale.deviation, np.nanstd(whole, 0), rtol=1e-9)
    scaled = scale(whole)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(whole))
    np.testing.assert_allclose(np.nanstd(scaled, 0), 1, rtol=1e-5)
    np.testing.assert_allclose(scale.undo(scaled), whole, rtol=1e-6, atol=1e-5)


def test_it_is_stored_exactly():
    scale = Standard.fit(series())
    assert Standard.of(json.loads(json.dumps(scale.asdict()))) == scale


@pytest.mark.parametrize("value", [0.0, 7.0, 1e9, -3e-9])
def test_a_channel_that_does_not_vary_keeps_its_size(value: float):
    given = np.full((9, 1), value)
    scale = Standard.fit([given])
    assert scale.deviation == (1.0,)
    assert not scale(given).any()
    np.testing.assert_allclose(scale.undo(scale(given + 2)), given + 2)


def test_what_gives_no_scale_is_refused():
    with pytest.raises(DataError, match=r"load.*has no number in the training part"):
        Standard.fit([np.array([[1.0, np.nan], [2.0, np.nan]])], ["time", "load"])
    with pytest.raises(DataError, match=r"channel 1.*is infinite"):
        Standard.fit([np.array([[np.inf], [2.0]])])
    with pytest.raises(DataError, match="holds no series"):
        Standard.fit([])


@pytest.mark.parametrize(
    "stored",
    [
        {"mean": [1.0], "deviation": [0.0]},
        {"mean": [1.0], "deviation": [-1.0]},
        {"mean": [1.0, 2.0], "deviation": [1.0]},
        {"mean": [float("nan")], "deviation": [1.0]},
    ],
)
def test_stored_values_are_not_believed(stored: dict):
    with pytest.raises(ValueError, match="one finite number a channel"):
        Standard.of(stored)
