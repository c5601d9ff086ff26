"""Decoding against enumeration, on a tiny recurrent network with random weights."""

from itertools import product
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from recurra.decoding import Hypothesis, beam, greedy, likeliest, sample
from recurra.decoding.repeats import repeating
from recurra.errors import RecurraError

torch.set_num_threads(1)
START, END = 0, 1


class State(NamedTuple):
    h: Tensor
    weights: Tensor


class Tiny:
    """h' = tanh(E[token] + W h), logits = U h'."""

    def __init__(self, vocabulary: int = 4, seed: int = 0, scale: float = 2.0) -> None:
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return scale * torch.randn(shape, generator=generator, dtype=torch.float64)

        self.vocabulary, self.calls = vocabulary, 0
        self.embed, self.inner, self.out = draw(vocabulary, 5), draw(5, 5), draw(5, vocabulary)

    def start(self, h: Tensor) -> State:
        return State(h, h.new_zeros(len(h), 3))

    def advance(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        self.calls += 1
        h = torch.tanh(self.embed[token] + state.h @ self.inner)
        return h @ self.out, State(h, h[:, :3].softmax(-1))

    def log_probability(self, h: Tensor, written: list[int]) -> float:
        """The score of what is written after the start token, one step after the other."""
        state, total = self.start(h[None]), 0.0
        for before, after in zip([START, *written], written, strict=False):
            logits, state = self.advance(torch.tensor([before]), state)
            total += float(logits.log_softmax(-1)[0, after])
        return total


def context(rows: int, seed: int = 0) -> tuple[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(rows, 5, generator=generator, dtype=torch.float64),)


def written(hypothesis: Hypothesis, max_steps: int) -> list[int]:
    """The tokens, with the end token where there was room for it."""
    return [*hypothesis.tokens, END] if len(hypothesis.tokens) < max_steps else hypothesis.tokens


def same(a: Hypothesis, b: Hypothesis) -> None:
    assert a.tokens == b.tokens
    assert a.score == pytest.approx(b.score, abs=1e-9)
    torch.testing.assert_close(a.weights, b.weights)


def test_greedy_takes_the_likeliest() -> None:
    tiny, (h,) = Tiny(seed=3), context(20)
    for row, found in enumerate(greedy(tiny, (h,), start=START, end=END, max_steps=6)):
        state, token, expected = tiny.start(h[row : row + 1]), START, []
        for _ in range(6):
            logits, state = tiny.advance(torch.tensor([token]), state)
            token = int(logits.argmax())
            if token == END:
                break
            expected.append(token)
        assert found.tokens == expected


@given(seed=st.integers(0, 10_000), alpha=st.sampled_from([0.0, 0.6, 2.0]))
@settings(max_examples=25, deadline=None)
def test_a_beam_of_one_is_greedy(seed: int, alpha: float) -> None:
    tiny, (h,) = Tiny(seed=seed), context(6, seed)
    expected = greedy(tiny, (h,), start=START, end=END, max_steps=5)
    found = beam(tiny, (h,), start=START, end=END, max_steps=5, width=1, length_penalty=alpha)
    for row, best in zip(found, expected, strict=True):
        assert len(row) == 1
        same(row[0], best)


@given(
    seed=st.integers(0, 10_000),
    vocabulary=st.integers(2, 4),
    max_steps=st.integers(1, 4),
    alpha=st.sampled_from([0.0, 0.6, 1.0, 3.0]),
    scale=st.sampled_from([0.3, 2.0]),
)
@settings(max_examples=40, deadline=None)
def test_a_full_beam_finds_the_best(
    seed: int, vocabulary: int, max_steps: int, alpha: float, scale: float
) -> None:
    tiny, (h,) = Tiny(vocabulary, seed, scale), context(2, seed)
    words = [token for token in range(vocabulary) if token != END]
    complete = [[*w, END] for n in range(max_steps) for w in product(words, repeat=n)]
    found = beam(
        tiny,
        (h,),
        start=START,
        end=END,
        max_steps=max_steps,
        width=vocabulary**max_steps,
        length_penalty=alpha,
    )
    for row in range(2):
        scores = {tuple(y): tiny.log_probability(h[row], y) for y in complete}
        normalised = {y: s / ((5 + len(y)) / 6) ** alpha for y, s in scores.items()}
        best = max(normalised, key=lambda y: normalised[y])
        assert (*found[row][0].tokens, END) == best
        assert found[row][0].normalised == pytest.approx(normalised[best])
        assert found[row][0].score == pytest.approx(scores[best])


def test_a_longer_hypothesis_overtakes_a_finished_one() -> None:
    tiny = Tiny(3)
    # after START: END 0.6, 2 0.4; after one 2 another, until the fourth step ends for certain
    state = State(torch.zeros(1, 1), torch.zeros(1, 0))

    def advance(token: Tensor, state: State) -> tuple[Tensor, State]:
        step = int(state.h[0, 0])
        p = [[0, 0.6, 0.4], [0, 0, 1.0], [0, 0, 1.0], [0, 1.0, 0]][step]
        return torch.tensor([p]).log().expand(len(token), 3), State(state.h + 1, state.weights)

    tiny.start, tiny.advance = lambda: state, advance
    options = {"start": START, "end": END, "max_steps": 4, "width": 2}
    likeliest = beam(tiny, (), **options)
    assert [one.tokens for one in likeliest[0]] == [[]]
    longer = beam(tiny, (), length_penalty=2.0, **options)
    assert [one.tokens for one in longer[0]] == [[2, 2, 2], []]


@given(seed=st.integers(0, 10_000), width=st.integers(2, 5), alpha=st.sampled_from([0.0, 1.0]))
@settings(max_examples=25, deadline=None)
def test_a_beam_keeps_its_promises(seed: int, width: int, alpha: float) -> None:
    tiny, (h,) = Tiny(seed=seed), context(3, seed)
    options = {"start": START, "end": END, "max_steps": 6, "width": width, "length_penalty": alpha}
    found = beam(tiny, (h,), **options)
    for row, ranked in enumerate(found):
        assert 1 <= len(ranked) <= width
        assert len({tuple(one.tokens) for one in ranked}) == len(ranked)
        ended = [len(one.tokens) < 6 for one in ranked]
        assert ended == sorted(ended, reverse=True)
        for part in (True, False):
            order = [one.normalised for one, e in zip(ranked, ended, strict=True) if e is part]
            assert order == sorted(order, reverse=True)
        for one in ranked:
            steps = written(one, 6)
            assert one.score == pytest.approx(tiny.log_probability(h[row], steps))
            assert one.normalised == pytest.approx(one.score / ((5 + len(steps)) / 6) ** alpha)
        alone = beam(tiny, (h[row : row + 1],), **options)[0]
        for a, b in zip(ranked, alone, strict=True):
            same(a, b)


def test_a_wider_beam_finds_more() -> None:
    tiny, (h,) = Tiny(seed=5, scale=1.0), context(200)
    best = [beam(tiny, (h,), start=START, end=END, max_steps=8, width=width) for width in (1, 2, 8)]
    means = [sum(row[0].score for row in found) / 200 for found in best]
    assert means[0] < means[1] < means[2]


def test_a_beam_stops_when_nothing_can_overtake() -> None:
    tiny = Tiny()
    tiny.out[:] = 0
    tiny.advance = lambda token, state: (
        setattr(tiny, "calls", tiny.calls + 1)
        or (torch.tensor([[0.0, 5.0, 0.0, 0.0]]).expand(len(token), 4), state)
    )
    found = beam(tiny, context(2), start=START, end=END, max_steps=50, width=3)
    assert [row[0].tokens for row in found] == [[], []]
    assert tiny.calls == 1


def test_a_beam_stops_by_the_penalty_of_the_length_there_is() -> None:
    """−1 ends; −2.2, the next, is −1.1 at most, at seven tokens: (5 + 7) / 6 = 2."""
    tiny = Tiny()
    p = torch.tensor([-9, -1.0, -2.2, *[-2.8] * 8])
    p[0] = (1 - p[1:].exp().sum()).log()
    assert bool(p[0] < p[2])
    tiny.advance = lambda token, state: (
        setattr(tiny, "calls", tiny.calls + 1) or (p.expand(len(token), 11), state)
    )
    options = {"start": START, "end": END, "max_steps": 7, "width": 2}
    (found,) = beam(tiny, context(1), length_penalty=1.0, **options)
    assert [one.tokens for one in found] == [[]]
    assert tiny.calls == 1


def test_scores_are_added_in_64_bits() -> None:
    tiny, (h,) = Tiny(seed=2, scale=0.5), context(4)
    advance = tiny.advance
    tiny.advance = lambda token, state: (
        advance(token, state)[0].float(),
        advance(token, state)[1],
    )
    for row, one in enumerate(greedy(tiny, (h,), start=START, end=END, max_steps=5)):
        state, expected = tiny.start(h[row : row + 1]), 0.0
        steps = written(one, 5)
        for before, after in zip([START, *steps], steps, strict=False):
            logits, state = tiny.advance(torch.tensor([before]), state)
            expected += float(logits[0].double().log_softmax(-1)[after])
        assert one.score == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_softmax(temperature: float) -> None:
    tiny, rows = Tiny(5, seed=1, scale=0.5), 6000
    h = context(1)[0].expand(rows, -1)
    found = sample(
        tiny,
        (h,),
        start=START,
        end=END,
        max_steps=1,
        temperature=temperature,
        generator_seed=torch.Generator().manual_seed(0),
    )
    counts = torch.zeros(5)
    for one in found:
        counts[one.tokens[0] if one.tokens else END] += 1
    logits, _ = tiny.advance(torch.tensor([START]), tiny.start(h[:1]))
    expected = rows * (logits[0] / temperature).softmax(-1)
    assert float(((counts - expected) ** 2 / expected).sum()) < 18.5  # χ² of 4 degrees, p = 0.001


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 2}, 2),
        ({"top_p": 0.6}, 2),
        ({"top_p": 0.01}, 1),
        ({"top_k": 3, "top_p": 0.9}, 3),
    ],
    ids=str,
)
def test_filters_leave_the_likeliest(options: dict[str, float], kept: int) -> None:
    p = torch.tensor([0.1, 0.05, 0.5, 0.35])  # by rank: 2, 3, 0, 1
    tiny = Tiny()
    tiny.advance = lambda token, state: (p.log().expand(len(token), 4), state)
    found = sample(
        tiny,
        context(500),
        start=START,
        end=END,
        max_steps=1,
        generator_seed=torch.Generator().manual_seed(0),
        **options,
    )
    tokens = {one.tokens[0] if one.tokens else END for one in found}
    assert tokens == set([2, 3, 0, 1][:kept])


