"""Figures of forecasts against closed forms, scikit-learn and utilsforecast."""

from typing import Any

import numpy as np
import pytest
import torch

from recurra.tasks.accuracy import LEVELS, Accuracy, naive_error

RANDOM = np.random.default_rng(0)
Y, MIDDLE = RANDOM.normal(size=(2, 6, 4, 3))
MEAN, DEVIATION = (10.0, -3.0, 400.0), (2.0, 0.5, 90.0)


def result(y: Any, middle: Any, *more: Any) -> dict[str, float]:
    accuracy = Accuracy(MEAN, DEVIATION)
    for begin in (0, 4):  # in two batches of unlike size
        rows = slice(begin, begin + 4)
        told = [None if part is None else part[rows] for part in more]
        accuracy.add(y[rows], middle[rows], *told)
    return accuracy.result()


def test_errors_are_scikit_learns():
    from sklearn import metrics

    found = result(Y, MIDDLE)
    assert found["mse"] == pytest.approx(metrics.mean_squared_error(Y.ravel(), MIDDLE.ravel()))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(Y.ravel(), MIDDLE.ravel()))
    units = [x * DEVIATION + MEAN for x in (Y, MIDDLE)]
    wanted = metrics.mean_absolute_error(*(x.ravel() for x in units))
    assert found["mae_units"] == pytest.approx(wanted)
    assert found["crps"] == pytest.approx(found["mae"])


def test_crps_is_the_integral_of_scikit_learns_pinball_losses():
    from sklearn import metrics

    quantiles = MIDDLE[..., None] + np.array([-2, -1, -0.5, 0, 0.4, 1, 2])

    def pinball(level: float, which: int) -> float:
        return 2 * metrics.mean_pinball_loss(Y.ravel(), quantiles[..., which].ravel(), alpha=level)

    wanted = np.trapezoid([pinball(level, i) for i, level in enumerate(LEVELS)], LEVELS)
    for which, ends in [(0, (0.0, 0.05)), (6, (0.95, 1.0))]:
        wanted += np.trapezoid([pinball(level, which) for level in ends], ends)
    assert result(Y, MIDDLE, quantiles)["crps"] == pytest.approx(wanted)


def test_percentages_and_scaled_errors_are_utilsforecasts():
    losses = pytest.importorskip("utilsforecast.losses", reason="comes with the extra bench")
    import pandas

    y, middle = (x[:, :, 0] * DEVIATION[0] + MEAN[0] for x in (Y, MIDDLE))
    before = np.random.default_rng(1).normal(size=(30, 1)).cumsum(0)
    naive = np.tile(naive_error(before, 4), (6, 1)) / DEVIATION[0]
    accuracy = Accuracy(MEAN[:1], DEVIATION[:1])
    accuracy.add(Y[..., :1], MIDDLE[..., :1], None, naive)
    table = pandas.DataFrame(
        {"unique_id": np.repeat(range(6), 4), "y": y.ravel(), "m": middle.ravel()}
    )
    history = pandas.concat(pandas.DataFrame({"unique_id": i, "y": before[:, 0]}) for i in range(6))
    found = accuracy.result()
    assert found["smape"] == pytest.approx(200 * losses.smape(table, ["m"])["m"].mean())
    wanted = losses.mase(table, ["m"], seasonality=4, train_df=history)["m"].mean()
    assert found["mase"] == pytest.approx(wanted)


def test_the_approximated_crps_of_a_normal_is_near_its_closed_form():
    """σ (z (2 Φ(z) − 1) + 2 φ(z) − 1/√π), less the 3 % that lie in the tails."""
    normal = torch.distributions.Normal(0.0, 1.0)
    levels = torch.tensor(LEVELS)
    quantiles = np.broadcast_to(normal.icdf(levels).numpy(), (4000, 1, 1, 7))
    y = np.random.default_rng(0).normal(size=(4000, 1, 1))
    z = torch.tensor(y)
    closed = z * (2 * normal.cdf(z) - 1) + 2 * normal.log_prob(z).exp() - np.pi**-0.5
    accuracy = Accuracy((0.0,), (1.0,))
    accuracy.add(y, np.zeros_like(y), quantiles)
    found = accuracy.result()
    assert found["crps"] == pytest.approx(0.97 * float(closed.mean()), rel=0.005)
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.015)
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.015)


def test_what_did_not_come_counts_nowhere():
    y = Y.copy()
    y[2, 1] = np.nan
    kept = ~np.isnan(y)
    found = result(y, MIDDLE)
    assert found["mae"] == pytest.approx(np.abs(Y - MIDDLE)[kept].mean())
    assert found["mse"] == pytest.approx(((Y - MIDDLE) ** 2)[kept].mean())
    quantiles = np.repeat(MIDDLE[..., None], 7, -1)
    assert result(y, MIDDLE, quantiles)["coverage_90"] == 0


def test_coverage_counts_both_ends():
    quantiles = np.zeros((1, 4, 1, 7)) + np.arange(7)
    y = np.array([-0.5, 0.0, 1.0, 6.5]).reshape(1, 4, 1)
    accuracy = Accuracy((0.0,), (1.0,))
    accuracy.add(y, np.full_like(y, 3), quantiles)
    found = accuracy.result()
    assert (found["coverage_80"], found["coverage_90"]) == (0.25, 0.5)


def test_a_series_that_never_moves_has_no_scaled_error():
    assert naive_error(np.ones((9, 1)), 4)[0] == 0
    assert np.isnan(naive_error(np.ones((1, 1)), 4)[0])
    accuracy = Accuracy((0.0,), (1.0,))
    accuracy.add(Y[..., :1], MIDDLE[..., :1], None, np.array([[0.0], [np.nan]] * 3))
    assert "mase" not in accuracy.result()
    x = np.array([1.0, 2, 4, np.nan, 8, 3])[:, None]
    assert naive_error(x, 1)[0] == pytest.approx((1 + 2 + 5) / 3)
    assert naive_error(x, 2)[0] == pytest.approx((3 + 4) / 2)
    assert naive_error(x, 6)[0] == naive_error(x, 1)[0]


def test_nothing_beside_nothing_is_no_error():
    accuracy = Accuracy((0.0,), (1.0,))
    accuracy.add(np.zeros((1, 2, 1)), np.zeros((1, 2, 1)))
    assert accuracy.result()["smape"] == 0
