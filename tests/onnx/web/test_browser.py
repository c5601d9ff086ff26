"""A browser says of an evaluation's sample what Python says."""

import base64
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recurra.data.rolls import to_midi
from recurra.onnx import web
from recurra.onnx.export import export
from recurra.serve.models import serve
from recurra.tasks.model import Model
from recurra.tasks.streams.session import Session
from tests.onnx.test_models import model
from tests.onnx.web.opened import opened

pytestmark = [pytest.mark.slow, pytest.mark.unchecked("a graph would hold the checks too")]
Asked = tuple[list[Any], list[Any]]  # what Python is given, and what the page is
FIELDS: dict[str, dict[str, Any]] = {
    "sentiment": {"bag": True, "members": 2},
    "ner": {"bidirectional": False, "output": "softmax"},
    "translation": {"beam": 3, "attention": "additive"},
    "signal_classification": {"bidirectional": False},
    "audio_classification": {"bidirectional": False},
    "speech_recognition": {"beam": 4},
    "image_captioning": {"beam": 2},
    "anomaly_detection": {"calendar": False},
}


def plain(values: np.ndarray) -> Any:
    """Return numbers as JSON has them: null where one is missing."""
    return np.where(np.isnan(values), None, values.astype(object)).tolist()


def texts(rows: Sequence[Any], model: Model) -> Asked:
    """Return texts, or lists of words, as both are given them."""
    given = [getattr(r, "text", None) or getattr(r, "source", None) or r.tokens for r in rows]
    return given, given


def prose(rows: Sequence[Any], model: Model) -> Asked:
    """Return beginnings of texts."""
    given = [row.text[:300].tobytes().decode("utf-8", "ignore") for row in rows]
    return given, given


def keys(rows: Sequence[Any], model: Model) -> Asked:
    """Return keys and modes."""
    return ["G major", "f# minor"], ["G major", "f# minor"]


def pictures(rows: Sequence[Any], model: Model) -> Asked:
    """Return pixels."""
    given = [row.image for row in rows]
    return given, [{"pixels": image.tolist()} for image in given]


def signals(rows: Sequence[Any], model: Model) -> Asked:
    """Return rows of numbers."""
    given = [row.values for row in rows]
    return given, [{"values": plain(one)} for one in given]


def sounds(rows: Sequence[Any], model: Model) -> Asked:
    """Return samples."""
    rate = getattr(model.recipe, "sample_rate", 0)
    samples = [row.samples for row in rows]
    return [(one, rate) for one in samples], [{"samples": one.tolist()} for one in samples]


def tables(rows: Sequence[Any], model: Model) -> Asked:
    """Return the file that the model has learned from."""
    path = Path(str(model.recipe.asdict()["data"]))
    file = base64.b64encode(path.read_bytes()).decode()
    return [path], [{"file": file, "form": "csv"}]


def rolls(rows: Sequence[Any], model: Model) -> Asked:
    """Return a piece as a MIDI file."""
    path = Path(str(model.recipe.asdict()["data"])).parent / "piece.mid"
    path.write_bytes(to_midi(rows[0].frames, 1))
    file = base64.b64encode(path.read_bytes()).decode()
    return [path], [{"file": file, "form": "mid"}]


KINDS: dict[str, Callable[[Sequence[Any], Model], Asked]] = {
    "sentiment": texts,
    "ner": texts,
    "translation": texts,
    "language_model": prose,
    "music_generation": keys,
    "polyphonic_music": rolls,
    "image_classification": pictures,
    "image_captioning": pictures,
    "signal_classification": signals,
    "audio_classification": sounds,
    "speech_recognition": sounds,
    "forecasting": tables,
    "anomaly_detection": tables,
}


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., tuple[Model, Path]]:
    """Return what exports a small model of a task as a page."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, which brings what runs graphs in a browser")

    def made(name: str, **fields: Any) -> tuple[Model, Path]:
        given, folder = (
            model(name, tmp_path, **{**FIELDS.get(name, {}), **fields}),
            tmp_path / "site",
        )
        export(given, web.place(folder, name), rows=8)
        web.write(folder, serve(name, given).describe(), given)
        return given, folder

    return made


@pytest.mark.parametrize("name", KINDS)
def test_answers_are_those_of_the_model(name: str, site: Any) -> None:
    given, folder = site(name)
    mine, theirs = KINDS[name](list(given.asked(None)[1])[:12], given)
    options: dict[str, Any] = {"temperature": 0} if "music" in name else {}
    if name == "music_generation":
        options["max_length"] = 40
    if given.task.write is not None and name != "music_generation":
        options = {"max_length": 30}
    with opened(folder) as page:
        found = page.evaluate("given => backend.predict(...given)", [name, theirs, options])
    wanted = [one.asdict() for one in given.predict(mine, **options)]
    for one, other in zip(found, wanted, strict=True):
        own = (
            "signal",
            "piece",
            "path",
            "midi",
            "notes",
        )  # what a file is called, and more than Python tells
        told = [key for key in own if key in one and (key != "notes" or key not in other)]
        same(one, {**other, **{key: one[key] for key in told}})


def same(found: Any, wanted: Any) -> None:
    """Check that two answers are equal, numbers to 10⁻⁴."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            same(found[key], wanted[key])
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-4, rel=1e-4)
    else:
        assert found == wanted