@pytest.mark.parametrize("temperature", [0.0, 1e-4])
def test_cold_samples_are_greedy(temperature: float) -> None:
    tiny, h = Tiny(seed=4), context(20)
    cold = sample(tiny, h, start=START, end=END, max_steps=6, temperature=temperature)
    for a, b in zip(cold, greedy(tiny, h, start=START, end=END, max_steps=6), strict=True):
        same(a, b)


def test_rows_are_written_as_if_alone() -> None:
    tiny, (h,) = Tiny(seed=6, scale=0.7), context(20)
    together, alone = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    options = {"start": START, "end": END, "max_steps": 7}
    sampled = sample(tiny, (h,), generator_seed=together, **options)
    best = greedy(tiny, (h,), **options)
    assert len({len(one.tokens) for one in sampled}) > 2
    for row in range(20):
        one = (h[row : row + 1],)
        same(sampled[row], sample(tiny, one, generator_seed=alone, **options)[0])
        same(best[row], greedy(tiny, one, **options)[0])


@pytest.mark.parametrize("max_steps", [1, 3])
def test_hypotheses_are_bounded_scored_and_attended(max_steps: int) -> None:
    tiny, (h,) = Tiny(seed=7, scale=0.7), context(30)
    options = {"start": START, "end": END, "max_steps": max_steps}
    for found in (greedy(tiny, (h,), **options), sample(tiny, (h,), **options)):
        assert max(len(one.tokens) for one in found) == max_steps
        for row, one in enumerate(found):
            expected = tiny.log_probability(h[row], written(one, max_steps))
            assert one.score == one.normalised == pytest.approx(expected)
            assert one.weights is not None
            assert one.weights.shape == (len(one.tokens), 3)
            state = tiny.start(h[row : row + 1])
            for before, shown in zip([START, *one.tokens], one.weights, strict=False):
                _, state = tiny.advance(torch.tensor([before]), state)
                torch.testing.assert_close(shown, state.weights[0])


