"""Rows of the fields that decide what is written, on a network whose probabilities are known."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recurra.tasks.task import Task
from recurra.topologies import Writer

from .conftest import Lab
from .table import proves

NEVER = -1e4


WRITERS = ("translation", "music_generation", "image_captioning", "language_model")


class Chain(Writer):
    """Writes by a table of probabilities: token → what follows."""

    def __init__(self, size: int, follows: dict[int, dict[int, float]]) -> None:
        nn.Module.__init__(self)  # there is no decoder
        self.table = nn.Parameter(torch.full((size, size), NEVER))
        with torch.no_grad():
            for token, after in follows.items():
                for other, p in after.items():
                    self.table[token, other] = math.log(p)

    def start(self, context: Tensor, *_: Any) -> Tensor:
        return torch.zeros(len(context), 1)

    def advance(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.table[token], state


class Desk:
    """A task's codec, inputs for it, two of its tokens, and what they look like in an answer."""

    def __init__(self, task: Task, lab: Lab) -> None:
        self.task, self.recipe, self.codec = task, lab.recipe, lab.codec(task)
        self.lab = lab
        if task.name == "music_generation":
            self.start, self.end = self.codec.notes.start, self.codec.notes.end
            self.size, self.input = len(self.codec.notes), (7, "major")
        elif task.name == "language_model":
            self.start = self.end = 0
            self.size, self.input = len(self.codec.units), ""
        elif task.name == "translation":
            self.start, self.end, self.size = 2, 3, self.codec.target.get_vocab_size()
            self.input = "a red cat"
        else:
            self.start, self.end, self.size = 2, 3, len(self.codec.vocabulary)
            self.input = np.zeros(self.codec.shape, np.uint8)
        self.a, self.b = (self._known(i) for i in (0, 1))

    def _known(self, i: int) -> int:
        taken = {0, 1, 2, 3, self.start, self.end}
        return [token for token in range(self.size) if token not in taken][i]

    def write(self, network: nn.Module, inputs: int = 1, **fields: Any) -> list[list[int]]:
        """Return the tokens of each answer."""
        recipe = self.lab.recipe(self.task, **{"max_length": 12, **self._taken(), **fields})
        given = network, self.codec, [self.input] * inputs, recipe
        if self.task.name == "language_model":
            written = self.task.write(*given, lambda _: None)
            return [answer.tokens for answer in written]
        answers = self.task.predict(*given)
        if self.task.name == "music_generation":
            return [answer.tokens for answer in answers]
        if self.task.name == "translation":
            return [[self.codec.target.token_to_id(t) for t in a.tokens] for a in answers]
        return [self.codec.vocabulary.encode(answer.text.split()) for answer in answers]

    def _taken(self) -> dict[str, Any]:
        own = {"beam": 0, "temperature": 1.0, "top_p": 1.0}
        return {name: value for name, value in own.items() if name in self.task.options}

    def coin(self, p: float) -> Chain:
        """Return what writes a with probability p, else b, and ends."""
        after = {self.a: p, self.b: 1 - p}
        return Chain(
            self.size, {self.start: after, self.a: {self.end: 1.0}, self.b: {self.end: 1.0}}
        )

    def share(self, p: float, **fields: Any) -> float:
        """Return how often a was written in 400 answers of a coin."""
        counts = Counter(map(tuple, self.write(self.coin(p), 400, **fields)))
        assert set(counts) <= {(self.a,), (self.b,)}
        return counts[(self.a,)] / 400


@pytest.fixture
def desk(task: Task, lab: Lab) -> Desk:
    return Desk(task, lab)


@proves("beam", "translation", "image_captioning")
def test_beam_finds_what_the_likeliest_first_step_misses(task: Task, desk: Desk):
    a, b, end = desk.a, desk.b, desk.end
    follows = {desk.start: {a: 0.6, b: 0.4}, a: {end: 0.34, a: 0.33, b: 0.33}, b: {end: 1.0}}
    network = Chain(desk.size, follows)
    assert desk.write(network, beam=1) == [[a]]  # p = 0.204
    assert desk.write(network, beam=2) == [[b]]  # p = 0.4
    drawn = Counter(map(tuple, desk.write(network, 400, beam=0)))
    assert drawn[(b,)] / 400 == pytest.approx(0.4, abs=0.09)


