"""What a watch keeps: means that forget, a gauge, surprise; each beside its definition."""

import math

import numpy as np
import pytest

from recurra.errors import InputError
from recurra.streaming.gauge import FAR, Gauge, scale
from recurra.streaming.statistics import RunningStatistics
from recurra.streaming.surprise import HALF, Habits, Surprise, onsets, threshold_of
from recurra.streaming.unusual import WARM, Afar


def walked(running: RunningStatistics, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    means, deviations = [], []
    for step in x:
        running.take(step)
        means.append(running.mean)
        deviations.append(running.deviation)
    return np.array(means), np.array(deviations)


def numbers(steps: int, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, channels)).cumsum(0)


def test_the_beginning_is_the_plain_mean_and_deviation():
    x = numbers(100)
    means, deviations = walked(RunningStatistics(2, half_life=100.0), x)
    for n in (1, 2, 57, 100):
        np.testing.assert_allclose(means[n - 1], x[:n].mean(0), atol=1e-12)
        np.testing.assert_allclose(deviations[n - 1], x[:n].std(0), atol=1e-12)


def test_later_each_step_counts_half_of_one_that_came_half_a_life_after():
    x, life = numbers(60), 4.0
    share = 1 - 0.5 ** (1 / life)
    weights = np.array([1.0])
    for n in range(2, 61):
        b = max(share, 1 / n)
        weights = np.append(weights * (1 - b), b)
    assert weights[-1 - 4] == pytest.approx(weights[-1] / 2)
    mean = weights @ x
    deviation = np.sqrt(weights @ (x - mean) ** 2)
    means, deviations = walked(RunningStatistics(2, life), x)
    np.testing.assert_allclose(means[-1], mean, atol=1e-12)
    np.testing.assert_allclose(deviations[-1], deviation, atol=1e-12)


def test_what_is_missing_changes_nothing_in_its_channel_alone():
    x = numbers(40)
    holes = x.copy()
    holes[[0, 7, 8, 30], 0] = np.nan
    full, holed = RunningStatistics(2, 5.0), RunningStatistics(2, 5.0)
    walked(full, x)
    walked(holed, holes)
    kept = RunningStatistics(1, 5.0)
    walked(kept, holes[~np.isnan(holes[:, 0]), :1])
    assert holed.mean[0] == kept.mean[0]
    assert holed.deviation[0] == kept.deviation[0]
    assert (holed.mean[1], holed.deviation[1]) == (full.mean[1], full.deviation[1])


def test_a_gauge_knows_neither_level_nor_unit():
    x = numbers(50)
    one, other = Gauge(2, 20.0), Gauge(2, 20.0)
    for step in x:
        ours, theirs = one.read(step), other.read(1000 + 37 * step)
        np.testing.assert_allclose(ours.features, theirs.features, atol=1e-4)
        np.testing.assert_allclose(ours.moved, theirs.moved, atol=1e-6)


def test_a_gauge_measures_by_what_was_known():
    x = numbers(30, 1)[:, 0]
    gauge = Gauge(1, 1000.0)
    for n, value in enumerate(x):
        features, moved = gauge.read(np.array([value]))
        past, so_far = x[:n], x[: n + 1]
        assert np.isnan(moved[0]) == (n < 2)
        if n == 0:
            assert features.tolist() == [0, 0, 1]
        elif n > 1:
            assert moved[0] == pytest.approx((value - x[n - 1]) / past.std())
            place = (value - so_far.mean()) / so_far.std()
            move = np.clip((value - x[n - 1]) / so_far.std(), -FAR, FAR)
            assert features.tolist() == pytest.approx([place, move, 1], abs=1e-6)


def test_a_gap_is_marked_and_the_next_move_is_from_the_last_known():
    gauge = Gauge(1, 1000.0)
    for value in (1.0, 2.0, 4.0):
        gauge.read(np.array([value]))
    before = scale(gauge.running)[0]
    features, moved = gauge.read(np.array([np.nan]))
    assert features.tolist() == [0, 0, 0]
    assert np.isnan(moved[0])
    _, moved = gauge.read(np.array([7.0]))
    assert moved[0] == pytest.approx((7 - 4) / before)


def test_a_constant_has_the_scale_1():
    gauge = Gauge(1, 10.0)
    for _ in range(5):
        features, moved = gauge.read(np.array([3e6]))
        assert features[0] == 0
    assert scale(gauge.running)[0] == 1
    assert moved[0] == 0
    assert gauge.read(np.array([3e6 + 0.5])).moved[0] == 0.5


def by_hand(errors: np.ndarray, habits: Habits) -> list[float]:
    short, long = [], []
    short_mean = long_mean = long_variance = 0.0
    found = []
    share = 1 - 0.5 ** (1 / habits.smooth)
    for n, error in enumerate(errors, 1):
        short_mean += max(share, 1 / n) * (error - short_mean)
        spread = math.sqrt(long_variance) * math.sqrt(share / (2 - share))
        z = (short_mean - long_mean) / max(spread, 1e-12) if n > WARM else 0.0
        found.append(1 - 2 ** (-max(z, 0) / HALF))
        b = max(1 - 0.5 ** (1 / habits.memory), 1 / n)
        apart = error - long_mean
        long_mean += b * apart
        long_variance = (1 - b) * (long_variance + b * apart**2)
        short.append(short_mean)
        long.append(long_mean)
    return found


