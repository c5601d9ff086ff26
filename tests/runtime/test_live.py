"""A session of an exported model tells what `recurra.Session` tells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.errors import BundleError, RecurraError
from recurra.onnx.export import export
from recurra.onnx.folder import DESCRIPTION
from recurra.runtime import Exported
from recurra.tasks.streams.session import Session
from tests.onnx.test_models import model

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")
WORDS = ["Anna li", "ves in Par", "is. Bob ", "met her at the U.N", ". in Rome", " today"]
ONE_WAY = {"bidirectional": False, "lookahead": 2}
SOUND = np.random.default_rng(0).normal(scale=0.1, size=9000).astype(np.float32)
ROWS = [[float(i % 5), None if i == 3 else 0.1 * i] for i in range(9)]
CASES: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "words": ("sentiment", ONE_WAY, WORDS),
    "tags": ("ner", {**ONE_WAY, "output": "softmax"}, [*WORDS, ["two", "words"]]),
    "tags of a path": ("ner", {"bidirectional": False, "output": "crf"}, WORDS),
    "units": ("language_model", {"unit": "words"}, WORDS),
    "letters": ("language_model", {"unit": "characters"}, WORDS),
    "speech": ("speech_recognition", {"bidirectional": False}, [SOUND[:70], SOUND[70:]]),
    "sounds": ("audio_classification", ONE_WAY, [SOUND[:7].tolist(), SOUND[7:2000]]),
    "errors": ("anomaly_detection", {"calendar": False, "surprise": "error"}, ROWS),
    "losses": ("anomaly_detection", {"calendar": False, "surprise": "likelihood"}, ROWS),
}


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Check that answers are equal, numbers to 2 · 10⁻⁵."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for name, value in other.items():
            close = isinstance(value, dict | float) and not isinstance(value, bool)
            assert one[name] == (pytest.approx(value, abs=2e-5) if close else value)


@pytest.mark.parametrize("case", CASES)
def test_a_session_tells_what_one_of_the_model_does(case: str, tmp_path: Path) -> None:
    name, fields, parts = CASES[case]
    given = model(name, tmp_path, **fields)
    export(given, tmp_path / "out", rows=2)
    live, session = Exported(tmp_path / "out").live(), Session(given)
    parts = [part[: len(given.codec.names)] for part in parts] if parts is ROWS else parts
    for _ in range(2):  # it begins anew
        told = 0
        for part in parts:
            found, wanted = live.step(part), session.push(part)
            same(found, wanted)
            told += len(found)
        with pytest.raises(RecurraError, match="a frame"):
            live.step({"strange": 1})
        found, wanted = live.end(), session.end()
        same(found, wanted)
        assert told + len(found)


def test_a_path_that_is_damaged_is_refused(tmp_path: Path) -> None:
    given = model("ner", tmp_path, bidirectional=False, output="crf")
    export(given, tmp_path, rows=2)
    told = json.loads((tmp_path / DESCRIPTION).read_text())
    for path in (None, {}, {**told["path"], "end": [0.0]}, {**told["path"], "start": "x"}):
        (tmp_path / DESCRIPTION).write_text(json.dumps({**told, "path": path}))
        with pytest.raises(BundleError, match="export it again"):
            Exported(tmp_path).live()


@pytest.mark.parametrize("name", ["forecasting", "ner"])
def test_what_waits_for_its_end_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    export(model(name, tmp_path), tmp_path / "out", rows=2)
    with pytest.raises(RecurraError, match=r"^[^\n]*(wait|nothing)[^\n]*$"):
        Exported(tmp_path / "out").live()