@proves("length_penalty")
def test_length_penalty_lets_a_beam_take_the_longer(task: Task, desk: Desk):
    """p = 0.4 with two tokens, the end among them, or 0.35 with four.

    The longer is ahead where log 0.35 · (7/9)^α > log 0.4, which is where α > 0.541.
    """
    a, b, end = desk.a, desk.b, desk.end
    c = next(i for i in range(desk.size) if i not in (0, 1, 2, 3, a, b, desk.start, end))
    d = next(i for i in range(c + 1, desk.size) if i not in (desk.start, end))
    follows = {desk.start: {a: 0.4, b: 0.35, d: 0.25}, a: {end: 1.0}, b: {c: 1.0}, c: {d: 1.0}}
    network = Chain(desk.size, {**follows, d: {end: 1.0}})
    assert desk.write(network, beam=3, length_penalty=0.0) == [[a]]
    assert desk.write(network, beam=3, length_penalty=0.5) == [[a]]
    assert desk.write(network, beam=3, length_penalty=0.6) == [[b, c, d]]
    assert desk.write(network, beam=3) == [[b, c, d]]  # the usual is 1
    assert desk.write(network, beam=1, length_penalty=5.0) == [[a]]  # greedy ranks nothing


@proves("no_repeat")
@pytest.mark.parametrize("beam", [0, 1])
def test_no_repeat_ends_what_goes_round(task: Task, beam: int, desk: Desk):
    """a b a b …, or the end where one of them may not follow."""
    a, b, end = desk.a, desk.b, desk.end
    other = {a: b, b: a}
    follows = {desk.start: {a: 1.0}}
    follows |= {one: {other[one]: 1 - 1e-9, end: 1e-9} for one in (a, b)}
    network = Chain(desk.size, follows)
    assert desk.write(network, beam=beam, no_repeat=0) == [[a, b] * 6]  # as long as it may be
    assert desk.write(network, beam=beam, no_repeat=2) == [[a, b, a]]
    assert desk.write(network, beam=beam, no_repeat=3) == [[a, b, a, b]]
    assert desk.write(network, beam=beam) == [[a, b, a, b, a, b, a, b, a]]  # eight


@proves("temperature", *WRITERS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature_sharpens_and_flattens(task: Task, temperature: float, desk: Desk):
    p = 0.8 ** (1 / temperature) / (0.8 ** (1 / temperature) + 0.2 ** (1 / temperature))
    assert desk.share(0.8, temperature=temperature) == pytest.approx(p, abs=0.07)


@proves("top_k")
def test_top_k_draws_from_the_likeliest_alone(task: Task, desk: Desk):
    assert desk.share(0.6, top_k=1) == 1.0
    assert desk.share(0.6, top_k=2) == pytest.approx(0.6, abs=0.09)
    assert desk.share(0.6, top_k=0) == pytest.approx(0.6, abs=0.09)


@proves("top_p")
def test_top_p_draws_from_the_fewest_that_reach_it(task: Task, desk: Desk):
    assert desk.share(0.6, top_p=0.5) == 1.0
    assert desk.share(0.6, top_p=0.7) == pytest.approx(0.6, abs=0.09)


@proves("seed", "translation", "music_generation", "image_captioning", "language_model")
def test_seed_draws_the_same_again(task: Task, desk: Desk):
    coin = desk.coin(0.5)
    first, again, other = (desk.write(coin, 40, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(map(tuple, first))) == 2  # and not the same for all rows


@proves("max_length", "language_model")
def test_max_length_ends_a_text_that_would_never_end(task: Task, desk: Desk):
    endless = Chain(desk.size, {desk.start: {desk.a: 1.0}, desk.a: {desk.a: 1.0}})
    assert desk.write(endless, max_length=5) == [[desk.a] * 5]


@proves("max_length", "translation", "music_generation", "image_captioning")
def test_max_length_ends_what_would_never_end(task: Task, lab: Lab):
    desk = Desk(task, lab)
    endless = Chain(desk.size, {desk.start: {desk.a: 1.0}, desk.a: {desk.a: 1.0}})
    greedy = {} if "beam" not in task.options else {"beam": 1}
    recipe = lab.recipe(task, max_length=5, **greedy)
    codec = task.fit(lab.splits(task).train, recipe)
    (answer,) = task.predict(endless, codec, [desk.input], recipe)
    words = answer.text.split() if task.name == "image_captioning" else answer.tokens
    assert len(words) == 5
