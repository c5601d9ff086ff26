"""A model of music is made to play, and what it plays stands beside the test part in figures."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from recurra.errors import RecurraError
from recurra.storage import reason, replace_text
from recurra.tasks.catalogue import refuse
from recurra.tasks.model import Model
from recurra.tasks.pieces.copies import longest_copies
from recurra.tasks.pieces.figures import Copied, Figures
from recurra.tasks.pieces.page import page
from recurra.tasks.pieces.players import PLAYERS, Written
from recurra.tasks.pieces.repeats import endless

MOST = 1_000  # pieces


@dataclass(frozen=True)
class Audition:
    """What was heard.

    Args:
        task: of the model.
        seed: of the sampling.
        written: the pieces, and the answers that hold them as files.
        sets: the figures of what was written, of the test part, and of as many training pieces:
            how far those are from the test part is what a distance is to be measured by.
        copied: of what was written and of the test part, what stands in the training part too.
    """

    task: str
    seed: int
    written: list[Written]
    sets: Mapping[str, Figures]
    copied: Mapping[str, Copied]

    def asdict(self) -> dict[str, Any]:
        """Return plain values: each set's figures, and each piece's own."""
        sets = {}
        for name, figures in self.sets.items():
            far = {} if name == "test" else {"distances": figures.distances(self.sets["test"])}
            found = {"copied": self.copied[name].asdict()} if name in self.copied else {}
            sets[name] = {**figures.asdict(), **far, **found}
        pieces = []
        for number, (piece, _) in enumerate(self.written):
            same = self.copied["written"].same_pitch[number]
            moved = self.copied["written"].transposed[number]
            pieces.append(
                {
                    "from": piece.where,
                    "notes": len(piece.notes),
                    "bars": len(piece.lines) - 1,
                    "cut": piece.cut,
                    "circle": endless(piece),
                    "copied": None if same is None else same._asdict(),
                    "copied_transposed": None if moved is None else moved._asdict(),
                }
            )
        return {"task": self.task, "seed": self.seed, "sets": sets, "pieces": pieces}

    def save(self, folder: str | Path) -> list[Path]:
        """Write the pieces (.mid), `listen.json` and `listen.html` into a folder.

        Returns:
            The pieces' files.
        Raises:
            RecurraError: the disk refused.
        """
        home = Path(folder)
        width = len(str(len(self.written)))
        try:
            home.mkdir(parents=True, exist_ok=True)
            files = [
                one.answer.save(home / f"piece-{number:0{width}}.mid")
                for number, one in enumerate(self.written, 1)
            ]
            replace_text(home / "listen.json", json.dumps(self.asdict(), indent=1) + "\n")
            replace_text(home / "listen.html", page(self.asdict()))
        except OSError as error:
            raise RecurraError(f"{home} cannot be written: {reason(error)}") from error
        return files


def listen(
    model: Model, pieces: int = 50, *, data: str | None = None, seed: int = 0, **decoding: Any
) -> Audition:
    """Have a model of music write pieces, and return them with figures beside the test part's.

    Tunes are asked for in the keys of the test part; where a model goes on with what it is given,
    it is given the openings of test pieces, and what follows is compared with what follows there.

    Args:
        model: of `music_generation` or `polyphonic_music`.
        pieces: how many, at most 1,000.
        data: file or folder, as for `recurra train`, in place of the data that the model was
            trained on: its test part stands beside, its training part may have been copied.
        seed: of the sampling.
        decoding: recipe fields to use instead of the model's own: temperature, top_p, ….
    Raises:
        RecurraError: the model is none of music, a number is out of its range, or the data cannot
            be read.
    """
    name = model.task.name
    if name not in PLAYERS:
        known = " and ".join(PLAYERS)
        raise RecurraError(f"a {name} model plays no music; {known} are listened to")
    if isinstance(pieces, bool) or not isinstance(pieces, int) or not 1 <= pieces <= MOST:
        raise RecurraError(
            f"pieces: received {pieces!r}; allowed is a whole number from 1 to {MOST:,}"
        )
    refuse(model.task, decoding)
    fields = {"seed": seed, **decoding}
    model.recipe.of(model.recipe.asdict(), fields)  # refused before anything is read
    given = {} if data is None else {"data": data, "valid": None, "test": None}
    splits = model.task.read(model.task.recipe.of(model.recipe.asdict(), given))
    if not splits.test:
        raise RecurraError(f"{data or model.recipe.data} has no test part to stand beside")
    player = PLAYERS[name]
    model.network.eval()
    with torch.inference_mode():
        written = player.play(model, splits.test, pieces, seed, decoding)
    own = [one.piece for one in written]
    test = [player.beside(model, row) for row in splits.test]
    corpus = [player.heard(model, row) for row in splits.train]
    drawn = random.Random(seed).sample(splits.train, min(pieces, len(splits.train)))
    train = [player.beside(model, row) for row in drawn]
    copied = {
        side: Copied(longest_copies(found, corpus), longest_copies(found, corpus, transposed=True))
        for side, found in [("written", own), ("test", test)]
    }
    sets = {"written": Figures.of(own), "test": Figures.of(test), "training": Figures.of(train)}
    return Audition(name, seed, written, sets, copied)