def test_a_beam_shows_the_attention_of_its_own_past() -> None:
    tiny, (h,) = Tiny(seed=8, scale=0.7), context(10)
    for row, ranked in enumerate(beam(tiny, (h,), start=START, end=END, max_steps=5, width=4)):
        for one in ranked:
            assert one.weights is not None
            assert len(one.weights) == len(one.tokens)
            state = tiny.start(h[row : row + 1])
            for before, shown in zip([START, *one.tokens], one.weights, strict=False):
                _, state = tiny.advance(torch.tensor([before]), state)
                torch.testing.assert_close(shown, state.weights[0])


class Remembering(NamedTuple):
    """A memory that no step changes, and a state that every other step leaves alone."""

    h: Tensor
    turn: Tensor
    memory: Tensor


class Reader(Tiny):
    """Reads a memory; takes its own token in at every other step only."""

    def start(self, h: Tensor) -> Remembering:
        self.seen: list[Tensor] = []  # the memories of one search
        return Remembering(h, h.new_zeros(len(h)), h.flip(-1))

    def advance(self, token: Tensor, state: Remembering) -> tuple[Tensor, Remembering]:
        self.seen.append(state.memory)
        h = state.h
        if not state.turn.any():
            h = torch.tanh(self.embed[token] + h @ self.inner + state.memory)
        return h @ self.out, Remembering(h, 1 - state.turn, state.memory)


