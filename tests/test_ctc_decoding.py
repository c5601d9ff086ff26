"""Decoding of CTC against enumeration of all alignments."""

import math
from collections.abc import Iterator
from itertools import groupby, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from recurra import topologies
from recurra.decoding import BestPath, Fusion, Labelling, PrefixBeam, align, best_path
from recurra.errors import InputError

torch.set_num_threads(1)


def frames(time: int, classes: int, seed: int, scale: float = 1.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    scores = scale * torch.randn(time, classes, generator=generator, dtype=torch.float64)
    return scores.log_softmax(-1)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in groupby(path) if symbol != 0)


def paths(logp: Tensor) -> Iterator[tuple[tuple[int, ...], float]]:
    table = logp.tolist()
    for path in product(range(logp.shape[1]), repeat=len(logp)):
        yield path, sum(table[t][symbol] for t, symbol in enumerate(path))


def labellings(logp: Tensor) -> dict[tuple[int, ...], float]:
    """Return log p of each labelling, the sum over its alignments."""
    found: dict[tuple[int, ...], float] = {}
    for path, score in paths(logp):
        y = collapsed(path)
        found[y] = float(np.logaddexp(found.get(y, -math.inf), score))
    return found


def searched(logp: Tensor, width: int, cuts: tuple[int, ...] = (), **options: Any) -> Labelling:
    beam = PrefixBeam(logp.shape[1], width, **options)
    for piece in logp.tensor_split(cuts):
        beam.push(piece)
    return beam.best[0]


@given(time=st.integers(0, 5), classes=st.integers(1, 3), seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_best_path_is_the_collapsed_likeliest_path(time: int, classes: int, seed: int) -> None:
    logp = frames(time, classes, seed)
    best, score = max(paths(logp), key=lambda one: one[1])
    found = BestPath()
    found.push(logp)
    assert tuple(found.symbols) == collapsed(best)
    assert found.score == pytest.approx(score, abs=1e-9)
    for emission in found.emissions:
        assert set(best[emission.start : emission.stop]) == {emission.symbol}
        assert best[: emission.start][-1:] != (emission.symbol,)
        assert best[emission.stop : emission.stop + 1] != (emission.symbol,)
        heard = logp[emission.start : emission.stop, emission.symbol]
        assert emission.score == pytest.approx(float(heard.max()))


def test_a_symbol_is_said_again_past_a_blank_only() -> None:
    spread = [1, 1, 0, 0, 1, 2, 2, 0, 2]
    logp = torch.full((9, 3), -5.0).scatter(1, torch.tensor(spread)[:, None], -0.1)
    found = BestPath()
    found.push(logp)
    assert [(one.symbol, one.start, one.stop) for one in found.emissions] == [
        (1, 0, 2),
        (1, 4, 5),
        (2, 5, 7),
        (2, 8, 9),
    ]


@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=20, deadline=None)
def test_frames_that_come_in_pieces_are_decoded_as_the_whole(seed: int, cuts: list[int]) -> None:
    logp = frames(12, 4, seed)
    whole, streamed = BestPath(), BestPath()
    whole.push(logp)
    begun = [one.symbol for part in logp.tensor_split(sorted(cuts)) for one in streamed.push(part)]
    assert streamed.emissions == whole.emissions
    assert streamed.score == whole.score
    assert begun == whole.symbols
    assert searched(logp, 5, tuple(sorted(cuts))) == searched(logp, 5)
    assert searched(logp, 5, tuple(range(12))) == searched(logp, 5)


