"""Rows of the fields that say how speech is transcribed."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recurra.data.readers.transcripts import Utterance
from recurra.errors import DataError
from recurra.layers import FrameStack
from recurra.tasks.run import complete
from recurra.tasks.task import Task
from recurra.topologies import CTC
from tests.data.sounds import tone
from tests.data.sounds import write as write_sound

from .conftest import Lab, Seen
from .table import proves

NAME = "speech_recognition"
NEVER = -1e4


def utterances(*texts: str, seconds: float = 1.0) -> list[Utterance]:
    samples = np.random.default_rng(0).standard_normal(round(16000 * seconds)) / 10
    return [Utterance(samples.astype(np.float32), text, "", "x:1") for text in texts]


@proves("path_column text_column", NAME)
def test_columns_of_a_manifest_are_the_ones_named(task: Task, tmp_path: Path):
    rows = ["path,text,other,notes"]
    for i in range(20):
        write_sound(tmp_path / f"a{i}.wav", tone(0.5, 300 + 20 * i))
        write_sound(tmp_path / f"b{i}.wav", tone(0.7, 300 + 20 * i))
        rows.append(f"a{i}.wav,said {i},b{i}.wav,noted {i}")
    (tmp_path / "all.csv").write_text("\n".join(rows) + "\n")
    for path, text in [("path", "text"), ("other", "notes"), ("3", "4")]:
        recipe = complete(
            task, {"data": str(tmp_path / "all.csv"), "path_column": path, "text_column": text}
        )
        found = task.read(recipe).train
        assert {len(row.samples) for row in found} == {8000 if path == "path" else 11200}
        assert {row.text.split()[0] for row in found} == {"said" if text == "text" else "noted"}


@proves("units lowercase vocabulary", NAME)
def test_units_are_what_transcripts_are_written_in(task: Task, lab: Lab):
    rows = utterances("One two", "two Three", "TWO")

    def learned(**fields: Any) -> list[str]:
        recipe = lab.recipe(task, **fields)
        codec = task.fit(rows, recipe)
        network = task.build(codec, recipe)
        scores = network(codec.collate([codec.encode(rows[0])]).x)
        assert scores.shape[2] == len(codec.units.names)
        return sorted(codec.units.names[4:])

    assert learned(units="characters") == sorted(set("One two two Three TWO"))
    assert learned(units="words") == ["One", "TWO", "Three", "two"]
    assert learned(units="words", lowercase=True) == ["one", "three", "two"]
    assert learned(units="words", vocabulary=5) == ["two"]
    assert len(learned(units="subwords", vocabulary=12)) == 8
    assert "\u2581two" in learned(units="subwords", vocabulary=40, lowercase=True)


@proves("max_length", NAME)
def test_recordings_longer_than_max_length_are_refused(task: Task, lab: Lab):
    longest = max(len(row.samples) for row in lab.splits(task).train) / 160
    fits, short = (lab.recipe(task, max_length=round(longest) + more) for more in (1, -10))
    assert task.read(fits).train
    with pytest.raises(DataError, match="at most"):
        task.read(short)
    skipping = lab.recipe(task, max_length=round(longest) - 10, skip_bad_rows=True)
    assert task.read(skipping).skipped > 0


@proves("subsample", NAME)
def test_subsample_is_how_many_hops_make_a_step(task: Task, lab: Lab):
    rows = lab.splits(task).train[:6]
    for size in (1, 4):
        recipe = lab.recipe(task, subsample=size)
        codec = task.fit(rows, recipe)
        network = task.build(codec, recipe)
        x, _ = codec.encode(rows[0])
        assert x.shape == (-(-len(rows[0].samples) // (160 * size)), 160 * size)
        (stack,) = [module for module in network.modules() if isinstance(module, FrameStack)]
        assert stack.size == size
        seen = Seen(body=network.body)
        network.loss(codec.collate([codec.encode(row) for row in rows]))
        assert seen.x["body"][0][0].shape[1] == max(len(codec.encode(row)[0]) for row in rows)


class Unsure(CTC):
    """Hears a or b in the first frame; perhaps a blank between words; and a in the fifth."""

    def __init__(self, names: list[str], scores: list[tuple[int, str, float]]) -> None:
        nn.Module.__init__(self)  # there is no body
        self.table = nn.Parameter(torch.full((5, len(names)), NEVER))
        self.body = SimpleNamespace(delay=0)
        with torch.no_grad():
            self.table[:, 0] = 0.0
            for frame, name, p in scores:
                self.table[frame, names.index(name)] = math.log(p)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.table.expand(len(x), -1, -1)


def text(task: Task, lab: Lab, scores: list[tuple[int, str, float]], **fields: Any) -> str:
    recipe = lab.recipe(task, **fields)
    codec = task.fit(utterances("a b"), recipe)
    network = Unsure(codec.units.names, scores)
    silence = np.zeros(5 * codec.frame), codec.rate
    (answer,) = task.predict(network, codec, [silence], recipe)
    return str(answer.text)


@proves("beam", NAME)
def test_beam_adds_up_the_alignments_that_the_best_path_does_not(task: Task, lab: Lab):
    faint = [(0, "a", 0.8), (1, "a", 0.8)]  # each frame is blank by 1 : 0.8, both by 1 : 2.24
    assert text(task, lab, faint, beam=1) == ""
    assert text(task, lab, faint, beam=4) == "a"


class Opinion(nn.Module):
    """A language model in whose texts a b is nine times as likely as an a."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([0.1, 0.1, 1.0, 9.0, 1.0]).log())

    def start(self, context: Tensor) -> Tensor:
        return torch.zeros(1, 1)

    def advance(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits.expand(len(token), -1), state


class Letters:
    """Its units: a, b and the blank between words are 2, 3 and 4."""

    name = "characters"

    def encode(self, text: bytes) -> np.ndarray:
        return np.array(["ab ".index(letter) + 2 for letter in text.decode()])


@proves("lm lm_weight word_bonus", NAME)
def test_a_language_model_is_asked_by_its_weight_and_words_are_rewarded(
    task: Task, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def load(folder: str) -> Any:
        asked.append(folder)
        named, codec = SimpleNamespace(name="language_model"), SimpleNamespace(units=Letters())
        return SimpleNamespace(task=named, codec=codec, network=Opinion())

    monkeypatch.setattr("recurra.tasks.model.load", load)
    either = [(0, "a", 300.0), (0, "b", 100.0)]
    assert text(task, lab, either, beam=4) == "a"
    assert not asked
    assert text(task, lab, either, beam=4, lm="there", lm_weight=0.1) == "a"
    assert text(task, lab, either, beam=4, lm="there", lm_weight=1.0) == "b"
    assert asked == ["there", "there"]
    parted = [(0, "a", 300.0), (2, " ", 0.3), (4, "a", 300.0)]
    assert text(task, lab, parted, beam=4) == "aa"
    assert text(task, lab, parted, beam=4, word_bonus=1.0) == "aa"
    assert text(task, lab, parted, beam=4, word_bonus=2.0) == "a a"


@proves("embedding", NAME)
def test_embedding_is_the_width_of_a_steps_features(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    seen = Seen(body=network.body)
    network.loss(lab.batch(task))
    assert seen.x["body"][0][0].shape[2] == network.body.input_size == 13
