import pytest

from recurra.training.clock import Clock
from tests.training.tiny import recipe


def clock(limit: str | None = "100s") -> Clock:
    made = Clock(recipe(max_time=limit), began=0.0)
    made.tick(4.0)  # four seconds passed before the first step
    return made


def test_without_a_limit_only_epochs_count():
    free = clock(None)
    free.tick(1e9)
    assert free.share == 0.0
    assert not free.over
    assert free.affords_validation
    assert free.validation_due(epoch_ends=True)
    assert not free.validation_due(epoch_ends=False)


def test_share_ends_where_the_last_validation_must_begin():
    limited = clock()
    limited.tick(20.0)
    limited.validated(30.0)
    limited.tick(44.0)
    assert limited.end == pytest.approx(85.0)
    assert limited.share == pytest.approx((44 - 4) / (85 - 4))
    limited.tick(85.0)
    assert limited.share == 1.0


def test_over_before_a_step_would_come_too_late():
    limited = clock()
    limited.validated(14.0)
    for now in range(16, 82, 2):
        limited.tick(float(now))
        assert not limited.over
    limited.tick(83.0)
    assert limited.over
    assert limited.affords_validation


def test_validation_begins_early_and_costs_a_fifth_at_most():
    limited = clock()
    limited.tick(10.0)
    assert not limited.validation_due(epoch_ends=False)
    assert limited.validation_due(epoch_ends=True)
    limited.tick(17.0)
    assert limited.validation_due(epoch_ends=False)
    limited.validated(22.0)
    limited.tick(41.0)
    assert not limited.validation_due(epoch_ends=True)
    limited.tick(42.0)
    assert limited.validation_due(epoch_ends=True)


def test_a_resumed_clock_does_not_count_what_passed_in_between(monkeypatch):
    first = clock()
    first.tick(30.0)
    second = Clock(recipe(max_time="100s"), began=5000.0)
    second.load_state_dict(first.state_dict())
    monkeypatch.setattr("time.monotonic", lambda: 5003.0)
    assert second.read() == pytest.approx(33.0)
    assert second.first_step == 4.0
