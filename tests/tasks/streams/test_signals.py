"""Signals that come row by row: a stream tells what `predict` tells of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.errors import RecurraError
from recurra.tasks.model import Model
from recurra.tasks.streams.session import Session

from .made import cuts, heard, made, of_file, refuses, same, size

CAUSAL: list[dict[str, Any]] = [
    {"pool": "mean"},
    {"lookahead": 2, "pool": "attention"},
    {"placement": "beside", "pool": "last"},
    {"convolutions": 0, "lookahead": 1, "pool": "mean"},
    {"cell": "slstm", "pool": "max", "layers": 2},
]


def wave(rows: int = 17) -> np.ndarray:
    drawn = np.random.default_rng(1).normal([0, 10], [1, 3], (rows, 2))
    return drawn.astype(np.float32).astype(np.float64)


def of_steps(folder: Path, *, holes: bool = False, **fields: Any) -> Model:
    """Return a model that labels each row of a table."""
    drawn = np.random.default_rng(0).normal(size=(240, 2))
    lines = ["series,heat,flow,label"]
    for i, (heat, flow) in enumerate(drawn):
        told = "" if holes and i % 7 == 0 else f"{heat:.3f}"
        lines.append(f"{i // 12},{told},{flow:.3f},{'up' if flow > 0 else 'down'}")
    path = folder / "steps.csv"
    path.write_text("\n".join(lines) + "\n")
    return of_file("signal_classification", str(path), **fields)


@pytest.mark.parametrize("fields", CAUSAL)
def test_the_label_of_a_signal_so_far(tmp_path: Path, fields: dict[str, Any]):
    model = made("signal_classification", tmp_path, **fields)
    x = wave()
    rows = x.tolist()
    whole = heard(model, rows)
    single = x.astype(np.float32)
    for pieces in ([single], [single.ravel()], cuts(single, 1), cuts(single, 2)):
        assert same(heard(model, pieces), whole)
    (answer,) = model.predict([x])
    assert len(whole) == len(x)
    assert whole[-1]["label"] == answer.label
    for label, told in answer.heard.items():
        assert [one["probabilities"][label] for one in whole] == pytest.approx(told, abs=1e-5)


@pytest.mark.parametrize("fields", [{}, {"lookahead": 2}])
@pytest.mark.parametrize("holes", [False, True])
def test_the_label_of_each_step(tmp_path: Path, fields: dict[str, Any], holes: bool):
    model = of_steps(tmp_path, holes=holes, **fields)
    x = wave()
    if holes:
        x[[3, 4, 9], 0] = np.nan
    rows = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
    whole = heard(model, rows)
    single = x.astype(np.float32)
    assert same(heard(model, [single]), whole)
    assert same(heard(model, cuts(single, 2)), whole)
    (answer,) = model.predict([x])
    assert [one["label"] for one in whole] == answer.labels
    assert [one["step"] for one in whole] == list(range(1, len(x) + 1))
    for label, told in answer.probabilities.items():
        assert [one["probabilities"][label] for one in whole] == pytest.approx(told, abs=1e-5)


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    session = Session(made("signal_classification", tmp_path, lookahead=2))
    session.push(wave().astype(np.float32))
    before = size(session.memory)
    session.push(wave(300).astype(np.float32))
    assert size(session.memory) == before


def test_a_session_begins_anew_after_its_end(tmp_path: Path):
    session = Session(made("signal_classification", tmp_path, lookahead=2))
    told = [session.push(wave().tolist()[0]) + session.end() for _ in range(2)]
    assert told[0] == told[1]


def test_wrong_frames_change_nothing(tmp_path: Path):
    wrong: list[Any] = [
        *(None, 1.0, "1,2", {}, [], [1.0], [1.0, 2.0, 3.0], [1.0, None], [1.0, True]),
        *([1.0, "2"], [1.0, [2.0]], [1.0, float("nan")], [1.0, float("inf")], [1.0, 10**400]),
        *([1.0, 1e300], np.zeros(3, np.float32), np.zeros((2, 3), np.float32)),
        *(np.zeros(2, np.int64), np.array([1, np.inf], np.float32), np.array([], np.float32)),
        *(np.array(["a", "b"]), np.zeros((1, 1, 2), np.float32), [1.0] * 1_000_002),
    ]
    refuses(made("signal_classification", tmp_path), wrong, [1.0, 2])


def test_a_model_that_cannot_stream_says_why(tmp_path: Path):
    model = made("signal_classification", tmp_path, scale="series")
    with pytest.raises(RecurraError, match="--scale training"):
        Session(model)
    (tmp_path / "both").mkdir()
    model = made("signal_classification", tmp_path / "both", bidirectional=True)
    with pytest.raises(RecurraError, match="--no-bidirectional"):
        Session(model)