def test_what_no_step_changes_is_not_moved() -> None:
    reader, (h,) = Reader(vocabulary=6, seed=2, scale=0.7), context(5)
    found = beam(reader, (h,), start=START, end=END, max_steps=6, width=3)
    seen = reader.seen
    assert len(seen) > 2
    assert all(memory is seen[0] for memory in seen)
    for row, best in enumerate(found):
        for hypothesis in best:
            expected = reader.log_probability(h[row], written(hypothesis, 6))
            assert hypothesis.score == pytest.approx(expected, abs=1e-9)


def test_a_prefix_comes_first_and_forbidden_tokens_never() -> None:
    tiny, (h,) = Tiny(seed=9, scale=0.7), context(30)
    prefix = 2 + torch.randint(2, (30, 2), generator=torch.Generator().manual_seed(0))
    options = {
        "start": START,
        "end": END,
        "max_steps": 6,
        "prefix": prefix,
        "forbidden": [START, 3],
    }
    found = [
        greedy(tiny, (h,), **options),
        sample(tiny, (h,), **options),
        [row[0] for row in beam(tiny, (h,), width=3, **options)],
    ]
    for rows in found:
        for row, one in enumerate(rows):
            assert one.tokens[:2] == prefix[row].tolist()
            assert set(one.tokens[2:]) <= {2}
            assert one.score == pytest.approx(tiny.log_probability(h[row], written(one, 6)))