STREAM = """async ([name, frames]) => {
    const said = [], stream = await backend.stream(name, {}, { answer: (one) => said.push(one) });
    for (const frame of frames) await stream.send([frame]);
    await stream.send([], { end: true });
    return said;
}"""


@pytest.mark.parametrize("name", ["ner", "signal_classification"])
def test_a_stream_ends_with_what_is_said_of_the_whole(name: str, site: Any) -> None:
    given, folder = site(name)
    mine, (theirs,) = KINDS[name](list(given.asked(None)[1])[:1], given)
    frames = [[word] for word in theirs] if name == "ner" else theirs["values"]
    with opened(folder) as page:
        said = page.evaluate(STREAM, [name, frames])
        again = page.evaluate(STREAM, [name, frames])
    (whole,) = given.predict(mine)
    answers = [answer for message in said for answer in message["answers"]]
    assert [answer["step"] for answer in answers] == [*range(1, len(frames) + 1)]
    if name == "ner":
        assert [(one["word"], one["tag"]) for one in answers] == [
            *zip(mine[0], whole.tags, strict=True)
        ]
    else:
        same(answers[-1]["probabilities"], whole.probabilities)
    assert again == said


def test_a_stream_of_a_path_is_that_of_a_session(site: Any) -> None:
    given, folder = site("ner", output="crf", lookahead=2)
    frames = ["Anna li", "ves in Par", "is. Bob ", "met her in Rome", ["today", "and"], " again"]
    with opened(folder) as page:
        said = page.evaluate(STREAM, ["ner", frames])
    session = Session(given)
    wanted = [session.push(frame) for frame in frames] + [session.end()]
    assert [message["answers"] for message in said] == wanted


@pytest.mark.parametrize("output", ["joint", "independent"])
def test_a_stream_of_keys_is_that_of_a_session(output: str, site: Any) -> None:
    given, folder = site("polyphonic_music", output=output)
    frames = [[60, 64, 67], [], [21, 108], [62, 65, 69, 72]]
    with opened(folder) as page:
        said = page.evaluate(STREAM, ["polyphonic_music", frames])
        wrong = page.evaluate(STREAM, ["polyphonic_music", [[20]]])
    session = Session(given)
    wanted = [answer for frame in frames for answer in session.push(frame)]
    found = [answer for message in said for answer in message["answers"]]
    assert sum(len(one["likely"]) for one in wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one["step"] == other["step"]
        same(sorted(one["likely"]), sorted(other["likely"]))
    assert "MIDI numbers from 21 to 108" in wrong[0]["error"]


GENERATE = """async ([name, prompt, options]) => {
    const parts = [], onPart = (part) => parts.push(part);
    const answer = await backend.generate(name, prompt, options, onPart);
    return [parts, answer];
}"""


def test_a_text_is_told_as_it_is_written(site: Any) -> None:
    given, folder = site("language_model")
    prompt, options = (
        prose(given.asked(None)[1], given)[0][0][:20],
        {"temperature": 0, "max_length": 50},
    )
    with opened(folder) as page:
        parts, answer = page.evaluate(GENERATE, ["language_model", prompt, options])
    (wanted,) = given.write([prompt], **options)
    assert answer == wanted.asdict()
    assert "".join(parts) == wanted.text
    assert len(parts) > 1


def test_what_cannot_be_answered_has_an_error_in_its_place(site: Any) -> None:
    _, folder = site("sentiment")
    with opened(folder) as page:
        ask = "([name, ...given]) => backend.predict(name, given).catch((error) => error.message)"
        found = page.evaluate(ask, ["sentiment", "", "a \ud800", 7, "a film", "a" * 100_001])
        missing = page.evaluate(ask, ["other", "a"])
    assert ["error" in one for one in found] == [True, True, True, False, True]
    assert "there is no model other" in missing
