"""What sampling keeps and how it draws, against plain Python; ties, in sampling and in a beam."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption
from torch import Tensor

from recurra.decoding import Hypothesis, beam, greedy, sample
from recurra.decoding.likeliest import first
from recurra.decoding.sampling import filtered
from recurra.errors import RecurraError

torch.set_num_threads(1)
END = 1
ONE_STEP = {"start": 0, "end": END, "max_steps": 1}


class Fixed:
    """Every step has the logits of the row; the state is the row itself."""

    def start(self, logits: Tensor) -> tuple[Tensor]:
        return (logits,)

    def advance(self, token: Tensor, state: tuple[Tensor]) -> tuple[Tensor, tuple[Tensor]]:
        return state[0], state


def drawn(hypothesis: Hypothesis) -> int:
    return hypothesis.tokens[0] if hypothesis.tokens else END


def kept(logits: list[float], temperature: float, k: int, p: float) -> dict[int, float]:
    """The tokens that are drawn from, with their probabilities, as the libraries have them.

    k: what is less likely than the k-th is removed. p: of the rest, from the least likely on,
    what together has no more than 1 − p is removed; never the likeliest.
    """
    ranking = sorted(
        (i for i, one in enumerate(logits) if one > -math.inf), key=lambda i: (-logits[i], i)
    )
    if 0 < k < len(ranking):
        ranking = [i for i in ranking if logits[i] >= logits[ranking[k - 1]]]
    top = logits[ranking[0]]
    weights = {i: math.exp((logits[i] - top) / temperature) for i in ranking}
    whole, removed = math.fsum(weights.values()), 0.0
    for i in reversed(ranking[1:]):
        removed += weights[i] / whole
        if removed != 1 - p and abs(removed - (1 - p)) < 1e-9:
            raise UnsatisfiedAssumption  # a matter of rounding
        if p == 1 or removed > 1 - p:
            break
        del weights[i]
    whole = math.fsum(weights.values())
    return {i: weight / whole for i, weight in weights.items()}


# few different values, so that many are equal; dyadic, so that equal shares add up exactly
TIED = st.sampled_from([-math.inf, -2.0, 0.0, 0.0, 1.0])
REAL = st.floats(-8, 8, width=32)


@given(
    logits=st.lists(st.one_of(TIED, REAL), min_size=1, max_size=9),
    temperature=st.sampled_from([0.25, 0.7, 1.0, 3.0]),
    k=st.integers(0, 12),
    p=st.sampled_from([1e-6, 0.1, 0.37, 0.5, 0.75, 0.9, 0.999, 1.0]),
)
@settings(max_examples=250, deadline=None)
def test_what_is_kept(logits: list[float], temperature: float, k: int, p: float) -> None:
    if max(logits) == -math.inf:
        logits[0] = 0.0
    expected = kept(logits, temperature, k, p)
    found, tokens = filtered(torch.tensor([logits]).double(), temperature, k, p)
    found = found / found.sum()
    have = {i: q for i, q in zip(tokens[0].tolist(), found[0].tolist(), strict=True) if q > 0}
    assert list(have) == list(expected)
    assert list(have.values()) == pytest.approx(list(expected.values()), rel=1e-9)


@pytest.mark.parametrize(
    ("p", "k", "top_p", "expected"),
    [
        # of all, 0.4 + 0.2 + 0.1 < 0.75 keeps four; of the likeliest three, 0.57 + 0.29 ends it
        ([0.1, 0.05, 0.4, 0.2, 0.1, 0.15], 3, 0.75, {2, 3}),
        ([0.3, 0.3, 0.3, 0.1], 2, 1.0, {0, 1, 2}),  # as likely as the second: kept
        ([0.25, 0.25, 0.25, 0.25], 0, 0.5, {0, 1}),  # of equal ones the first
        ([0.25, 0.25, 0.25, 0.25], 1, 1.0, {0}),
        ([0.1, 0.2, 0.3, 0.4], 100, 1e-9, {3}),
    ],
    ids=str,
)
def test_what_is_drawn(p: list[float], k: int, top_p: float, expected: set[int]) -> None:
    rows = torch.tensor(p).log().expand(400, -1)
    source = torch.Generator().manual_seed(0)
    found = sample(Fixed(), (rows,), **ONE_STEP, top_k=k, top_p=top_p, generator_seed=source)
    assert {drawn(one) for one in found} == expected


@pytest.mark.parametrize("options", [{"top_k": 2}, {"top_p": 0.8}, {"top_k": 3, "top_p": 0.7}])
def test_what_is_kept_is_drawn_by_its_share(options: dict[str, Any]) -> None:
    logits = [1.0, 0.2, -1.0, 1.3, 0.9]
    share = kept(logits, 1.5, options.get("top_k", 0), options.get("top_p", 1.0))
    source = torch.Generator().manual_seed(3)
    found = sample(
        Fixed(),
        (torch.tensor([logits]).expand(3000, -1),),
        **ONE_STEP,
        **options,
        temperature=1.5,
        generator_seed=source,
    )
    counts = torch.tensor([drawn(one) for one in found]).bincount(minlength=5).tolist()
    assert [i for i, count in enumerate(counts) if count] == sorted(share)
    for i, q in share.items():
        assert abs(counts[i] - 3000 * q) < 4 * math.sqrt(3000 * q * (1 - q))


def test_a_score_is_of_the_network_whatever_the_filters() -> None:
    logits = torch.tensor([[0.3, -0.4, 1.1, 0.8]])
    options = {"temperature": 0.5, "top_k": 3, "top_p": 0.9}
    for seed in range(5):
        source = torch.Generator().manual_seed(seed)
        (one,) = sample(Fixed(), (logits,), **ONE_STEP, **options, generator_seed=source)
        assert one.score == pytest.approx(float(logits.double().log_softmax(-1)[0, drawn(one)]))


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"top_k": 1}, {"top_p": 1e-9}])
def test_the_likeliest_of_equal_ones_is_the_first(options: dict[str, Any]) -> None:
    rows = torch.tensor([[0.0, 0, 2, 2, 1], [3, 3, 3, 3, 3], [-1, -2, -3, -1, -1]])
    rows = rows.repeat(20, 1)
    expected = [drawn(one) for one in greedy(Fixed(), (rows,), **ONE_STEP)]
    assert expected == [2, 0, 0] * 20
    assert [drawn(one) for one in sample(Fixed(), (rows,), **ONE_STEP, **options)] == expected


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-9])
def test_the_coldest_temperatures_are_still_numbers(temperature: float) -> None:
    rows = torch.tensor([[0.0, 0.5, 2, 1.9, -math.inf]]).repeat(10, 1)
    found = sample(Fixed(), (rows,), **ONE_STEP, temperature=temperature)
    assert {drawn(one) for one in found} == {2}
    p, tokens = filtered(rows.double(), temperature, 0, 1.0)
    assert p.tolist() == [[1.0, 0, 0, 0, 0]] * 10
    assert tokens[:, 0].tolist() == [2] * 10


@pytest.mark.parametrize(
    "options",
    [{name: value} for name in ("temperature", "top_p") for value in (math.nan, math.inf, -1.0)],
    ids=str,
)
def test_refuses(options: dict[str, float]) -> None:
    with pytest.raises(RecurraError, match=next(iter(options))):
        sample(Fixed(), (torch.zeros(1, 3),), **ONE_STEP, **options)


def test_every_step_and_every_row_has_a_chance_of_its_own() -> None:
    rows = torch.zeros(6, 50)
    rows[:, END] = -math.inf
    source = torch.Generator().manual_seed(0)
    found = sample(Fixed(), (rows,), start=0, end=END, max_steps=40, generator_seed=source)
    table = torch.tensor([one.tokens for one in found])
    for lines in (table, table.T):
        assert min(len(set(line)) for line in lines.tolist()) > 4
    assert len(set(map(tuple, table.tolist()))) == 6


def test_a_seed_is_the_whole_of_chance() -> None:
    rows = (torch.zeros(30, 50),)

    def run(seed: int | None) -> list[int]:
        source = None if seed is None else torch.Generator().manual_seed(seed)
        return [drawn(one) for one in sample(Fixed(), rows, **ONE_STEP, generator_seed=source)]

    assert run(1) == run(1) != run(2)
    assert run(None) != run(None)
    torch.manual_seed(5)
    expected = run(None)
    torch.manual_seed(5)
    assert run(None) == expected


@given(
    rows=st.integers(1, 12).flatmap(
        lambda n: st.lists(
            st.lists(st.sampled_from([-math.inf, *range(30)]), min_size=n, max_size=n),
            min_size=1,
            max_size=4,
        )
    ),
    width=st.integers(1, 4),
)
@settings(max_examples=200, deadline=None)
def test_the_first_of_equal_ones(rows: list[list[float]], width: int) -> None:
    width = min(width, len(rows[0]))
    totals = torch.tensor(rows).double()
    expected = [sorted(range(len(r)), key=lambda i: (-r[i], i)) for r in totals.tolist()]
    found = first(totals, width)
    for row, order, have in zip(totals.tolist(), expected, found.tolist(), strict=True):
        real = [i for i in order[:width] if row[i] > -math.inf]  # what is nothing has no order
        assert have[: len(real)] == real
        assert sorted(row[i] for i in have) == sorted(row[i] for i in order[:width])


@pytest.mark.parametrize("width", [2, 3, 7])
def test_a_beam_goes_on_with_the_first_of_equal_ones(width: int) -> None:
    class Even(Fixed):
        """All words are as likely, and the end only at the third step."""

        def start(self, steps: Tensor) -> tuple[Tensor]:
            return (steps,)

        def advance(self, token: Tensor, state: tuple[Tensor]) -> tuple[Tensor, tuple[Tensor]]:
            logits = torch.zeros(len(token), 5)
            logits[:, END] = -math.inf
            logits[state[0] == 2] = torch.tensor([-math.inf, 0.0, *[-math.inf] * 3])
            return logits, (state[0] + 1,)

    (found,) = beam(Even(), (torch.zeros(1),), start=0, end=END, max_steps=4, width=width)
    words = list(product([0, 2, 3, 4], repeat=2))  # in the order of their tokens
    assert [tuple(one.tokens) for one in found] == words[:width]