class Patient(Tiny):
    """As `Tiny`, and seldom at an end."""

    def advance(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        logits, state = super().advance(token, state)
        return logits - 4 * (torch.arange(self.vocabulary) == END), state


def once(tokens: list[int], size: int) -> bool:
    """Whether no passage of `size` tokens stands in them twice."""
    passages = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
    return len(set(passages)) == len(passages)


@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 3),
    max_steps=st.integers(1, 5),
    alpha=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=40, deadline=None)
def test_a_full_beam_finds_the_best_of_what_repeats_nothing(
    seed: int, size: int, max_steps: int, alpha: float
) -> None:
    tiny, (h,) = Tiny(3, seed), context(2, seed)
    complete = [
        [*w, END] for n in range(max_steps) for w in product([0, 2], repeat=n) if once([*w], size)
    ]
    found = beam(
        tiny,
        (h,),
        start=START,
        end=END,
        max_steps=max_steps,
        width=3**max_steps,
        length_penalty=alpha,
        no_repeat=size,
    )
    for row in range(2):
        scores = {tuple(y): tiny.log_probability(h[row], y) for y in complete}
        normalised = {y: s / ((5 + len(y)) / 6) ** alpha for y, s in scores.items()}
        best = max(normalised, key=lambda y: normalised[y])
        assert (*found[row][0].tokens, END) == best
        assert found[row][0].score == pytest.approx(scores[best])
        assert all(once(one.tokens, size) for one in found[row])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_greedy_takes_the_likeliest_that_repeats_nothing(size: int) -> None:
    tiny, (h,) = Patient(seed=3, scale=1.0), context(20)
    options = {"start": START, "end": END, "max_steps": 12}
    differ = 0
    for row, found in enumerate(greedy(tiny, (h,), no_repeat=size, **options)):
        state, token, expected = tiny.start(h[row : row + 1]), START, []
        for _ in range(12):
            logits, state = tiny.advance(torch.tensor([token]), state)
            allowed = [t for t in range(4) if t == END or once([*expected, t], size)]
            token = max(allowed, key=lambda t: float(logits[0, t]))
            if token == END:
                break
            expected.append(token)
        assert found.tokens == expected
        assert found.score == pytest.approx(tiny.log_probability(h[row], written(found, 12)))
        differ += found.tokens != greedy(tiny, (h[row : row + 1],), **options)[0].tokens
    assert differ > 5
    same(
        beam(tiny, (h[:1],), width=1, no_repeat=size, **options)[0][0],
        greedy(tiny, (h[:1],), no_repeat=size, **options)[0],
    )


def test_a_beam_remembers_what_each_of_its_places_wrote() -> None:
    tiny, (h,) = Patient(seed=11, scale=0.7), context(12, 4)
    options = {"start": START, "end": END, "max_steps": 14, "width": 4, "no_repeat": 2}
    found = beam(tiny, (h,), **options)
    assert max(len(one.tokens) for ranked in found for one in ranked) > 6
    for row, ranked in enumerate(found):
        for one, alone in zip(ranked, beam(tiny, (h[row : row + 1],), **options)[0], strict=True):
            same(one, alone)
            assert once(one.tokens, 2)
            assert one.score == pytest.approx(tiny.log_probability(h[row], written(one, 14)))


def test_samples_repeat_nothing_and_what_is_left_keeps_its_odds() -> None:
    tiny, rows = Tiny(5, seed=1, scale=0.5), 4000
    h = context(1)[0].expand(rows, -1)
    tiny.advance = lambda token, state: (
        torch.tensor([0.1, 0.2, 0.3, 0.25, 0.15]).log().expand(len(token), 5),
        state,
    )
    found = sample(
        tiny,
        (h,),
        start=START,
        end=END,
        max_steps=2,
        no_repeat=1,
        generator_seed=torch.Generator().manual_seed(0),
    )
    assert all(once(one.tokens, 1) for one in found)
    after = [one.tokens[1] for one in found if len(one.tokens) == 2 and one.tokens[0] == 2]
    # of 0.1, 0.2 (the end), 0.25 and 0.15, less 0.3: token 3 has 0.25 of what is not the end
    assert after.count(3) / len(after) == pytest.approx(0.25 / 0.5, abs=0.06)