def test_a_score_is_as_its_equation_says():
    errors = np.abs(numbers(200, 1, seed=3)[:, 0]) % 3
    errors[150:155] += 20
    habits = Habits(smooth=5.0, memory=40.0, level=0.0, rest=10)
    surprise = Surprise(1, habits)
    scores = [surprise.take(np.array([error]), np.zeros(1)).score for error in errors]
    assert scores == pytest.approx(by_hand(errors, habits), abs=1e-9)
    assert max(scores[150:156]) > 0.8 > max(scores[:150])
    assert scores[:WARM] == [0.0] * WARM


def test_the_most_unusual_channel_is_named_and_decides():
    rng = np.random.default_rng(0)
    errors = rng.exponential(size=(120, 3))
    values = rng.normal(size=(120, 3))
    errors[100, 1] = values[110, 2] = 400
    surprise, alone = Surprise(3, Habits(level=50.0)), Surprise(1, Habits(level=50.0))
    moments = [surprise.take(*step) for step in zip(errors, values, strict=True)]
    assert (moments[100].channel, moments[110].channel) == (1, 2)
    only = [alone.take(e[1:2], x[1:2]) for e, x in zip(errors, values, strict=True)]
    assert only[100].score == moments[100].score
    assert moments[0].channel == -1


def test_missing_numbers_keep_the_score():
    surprise = Surprise(1, Habits(smooth=10.0, memory=300.0))
    rng = np.random.default_rng(0)
    for error in rng.exponential(size=50):
        last = surprise.take(np.array([error]), rng.normal(size=1))
    nothing = np.array([np.nan])
    assert surprise.take(nothing, nothing).score == pytest.approx(last.score, abs=0.2)


def far_by_hand(x: np.ndarray) -> list[float]:
    """Return z of each value, from plain means and deviations."""
    distances, found = list[float](), list[float]()
    short = 0.0
    for t, value in enumerate(x):
        if t < WARM:
            found.append(0.0)
            continue
        d = abs(value - x[:t].mean()) / x[:t].std()
        n = len(distances) + 1
        share = 1 - 0.5 ** (1 / 3)
        short += max(share, 1 / n) * (d - short)
        spread = np.std(distances) * math.sqrt(share / (2 - share)) if distances else 1.0
        found.append((short - np.mean(distances)) / spread if n > WARM else 0.0)
        distances.append(d)
    return found


def test_how_far_a_value_lies_is_as_its_equation_says():
    x = np.random.default_rng(5).normal(3.0, 2.0, size=120)
    x[100] = 30.0
    afar = Afar(1, 1000.0)
    z = [float(afar.take(np.array([value]))[0]) for value in x]
    assert z == pytest.approx(far_by_hand(x), abs=1e-9)
    assert z[100] > 10 > max(map(abs, z[:100]))
    scaled = Afar(1, 1000.0)
    again = [float(scaled.take(np.array([1e3 + 0.1 * value]))[0]) for value in x]
    assert again == pytest.approx(z, rel=1e-4, abs=1e-4)


def test_a_score_has_both_parts_as_the_sides_of_a_triangle():
    rng = np.random.default_rng(1)
    errors, values = rng.exponential(size=(200, 1)), rng.normal(size=(200, 1))
    errors[150], values[150] = 10, 6
    both, error = (Surprise(1, Habits(smooth=3.0, level=level)) for level in (100.0, 0.0))
    afar = Afar(1, 100.0)
    for e, x in zip(errors, values, strict=True):
        z = -HALF * math.log2(1 - error.take(e, x).score)
        far = max(float(afar.take(x)[0]), 0.0)
        score = both.take(e, x).score
        assert score == pytest.approx(1 - 0.5 ** (math.hypot(z, far) / HALF), abs=1e-9)
    assert z != far


def test_an_alarm_begins_once_and_ends_after_its_rest():
    surprise = Surprise(1, Habits(rest=3), threshold=0.5)
    scores = [0.0, 0.6, 0.1, 0.7, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0]
    moments = [surprise.alarmed(score, 0) for score in scores]
    assert [m.alarm for m in moments] == [s >= 0.5 for s in scores]
    assert [m.since for m in moments] == [-1, 0, 1, 2, 3, 4, -1, -1, 0, 1]


@pytest.mark.parametrize("rest", [0, 1, 3, 10])
def test_onsets_are_where_alarms_begin(rest: int):
    scores = np.random.default_rng(rest).random(400)
    surprise = Surprise(1, Habits(rest=rest), threshold=0.8)
    begun = [surprise.alarmed(score, 0).since == 0 for score in scores]
    assert onsets(scores, 0.8, rest).tolist() == begun
    assert sum(begun) < (scores >= 0.8).sum() or rest == 0


def test_a_threshold_is_reached_as_often_as_was_asked():
    rng = np.random.default_rng(0)
    z = rng.exponential(scale=4, size=200_000)
    scores = 1 - 0.5 ** (z / HALF)
    for rate in (1e-3, 1e-4):
        limit = threshold_of(scores[:20_000], rate)
        assert (scores >= limit).mean() == pytest.approx(rate, rel=0.35)
    assert threshold_of(scores[:20_000], 1e-4) > threshold_of(scores[:20_000], 1e-3)
    assert threshold_of(np.zeros(100), 1e-3) == pytest.approx(1 - 0.5 ** (3 / HALF))


def test_wrong_numbers_are_refused():
    with pytest.raises(InputError, match=r"half_life 0\.0"):
        RunningStatistics(1, 0.0)
    with pytest.raises(InputError, match="channels is 0"):
        Gauge(0, 5.0)
    with pytest.raises(InputError, match=r"threshold is 1\.5"):
        Surprise(1, Habits(), 1.5)
