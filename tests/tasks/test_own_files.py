"""Every task on files of the user's own, from training to a bundle that predicts."""

import json
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

import recurra
from recurra.errors import BundleError, RecurraError
from recurra.tasks.catalogue import TASKS

from .conftest import TINY, WRITERS, write_rolls, write_sensor, write_series

INPUTS = {
    "image_classification": np.zeros((8, 8), np.uint8),
    "music_generation": "G major",
    "polyphonic_music": write_rolls(Path(mkdtemp())),
    "image_captioning": np.zeros((64, 64, 3), np.uint8),
    "sentiment": "the room was fine",
    "ner": "Ann saw Oslo .",
    "translation": "a red cat",
    "language_model": "The old cat",
    "signal_classification": np.sin(np.arange(16.0)).reshape(8, 2),
    "speech_recognition": (np.zeros(4000, np.float32), 8000),
    "audio_classification": (np.sin(np.arange(3000) / 4).astype(np.float32), 8000),
    "forecasting": str(write_series(Path(mkdtemp()))),
    "anomaly_detection": str(write_sensor(Path(mkdtemp()))),
}


@pytest.mark.parametrize("name", [task.name for task in TASKS])
def test_a_task_trains_on_files_and_its_bundle_predicts_the_same(name: str, tmp_path: Path):
    data, out = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    model = recurra.train(name, data=WRITERS[name](data), out=str(out), **TINY)
    assert model.metrics["train_examples"] > 0
    assert set(model.metrics["baseline"]) <= set(model.metrics["test"])
    again = recurra.load(out)
    short = {} if "max_length" not in model.task.options else {"max_length": 64}
    ours, theirs = (m.predict([INPUTS[name]], **short)[0].asdict() for m in (model, again))
    assert ours == theirs
    json.dumps(ours)
    assert [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    copy = again.save(tmp_path / "copy")
    assert recurra.load(tmp_path / "copy").predict([INPUTS[name]], **short)
    assert copy is None or Path(copy).exists()


@pytest.mark.parametrize("cell", ["minlstm", "slstm", "lru", "mlstm"])
def test_any_cell_trains_in_a_tagger(cell: str, tmp_path: Path):
    data = WRITERS["ner"](tmp_path)
    model = recurra.train("ner", data=data, out=str(tmp_path / "run"), cell=cell, **TINY)
    assert recurra.load(tmp_path / "run").predict(["Ann met Bo ."])[0].tokens == [
        "Ann",
        "met",
        "Bo",
        ".",
    ]
    assert model.recipe.cell == cell


OWN = """
import torch
from typing import NamedTuple
from recurra import Cell
class LeakyState(NamedTuple):
    h: torch.Tensor
class Leaky(Cell[LeakyState]):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.weight = torch.nn.Linear(input_size, hidden_size)
    def initial_state(self, batch):
        return LeakyState(self.zeros(batch, self.hidden_size))
    def step(self, u, state):
        h = (state.h + torch.tanh(self.weight(u))) / 2
        return h, LeakyState(h)
"""


def test_a_bundle_with_a_cell_of_ones_own_is_loaded_by_naming_it_again(tmp_path: Path):
    (tmp_path / "mine.py").write_text(OWN)
    cell, out = f"{tmp_path / 'mine.py'}:Leaky", tmp_path / "run"
    recurra.train("sentiment", data=WRITERS["sentiment"](tmp_path), out=str(out), cell=cell, **TINY)
    with pytest.raises(BundleError, match="holds no code"):
        recurra.load(out)
    assert recurra.load(out, cell=cell).predict(["the room was fine"])
    with pytest.raises(BundleError, match="trained with the cell Leaky"):
        recurra.load(out, cell="gru")


def test_a_folder_that_holds_a_model_is_not_written_over(tmp_path: Path):
    data, out = WRITERS["sentiment"](tmp_path), str(tmp_path / "run")
    recurra.train("sentiment", data=data, out=out, **TINY)
    with pytest.raises(RecurraError, match="holds a model already"):
        recurra.train("sentiment", data=data, out=out, **TINY)
    more = {**TINY, "epochs": 2}
    recurra.train("sentiment", data=data, out=out, resume=True, **more)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("x" * 1_000_000, "1,000,000 characters")],
)
def test_bad_texts_are_refused_in_one_line(text: object, message: str, tmp_path: Path):
    data = WRITERS["sentiment"](tmp_path)
    model = recurra.train("sentiment", data=data, out=str(tmp_path / "run"), **TINY)
    with pytest.raises(RecurraError, match=message):
        model.predict(["fine", text])


def test_sizes_in_a_config_are_believed_only_where_the_weights_have_them(tmp_path: Path):
    out = tmp_path / "run"
    recurra.train("sentiment", data=WRITERS["sentiment"](tmp_path), out=str(out), **TINY)
    config = json.loads((out / "config.json").read_text())
    config["recipe"]["hidden"] = 200_000  # a GRU of this width would take 480 GB
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(BundleError, match="another network's weights"):
        recurra.load(out)
