"""How a model of each task of music is made to play, and how its examples are read as pieces."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from recurra.data.readers.midi import Tune
from recurra.data.readers.smf import symusic
from recurra.data.rolls import Roll, of_score
from recurra.tasks.codecs.tunes import MidiFile
from recurra.tasks.model import Model
from recurra.tasks.pieces.piece import Piece, of_roll
from recurra.tasks.pieces.piece import of_score as piece_of
from recurra.tasks.polyphonic_music import continued

OPENING = 8  # quarter notes of a piece that are given
GOES_ON = 64  # quarter notes by which it is continued


class Written(NamedTuple):
    """A piece that a model wrote, and the answer that holds it as a file."""

    piece: Piece
    answer: MidiFile


class Player(Protocol):
    """Makes a task's models play."""

    def play(
        self, model: Model, test: Sequence[Any], count: int, seed: int, fields: Mapping[str, Any]
    ) -> list[Written]:
        """Return so many new pieces, drawn; what they begin from is the test part's."""
        ...

    def heard(self, model: Model, example: Any) -> Piece:
        """Return an example as the model was shown it."""
        ...

    def beside(self, model: Model, example: Any) -> Piece:
        """Return what of a test example stands beside what the model writes."""
        ...


class Tunes:
    """Plays tunes, each in the key of a test example."""

    def play(
        self, model: Model, test: Sequence[Tune], count: int, seed: int, fields: Mapping[str, Any]
    ) -> list[Written]:
        """Return new tunes. One that has its greatest length was cut."""
        wanted = [(tune.key, tune.mode) for tune in _taken(test, count, seed)]
        most = fields.get("max_length", model.recipe.max_length)  # type: ignore[attr-defined]  # its own recipe has it
        found = []
        for tune in model.predict(wanted, seed=seed, **fields):
            where, cut = f"{tune.key} {tune.mode}", len(tune.tokens) >= most
            score = symusic().Score.from_midi(tune.midi)
            found.append(Written(piece_of(score, where, bars=tune.bars, cut=cut), tune))
        return found

    def heard(self, model: Model, example: Tune) -> Piece:
        """Return a tune by the tokens that are read of it, so on the grid that is written on."""
        codec: Any = model.codec
        tokens = codec.encode(example)[1].tolist()[:-1]
        bars, cut = codec.notes.bars(tokens), len(tokens) >= codec.max_length - 1
        return piece_of(codec.notes.decode(tokens), example.where, bars=bars, cut=cut)

    beside = heard


class Rolls:
    """Plays on from the openings of test examples; what follows is listened to."""

    def play(
        self, model: Model, test: Sequence[Roll], count: int, seed: int, fields: Mapping[str, Any]
    ) -> list[Written]:
        """Return continuations. They are ended by their length: none ends by itself."""
        codec: Any = model.codec
        network: Any = model.network
        found = []
        for number, roll in enumerate(_taken(test, count, seed)):
            opening = roll._replace(frames=roll.frames[: _opening(codec, roll)])
            own = {"length": GOES_ON * codec.steps, **fields, "seed": (seed + number) % 2**63}
            recipe: Any = model.recipe.of(model.recipe.asdict(), own)
            answer = continued(network, codec, opening, roll.where, recipe)
            score = symusic().Score.from_midi(answer.midi)
            begin, frames = len(opening.frames), of_score(score, codec.steps, roll.where).frames
            missing = begin + recipe.length - len(frames)  # of the silence that it ends in
            frames = np.pad(frames, ((0, max(missing, 0)), (0, 0)))[begin:]
            found.append(Written(of_roll(frames, codec.steps, roll.where, cut=True), answer))
        return found

    def heard(self, model: Model, example: Roll) -> Piece:
        """Return a roll as far as it is read."""
        codec: Any = model.codec
        frames = example.frames[: codec.max_length + 1]
        cut = len(frames) < len(example.frames)
        return of_roll(frames, codec.steps, example.where, cut=cut)

    def beside(self, model: Model, example: Roll) -> Piece:
        """Return what follows the opening."""
        codec: Any = model.codec
        rest = example._replace(frames=example.frames[_opening(codec, example) :])
        return self.heard(model, rest)


PLAYERS: dict[str, Player] = {"music_generation": Tunes(), "polyphonic_music": Rolls()}


def _taken(test: Sequence[Any], count: int, seed: int) -> list[Any]:
    """Return so many of the test examples, each once before any is taken again."""
    order, found = random.Random(seed), list[Any]()
    while len(found) < count:
        found += order.sample(test, len(test))
    return found[:count]


def _opening(codec: Any, roll: Roll) -> int:
    return min(OPENING * int(codec.steps), len(roll.frames) // 2)