def test_a_prefix_may_repeat_and_is_remembered() -> None:
    tiny, (h,) = Patient(seed=9, scale=0.7), context(30)
    prefix = torch.tensor([[2, 3, 2, 3]]).expand(30, 4)
    options = {"start": START, "end": END, "max_steps": 8, "prefix": prefix, "no_repeat": 2}
    for rows in (
        greedy(tiny, (h,), **options),
        sample(tiny, (h,), **options),
        [row[0] for row in beam(tiny, (h,), width=3, **options)],
    ):
        for one in rows:
            assert one.tokens[:4] == [2, 3, 2, 3]
            pairs = list(zip(one.tokens, one.tokens[1:], strict=False))
            assert not {(2, 3), (3, 2)} & set(pairs[3:])


@given(
    head=st.lists(st.integers(0, 2), max_size=5),
    cycle=st.lists(st.integers(0, 2), min_size=4, max_size=7),
)
def test_what_repeats_no_eight_tokens_goes_round_in_no_circle_of_four_or_more(
    head: list[int], cycle: list[int]
) -> None:
    assert not once(head + cycle * 3, 8)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_tokens_that_would_repeat_are_found_as_by_trying(size: int) -> None:
    written = torch.randint(0, 3, (40, 9), generator=torch.Generator().manual_seed(size))
    for steps in range(10):
        places, tokens = repeating(written[:, :steps], size)
        expected = {
            (row, token)
            for row in range(40)
            for token in range(3)
            if (new := [*written[row, :steps].tolist(), token])[-size:]
            in [new[i : i + size] for i in range(len(new) - size)]
        }
        assert set(zip(places.tolist(), tokens.tolist(), strict=True)) == expected


@pytest.mark.parametrize("width", [1, 2])
def test_a_prefix_may_be_all_there_is_room_for(width: int) -> None:
    tiny, (h,) = Tiny(seed=9), context(2)
    prefix = torch.tensor([[2, 3, 2], [3, 2, 2]])
    options = {"start": START, "end": END, "max_steps": 3, "prefix": prefix}
    for row, (one,) in enumerate(beam(tiny, (h,), width=width, **options)):
        assert one.tokens == prefix[row].tolist()
        assert one.score == pytest.approx(tiny.log_probability(h[row], one.tokens))


def test_no_rows_no_hypotheses() -> None:
    assert greedy(Tiny(), context(0), start=START, end=END, max_steps=3) == []
    assert beam(Tiny(), context(0), start=START, end=END, max_steps=3, width=2) == []


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        (greedy, {"max_steps": 0}, "max_steps is 0"),
        (greedy, {"prefix": torch.zeros(2, 4, dtype=torch.int64)}, "prefix has 4"),
        (greedy, {"forbidden": range(4)}, "forbidden"),
        (greedy, {"no_repeat": -1}, "no_repeat is -1"),
        (sample, {"no_repeat": -2}, "no_repeat is -2"),
        (beam, {"width": 2, "no_repeat": -1}, "no_repeat is -1"),
        (sample, {"temperature": -1.0}, "temperature"),
        (sample, {"top_p": 0.0}, "top_p"),
        (sample, {"top_k": -1}, "top_k"),
        (beam, {"width": 0}, "width 0"),
        (beam, {"width": 2, "length_penalty": -1.0}, "length penalty"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_refuses(write: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(RecurraError, match=message):
        write(Tiny(), context(2), **{"start": START, "end": END, "max_steps": 3} | options)


def test_the_first_are_in_falling_order():
    totals = torch.tensor([[0.5, 0.1, 0.9, 0.7], [0.1, 0.2, 0.3, 0.2]])
    assert likeliest.first(totals, 3).tolist() == [[2, 3, 0], [2, 1, 3]]
    assert likeliest.first(totals[1:], 2).tolist() == [[2, 1]]
