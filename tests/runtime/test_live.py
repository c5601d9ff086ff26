"""A session of an exported model tells what `recurra.Session` tells."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.errors import BundleError, RecurraError
from recurra.onnx.export import export
from recurra.onnx.folder import DESCRIPTION
from recurra.runtime import Exported
from recurra.tasks.model import Model
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

QUICK = "tags of a path", "letters", "losses"


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Check that answers are equal, numbers to 2 · 10⁻⁵."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        for name, value in other.items():
            close = isinstance(value, dict | float) and not isinstance(value, bool)
            assert one[name] == (pytest.approx(value, abs=2e-5) if close else value)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Model, Path]]:
    """Return what exports the model of a case, once."""

    @cache
    def made(case: str) -> tuple[Model, Path]:
        name, fields, _ = CASES[case]
        folder = tmp_path_factory.mktemp("live")
        given = model(name, folder, **fields)
        export(given, folder / "out", rows=2)
        return given, folder / "out"

    return made


@pytest.mark.parametrize(
    "case",
    [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES],
)
def test_a_session_tells_what_one_of_the_model_does(case: str, exported: Any) -> None:
    (given, folder), (_, _, parts) = exported(case), CASES[case]
    live, session = Exported(folder).live(), Session(given)
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


def test_a_path_that_is_damaged_is_refused(exported: Any, tmp_path: Path) -> None:
    shutil.copytree(exported("tags of a path")[1], tmp_path, dirs_exist_ok=True)
    told = json.loads((tmp_path / DESCRIPTION).read_text())
    for path in (None, {}, {**told["path"], "end": [0.0]}, {**told["path"], "start": "x"}):
        (tmp_path / DESCRIPTION).write_text(json.dumps({**told, "path": path}))
        with pytest.raises(BundleError, match="export it again"):
            Exported(tmp_path).live()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forecasting", "ner"])
def test_what_waits_for_its_end_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    export(model(name, tmp_path), tmp_path / "out", rows=2)
    with pytest.raises(RecurraError, match=r"^[^\n]*(wait|nothing)[^\n]*$"):
        Exported(tmp_path / "out").live()
