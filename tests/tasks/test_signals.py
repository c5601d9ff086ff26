"""Signals: what is said as they are heard, labels per step, files of many, missing numbers."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.cli import main
from recurra.codecs.heard import SignalPrediction, settled_at
from recurra.data.readers.signal import Signal
from recurra.data.samples import vowels
from recurra.errors import DataError, MissingExtra, RecurraError
from recurra.streaming import Stream
from recurra.tasks.model import Model
from recurra.tasks.run import complete
from recurra.tasks.signal_classification import SIGNAL_CLASSIFICATION, evaluate

from .conftest import TINY, write_signals


def train(folder: Path, data: str, **fields: Any) -> Model:
    return recurra.train("signal_classification", data=data, out=str(folder), **{**TINY, **fields})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("signals")
    return train(folder / "run", write_signals(folder))


def steps_csv(path: Path, series: int = 20) -> Path:
    """Write series whose label is 'high' where the value is."""
    random = np.random.default_rng(0)
    lines = ["id,time,v,label"]
    for i in range(series):
        level = False
        for t in range(8 + i % 5):
            level ^= bool(random.random() < 0.3)
            lines.append(
                f"s{i},{t},{3 * level + random.normal(0, 0.2):.3f},{'high' if level else 'low'}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("lookahead", [0, 2])
def test_what_is_heard_is_what_a_stream_says_frame_by_frame(
    pool: str, lookahead: int, model: Model
) -> None:
    recipe = complete(model.task, {**TINY, "data": "x", "pool": pool, "lookahead": lookahead})
    torch.manual_seed(1)
    network: Any = model.task.build(model.codec, recipe)
    for norm in (part for part in network.modules() if isinstance(part, torch.nn.BatchNorm1d)):
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)  # as after some training
    network.eval()
    x = torch.randn(2, 9, 2)
    lengths = torch.tensor([9, 6])
    with torch.inference_mode():
        heard = network.heard(x, lengths)
        stream, told = Stream(network.body, 2), []
        said = [[], []]
        flush = [*x.unbind(1), *[torch.zeros(2, 2)] * lookahead]
        for t, frame in enumerate(flush):
            y = torch.as_tensor(stream.step(frame.contiguous()))
            if t >= lookahead:
                told.append(y)
                logits = network.head(network.pool(torch.stack(told, 1)))
                for row in range(2):
                    said[row].append(logits[row])
        for row, n in enumerate([9, 6]):
            until = n - lookahead  # later steps are heard with what follows, or with silence
            torch.testing.assert_close(
                torch.stack(said[row][:until]), heard[row, :until], rtol=1e-4, atol=1e-5
            )
            whole = network(x[row : row + 1, :n])[0]
            torch.testing.assert_close(heard[row, n - 1], whole, rtol=1e-4, atol=1e-5)


def test_an_answer_says_since_when_it_stands(model: Model) -> None:
    rows = model.task.read(model.recipe).test
    for row, answer in zip(rows, model.predict([one.values for one in rows]), strict=True):
        likeliest = [
            max(answer.heard, key=lambda k, t=t: answer.heard[k][t]) for t in range(len(row.values))
        ]
        assert likeliest[-1] == answer.label
        changes = [t + 1 for t in range(1, len(likeliest)) if likeliest[t] != likeliest[t - 1]]
        assert answer.since == (changes[-1] if changes else 1)
        for t in (2, len(row.values) - 1):  # as if the signal ended there
            (cut,) = model.predict([row.values[: t + 1]])
            for label, p in cut.probabilities.items():
                assert answer.heard[label][t] == pytest.approx(p, abs=1e-5)
    assert [settled_at(run) for run in ([1], [0, 1], [1, 0, 1, 1], [1, 1])] == [1, 2, 3, 1]


def test_what_waits_for_the_end_says_nothing_before(model: Model, tmp_path: Path) -> None:
    row = model.task.read(model.recipe).test[0].values
    for name, fields in [("both", {"bidirectional": True}), ("own", {"scale": "series"})]:
        other = train(tmp_path / name, str(model.recipe.data), **fields)
        (answer,) = other.predict([row])
        assert answer.since is None
        assert answer.heard is None
        assert "since" not in str(answer)
    network: Any = recurra.load(tmp_path / "both").network
    with pytest.raises(RecurraError, match="Stack waits for the end of a sequence"):
        network.heard(torch.zeros(1, 3, 2))


def test_a_file_of_many_signals_has_one_answer_that_holds_them_all(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(model.recipe.data)
    alone = model.predict(
        [
            one.values
            for one in model.task.read(complete(model.task, {"data": data, "test": data})).test
        ]
    )
    (whole,) = model.predict([data])
    assert len(whole.signals) == 30
    for one, other in zip(whole.signals, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert [one.signal for one in whole.signals][:2] == [f"{data}:6", f"{data}:7"]
    counts = {label: sum(one.label == label for one in whole.signals) for label in "ab"}
    assert str(whole).startswith("30 signals; signals: ")
    assert all(f"{label} {count}" in str(whole) for label, count in counts.items() if count)
    out = tmp_path / "answers.csv"
    assert main(["predict", str(model.recipe.out), data, "--out", str(out)]) == 0
    with out.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["label"] for line in lines] == [one.label for one in whole.signals]
    assert float(lines[3]["a"]) == pytest.approx(whole.signals[3].probabilities["a"], abs=1e-6)
    assert json.loads(whole.save(tmp_path / "all.json").read_text())["file"] == data
    assert main(["predict", str(model.recipe.out), data, "--out", str(tmp_path / "a.png")]) == 2
    assert "these answers are written as .csv, .json" in capsys.readouterr().err


def test_labels_of_steps_are_learned_told_and_measured(tmp_path: Path) -> None:
    path = steps_csv(tmp_path / "steps.csv")
    model = train(tmp_path / "run", str(path), learning_rate=0.02, convolutions=0, epochs=15)
    rows = model.task.read(model.recipe).test
    again = recurra.load(tmp_path / "run")
    answers = again.predict([row.values for row in rows])
    right = [
        a == b
        for one, row in zip(answers, rows, strict=True)
        for a, b in zip(one.labels, row.steps, strict=True)
    ]
    assert model.metrics["test"]["accuracy"] == pytest.approx(np.mean(right))
    logs = [
        -np.log(one.probabilities[label][t])
        for one, row in zip(answers, rows, strict=True)
        for t, label in enumerate(row.steps)
    ]
    assert model.metrics["test"]["loss"] == pytest.approx(np.mean(logs), rel=1e-4)
    seen = [y for row in model.task.read(model.recipe).train for y in row.steps]
    usual = max(set(seen), key=seen.count)
    asked = [y for row in rows for y in row.steps]
    assert model.metrics["baseline"]["accuracy"] == pytest.approx(asked.count(usual) / len(asked))
    assert np.mean(right) > 0.8
    (file,) = again.predict([str(path)])
    assert len(file.signals) == 20
    with file.save(tmp_path / "steps.out.csv").open(newline="") as lines:
        table = list(csv.DictReader(lines))
    assert len(table) == sum(len(one.labels) for one in file.signals)
    assert {line["step"] for line in table} >= {"1", "12"}
    short = train(tmp_path / "short", str(path), max_length=10)
    with pytest.raises(DataError, match=r"input 1: has 12 steps; 10 are read \(max_length\)"):
        short.predict([np.zeros((12, 1))])


def test_what_is_measured_has_the_model_s_kind_of_labels(model: Model, tmp_path: Path) -> None:
    steps = Signal(np.zeros((3, 2)), model.codec.channels, "", ["a", "a", "b"], "f.csv:2")
    with pytest.raises(
        DataError, match=r"f.csv:2: has 2 labels in one series; this model gives one"
    ):
        evaluate(model.network, model.codec, [steps], model.recipe)
    same = steps._replace(steps=["a", "a", "a"])
    whole = steps._replace(label="a", steps=[])
    measured = [evaluate(model.network, model.codec, [one], model.recipe) for one in (same, whole)]
    assert measured[0] == measured[1]
    with pytest.raises(DataError, match=r"f.csv:2: label 'z' is unknown to this model: a, b"):
        evaluate(model.network, model.codec, [whole._replace(label="z")], model.recipe)


def test_missing_numbers_are_marked_where_the_training_part_has_some(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="input 1: lacks a number in step 2 of channel 1, and the"):
        model.predict([np.array([[1, 2], [np.nan, 3]])])
    text = Path(str(model.recipe.data)).read_text()
    path = tmp_path / "gaps.ts"
    header, rows = text.splitlines()[:5], text.splitlines()[5:]
    gaps = [re.sub(r"^[^,]+", "?", row) for row in rows]  # the first number of each
    path.write_text("\n".join([*header, *gaps]) + "\n")
    other = train(tmp_path / "run", str(path))
    assert "missing numbers are read as the mean" in capsys.readouterr().err
    values = np.array([[1.0, np.nan], [np.nan, 20], [3, 5]])
    x, _ = other.codec.encode(Signal(values, other.codec.channels, "a", [], ""))
    assert x[:, 2:].tolist() == [[1, 0], [0, 1], [1, 1]]
    assert x[0, 1] == x[1, 0] == 0
    assert recurra.load(tmp_path / "run").predict([values])[0].probabilities


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((4, 3)), "input 1: has 3 channels; this model reads 2: channel 1, channel 2"),
        (np.zeros(4), "input 1: has 1 channel; this model reads 2"),
        (np.zeros((0, 2)), r"input 1 is \[0, 2\]; give \[time channels\]"),
        (np.full((2, 2), np.inf), "input 1 holds a value that is infinite"),
        (np.array([["a", "b"]]), "input 1 is a ndarray; give a file of signals, or an array"),
        (" ", "input 1 is empty"),
        ("nowhere.csv", "nowhere.csv: is missing"),
    ],
)
def test_inputs_that_are_wrong_are_refused(given: Any, message: str, model: Model) -> None:
    with pytest.raises(RecurraError, match=message):
        model.predict([given])


def test_all_equal_values_and_cut_signals_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"s{i},{t},{i % 2 + i / 99},7,{'xy'[i % 2]}" for i in range(20) for t in range(5)]
    path.write_text("\n".join(["id,time,v,w,label", *rows]) + "\n")
    recipe = complete(SIGNAL_CLASSIFICATION, {"data": str(path), "max_length": 4})
    splits = SIGNAL_CLASSIFICATION.read(recipe)
    codec = SIGNAL_CLASSIFICATION.fit(splits.train, recipe)
    told = capsys.readouterr().err
    assert "all values of w are equal, and tell nothing" in told
    assert "16 of 16 signals are cut at 4 steps (--max-length)" in told
    assert not codec.encode(splits.test[0])[0][:, 1].any()


def test_the_scale_is_that_of_the_training_part_alone(model: Model) -> None:
    splits = model.task.read(model.recipe)
    both = np.concatenate([one.values for one in splits.train])
    np.testing.assert_allclose(model.codec.scale.mean, both.mean(0))
    np.testing.assert_allclose(model.codec.scale.deviation, both.std(0))


def test_vowels_are_of_the_archive_s_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = complete(SIGNAL_CLASSIFICATION, {})
    one, again, other = (
        vowels.load(complete(SIGNAL_CLASSIFICATION, {"seed": s})) for s in (0, 0, 1)
    )
    assert [len(part) for part in one.parts] == [243, 27, 370]
    assert {row.values.shape[1] for part in one.parts for row in part} == {12}
    lengths = {len(row.values) for part in one.parts for row in part}
    assert (min(lengths), max(lengths)) == (7, 29)
    assert sorted(row.label for row in one.valid) == sorted("123456789" * 3)
    assert not set(one.digests[0]) & {*one.digests[1], *one.digests[2]}
    assert one.digests == again.digests
    assert one.digests[0] != other.digests[0]
    assert one.digests[1:] == other.digests[1:]
    monkeypatch.setattr(vowels, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"the vowels sample needs aeon: pip install"):
        vowels.load(recipe)


def test_a_prediction_is_one_line() -> None:
    answer = SignalPrediction("a.csv", "up", 0.75, {"up": 0.75}, 3, {"up": [0.1] * 9})
    assert str(answer) == "up            75.0%   since step 3 of 9   a.csv"