@given(time=st.integers(0, 5), classes=st.integers(1, 3), seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_wide_beam_finds_every_labelling_and_its_probability(
    time: int, classes: int, seed: int
) -> None:
    logp = frames(time, classes, seed)
    beam = PrefixBeam(classes, 300)
    beam.push(logp)
    found = {tuple(one.symbols): one.log_probability for one in beam.best}
    assert found == pytest.approx(labellings(logp), abs=1e-9)
    scores = [one.score for one in beam.best]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(max(labellings(logp).values()), abs=1e-9)


def test_a_beam_of_two_finds_what_the_best_path_misses() -> None:
    # Hannun's point: "a" has three alignments of two frames, the blank path is the likeliest one
    logp = torch.tensor([[0.6, 0.4], [0.6, 0.4]], dtype=torch.float64).log()
    greedy = BestPath()
    greedy.push(logp)
    assert greedy.symbols == []
    best = searched(logp, 2)
    assert best.symbols == [1]
    assert math.exp(best.log_probability) == pytest.approx(0.4 * 0.4 + 2 * 0.4 * 0.6)


def test_no_more_beginnings_are_kept_than_the_width() -> None:
    beam = PrefixBeam(4, 3)
    beam.push(frames(6, 4, 0))
    assert len(beam.best) == 3


class Bigrams:
    """A language model: a table of what follows what. Its state counts the tokens it has read."""

    def __init__(self, size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = 2 * torch.randn(size, size, generator=generator, dtype=torch.float64)

    def start(self, *context: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.int64)

    def advance(
        self, token: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        # what follows depends on all that was read: a mixed up state is a wrong score
        memory = state[0] / 2 + token[:, None].double()
        liked = (memory * torch.arange(1, len(self.table) + 1)).sin()
        return self.table[token] + liked, (memory, state[1] + 1)

    def score(self, tokens: list[int], start: int) -> float:
        state, total = self.start(), 0.0
        for before, after in zip([start, *tokens], tokens, strict=False):
            logits, state = self.advance(torch.tensor([before]), state)
            total += float(logits.log_softmax(-1)[0, after])
        return total


@given(
    seed=st.integers(0, 10_000),
    weight=st.sampled_from([0.0, 0.5, 2.0]),
    bonus=st.sampled_from([0.0, 1.5]),
)
@settings(max_examples=25, deadline=None)
def test_fused_with_a_language_model_a_wide_beam_finds_the_best_sum(
    seed: int, weight: float, bonus: float
) -> None:
    logp, tokens, start = frames(4, 3, seed), [0, 4, 2], 3
    generator = Bigrams(5, seed)
    model = Fusion(generator, tokens, start, weight)
    bonuses = [0.0, bonus, 0.0]
    wanted = {
        y: p + weight * generator.score([tokens[c] for c in y], start) + sum(bonuses[c] for c in y)
        for y, p in labellings(logp).items()
    }
    beam = PrefixBeam(3, 100, bonus=bonuses, fusion=model)
    beam.push(logp)
    assert {tuple(one.symbols): one.score for one in beam.best} == pytest.approx(wanted, abs=1e-9)
    assert tuple(beam.best[0].symbols) == max(wanted, key=wanted.__getitem__)
    narrow = searched(logp, 2, (1, 3), bonus=bonuses, fusion=model)
    assert narrow.score <= beam.best[0].score + 1e-9
    assert narrow.score == pytest.approx(
        narrow.log_probability
        + wanted[tuple(narrow.symbols)]
        - labellings(logp)[tuple(narrow.symbols)]
    )


@given(time=st.integers(1, 6), seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_alignment_is_the_likeliest_of_all(time: int, seed: int) -> None:
    logp = frames(time, 3, seed)
    best: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
    for path, score in paths(logp):
        y = collapsed(path)
        best[y] = max(best.get(y, (-math.inf, ())), (score, path))
    for y, (_, path) in best.items():
        found = align(logp, y)
        assert [one.symbol for one in found] == list(y)
        spread = [0] * time
        for one in found:
            spread[one.start : one.stop] = [one.symbol] * (one.stop - one.start)
            assert one.score == pytest.approx(float(logp[one.start : one.stop, one.symbol].max()))
        assert tuple(spread) == path


def test_what_does_not_fit_has_no_alignment() -> None:
    logp = frames(2, 3, 0)
    assert align(logp[:0], []) == []
    for symbols, message in [
        ([1, 1], "no alignment"),
        ([0], "takes 1 to 2"),
        ([3], "takes 1 to 2"),
    ]:
        with pytest.raises(InputError, match=message):
            align(logp, symbols)


@pytest.mark.parametrize("decoder", [BestPath(), PrefixBeam(3, 2)], ids=["greedy", "beam"])
def test_what_is_no_log_probability_is_refused(decoder: BestPath | PrefixBeam) -> None:
    for wrong in (torch.full((1, 3), torch.nan), torch.ones(1, 3)):
        with pytest.raises(InputError, match="log probabilities"):
            decoder.push(wrong)


def test_the_blank_is_that_of_the_loss() -> None:
    assert best_path.BLANK == topologies.BLANK


def test_numbers_out_of_range_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"width": 0}, {"classes": 0}, {"bonus": [1.0]}]
    for options in wrong:
        with pytest.raises(InputError):
            PrefixBeam(**{"classes": 3, "width": 2, **options})
    with pytest.raises(InputError, match="−∞"):
        PrefixBeam(3, 2).push(torch.full((1, 3), -torch.inf))
