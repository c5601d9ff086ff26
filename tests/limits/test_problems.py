"""Tasks made on the spot: what they say, counted by hand, and what chance is."""

import itertools
import math

import pytest
import torch
from torch.nn import functional

from recurra.limits.problems import (
    ADDING_CHANCE,
    KINDS,
    adding,
    best_guess,
    copying,
    copying_chance,
    majority,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("steps", [2, 3, 50, 101])
def test_adding_asks_for_the_sum_of_one_number_of_each_half(steps: int) -> None:
    x, y = adding(200, steps, generator())
    numbers, marks = x.unbind(-1)
    assert x.shape == (200, steps, 2)
    assert set(marks.unique().tolist()) <= {0.0, 1.0}
    assert (marks[:, : steps // 2].sum(1) == 1).all()
    assert (marks[:, steps // 2 :].sum(1) == 1).all()
    for row in range(200):
        at = marks[row].nonzero().flatten().tolist()
        assert y[row] == numbers[row, at[0]] + numbers[row, at[1]]
    where = marks.nonzero()[:, 1]
    assert set(where.tolist()) == set(range(steps)) or steps > 3  # the ends are marked, too


def test_chance_of_adding_is_the_error_of_saying_1() -> None:
    x, y = adding(20_000, 10, generator())
    assert (y - 1).square().mean().item() == pytest.approx(ADDING_CHANCE, rel=0.03)
    assert x[..., 0].mean().item() == pytest.approx(0.5, abs=0.01)
    assert x[..., 0].var().item() == pytest.approx(1 / 12, rel=0.02)


def test_copying_is_laid_out_as_in_the_paper() -> None:
    steps = 7
    x, y = copying(300, steps, generator())
    read = x.argmax(-1)
    assert x.shape == (300, steps + 20, KINDS)
    assert (x.sum(-1) == 1).all()
    symbols = read[:, :10]
    assert set(symbols.unique().tolist()) == set(range(1, 9))
    assert (read[:, 10 : steps + 9] == 0).all()
    assert (read[:, steps + 9] == 9).all()
    assert (read[:, steps + 10 :] == 0).all()
    assert (y[:, : steps + 10] == 0).all()
    assert (y[:, steps + 10 :] == symbols).all()
    # from a symbol to its answer it is always as far
    assert y.shape[1] - 10 == steps + 10


@pytest.mark.parametrize("steps", [1, 30])
def test_chance_of_copying_is_what_blanks_and_guesses_cost(steps: int) -> None:
    _, y = copying(50, steps, generator())
    scores = torch.full((*y.shape, KINDS), -1e4, dtype=torch.float64)
    scores[:, : steps + 10, 0] = 0
    scores[:, steps + 10 :, 1:9] = 0
    told = functional.cross_entropy(scores.flatten(0, 1), y.flatten()).item()
    assert told == pytest.approx(copying_chance(steps))
    assert copying_chance(1000) == pytest.approx(10 * math.log(8) / 1020)


def test_majority_counts_a_step_and_those_after_it() -> None:
    coins, y = majority(20, 9, 4, generator())
    assert coins.shape == (20, 13, 1)
    for row, step in itertools.product(range(20), range(9)):
        heads = sum(coins[row, step + k, 0] > 0 for k in range(5))
        assert y[row, step] == float(heads >= 3)
    assert set(coins.unique().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("ahead", [0, 2, 4, 8])
def test_the_best_guess_is_that_of_all_coins_counted(ahead: int) -> None:
    for known in range(ahead + 1):
        right = 0.0
        wins: dict[tuple[int, ...], list[bool]] = {}
        for coins in itertools.product((0, 1), repeat=ahead + 1):
            wins.setdefault(coins[: known + 1], []).append(2 * sum(coins) > ahead + 1)
        for seen in wins.values():
            right += max(sum(seen), len(seen) - sum(seen))
        assert best_guess(ahead, known) == pytest.approx(right / 2 ** (ahead + 1))
    assert best_guess(ahead, ahead) == best_guess(ahead, ahead + 5) == 1


def test_what_no_task_can_be_made_of_is_refused() -> None:
    for call in (
        lambda: adding(0, 5, generator()),
        lambda: adding(1, 1, generator()),
        lambda: copying(1, 0, generator()),
        lambda: copying(0, 1, generator()),
        lambda: majority(1, 5, 3, generator()),
        lambda: majority(1, 0, 2, generator()),
        lambda: best_guess(3, 1),
        lambda: best_guess(2, -1),
    ):
        with pytest.raises(ValueError, match=r"at least|even number"):
            call()
