"""The demo's page and drawings, on models that are stand-ins: the whole demo takes minutes."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recurra.data.readers.sound import Wanted, load
from recurra.data.readers.text import Rows
from recurra.demo import clear, result
from recurra.demo.drawings import LAYOUTS, draw
from recurra.demo.page import Section, page
from recurra.demo.showcases import SHOWCASES
from recurra.errors import RecurraError
from recurra.reports.drawings import heat
from recurra.tasks.audio_classification import AudioRecipe
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.codecs.prose import ScoredText, WrittenText
from recurra.tasks.codecs.sounds import SoundPrediction
from recurra.tasks.codecs.speech import Transcript, Word
from recurra.tasks.codecs.tags import TagPrediction
from recurra.tasks.codecs.tunes import longest_copy
from recurra.tasks.model import Model

METRICS = {
    "metric": "span_f1",
    "test": {"span_f1": 0.75, "loss": 9.0},
    "baseline": {"span_f1": 0.25, "loss": 8.0},
    "train_examples": 11,
    "test_examples": 7,
    "seconds": 1.5,
}


class Stand(SimpleNamespace, Model):
    """A model of a task whose parts are given."""

    def __init__(self, name: str, answer: Any, **parts: list[Any]) -> None:
        splits = SimpleNamespace(**parts)
        task = SimpleNamespace(name=name, type=find(name).type, read=lambda _: splits)
        super().__init__(task=task, recipe=None, metrics=METRICS, answer=answer, asked=[])

    def predict(self, inputs: list[Any]) -> list[Any]:
        self.asked += inputs
        return [self.answer(one) for one in inputs]


def test_a_line_of_results_is_of_the_test_part() -> None:
    line = result(Stand("ner", None))
    assert line["metric"] == "span_f1"
    assert (line["value"], line["baseline"]) == (0.75, 0.25)
    assert (line["train_examples"], line["test_examples"]) == (11, 7)


def test_the_page_has_a_section_for_each_task() -> None:
    sections = [
        Section(task, result(Stand(task.name, None)), f"<p>{task.name}!</p>") for task in TASKS
    ]
    text = page(sections)
    for task in TASKS:
        assert f'<section id="{task.name}">' in text
        assert f"<p>{task.name}!</p>" in text
    assert text.count('<span class="score">0.75</span>') == len(TASKS)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_only_a_folder_of_an_earlier_demo_is_cleared(tmp_path: Path) -> None:
    clear(tmp_path / "new")
    (tmp_path / "new" / "page").touch()
    clear(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".recurra-demo"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(RecurraError, match="not a demo's folder"):
        clear(tmp_path / "mine")


def test_recordings_have_their_words_where_they_were_heard(tmp_path: Path) -> None:
    def row(text: str, size: int) -> Any:
        return SimpleNamespace(samples=np.ones(size, np.float32), text=text, where="there:<1>")

    def answer(given: tuple[np.ndarray, int]) -> Any:
        seconds = len(given[0]) / given[1]
        words = [Word("one", 0.2, 0.4, 0.9), Word("<two>", 0.5, 1.0, 0.8)]
        return Transcript("", "one <two>", words, 0.7, seconds, 0.0)

    model = Stand(
        "speech_recognition",
        answer,
        train=[row("no", 1)],
        test=[row("one <two>", 8000), row("two", 16000)],
    )
    model.recipe = SimpleNamespace(asdict=lambda: {"sample_rate": 8000})
    text = SHOWCASES["speech_recognition"](model, tmp_path)
    assert [len(samples) for samples, _ in model.asked] == [8000, 16000]
    assert text.count('class="right">one &lt;two&gt;<') == 1
    assert text.count('class="wrong">one &lt;two&gt;<') == 1
    assert "said: two; there:&lt;1&gt;" in text
    first, second = text.split("<svg")[1:]
    assert 'x="128.0" y="0"' in first  # 0.2 of 1 second, 640 wide
    assert 'width="320.0"' in first
    assert 'x="64.0" y="0"' in second
    assert text.count("<audio") == 2


def test_digits_are_of_the_test_part_and_marked_right_or_wrong(tmp_path: Path) -> None:
    def row(label: str, ink: int) -> Any:
        return SimpleNamespace(image=np.full((8, 8, 1), ink, np.uint8), label=label)

    def answer(image: np.ndarray) -> Any:
        return SimpleNamespace(label="3", probability=0.5)

    model = Stand(
        "image_classification", answer, train=[row("3", 9)], test=[row("3", 1), row("4", 2)]
    )
    shown = SHOWCASES["image_classification"](model, tmp_path)
    assert [int(image[0, 0, 0]) for image in model.asked] == [1, 2]
    assert (shown.count('class="right"'), shown.count('class="wrong"')) == (1, 1)


def test_entities_are_marked_and_nothing_is_markup(tmp_path: Path) -> None:
    def answer(tokens: list[str]) -> Any:
        return TagPrediction(tokens, [], [("<b> Ann", "PER", 0, 1)])

    rows = [SimpleNamespace(tokens=["<b>", "Ann", "ran"])]
    shown = SHOWCASES["ner"](Stand("ner", answer, train=[], test=rows), tmp_path)
    assert "&lt;b&gt; Ann<small>PER</small></mark> ran" in shown
    assert "<b>" not in shown


def test_a_text_is_coloured_by_its_surprise_and_goes_on(tmp_path: Path) -> None:
    def answer(text: str) -> ScoredText:
        return ScoredText(text, list(text), [2.5 * i for i in range(len(text))], 0)

    rows = [SimpleNamespace(text=np.frombuffer(b"a<b\nand", np.uint8))]
    model = Stand("language_model", answer, train=[], test=rows)
    model.write = lambda prompts, **_: [WrittenText(prompts[0], " & so on", [])]
    shown = SHOWCASES["language_model"](model, tmp_path)
    assert model.asked == ["a<b\nand"]
    assert shown.count("55%,0.25)") == 1
    assert 'title="2.5 bits">&lt;' in shown
    assert shown.count("55%,1.00)") == 3
    assert "<b>a&lt;b</b> &amp; so on" in shown


def test_signals_are_of_the_test_part_with_what_was_heard(tmp_path: Path) -> None:
    def row(label: str, value: float) -> Any:
        return SimpleNamespace(values=np.array([[value, 0], [value, np.nan], [0, 1]]), label=label)

    def answer(values: np.ndarray) -> Any:
        heard = {"<a>": [0.2, 0.6, 0.75], "b": [0.8, 0.4, 0.25]}
        return SimpleNamespace(label="<a>", probability=0.75, heard=heard, since=2)

    rows = [row("<a>", 1.0), row("b", 2.0)]
    model = Stand("signal_classification", answer, train=[row("b", 9.0)], test=rows)
    shown = SHOWCASES["signal_classification"](model, tmp_path)
    assert [float(values[0, 0]) for values in model.asked] == [1, 2]
    assert (shown.count('class="right"'), shown.count('class="wrong"')) == (1, 1)
    assert shown.count("<polyline") == 2 * (2 + 2)
    assert "&lt;a&gt; (75%), since step 2 of 3" in shown
    assert shown.count('<line x1="95.0" x2="95.0"') == 2  # the second of three steps
    assert shown.count('points="0.0,70.2 95.0,36.6 190.0,24.0"') == 2  # 0.2, 0.6, 0.75
    model.answer = lambda values: SimpleNamespace(label="b", probability=0.5, heard=None)
    assert SHOWCASES["signal_classification"](model, tmp_path).count("<polyline") == 4


def test_sounds_are_drawn_and_can_be_heard(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros(800), np.full(800, 0.5)]).astype(np.float32)
    heard = [(0.1, {"<a>": 0.25, "b": 0.75}), (0.2, {"<a>": 1.0, "b": 0.0})]

    def answer(given: Any) -> Any:
        return SoundPrediction("x", "<a>", 1.0, heard[-1][1], 0.2, 0.2, heard)

    rows = [
        SimpleNamespace(samples=samples, label=label, where="synthetic/test/v:1")
        for label in ("<a>", "b", "b")
    ]
    model = Stand("audio_classification", answer, test=rows)
    model.recipe = AudioRecipe.of({"sample_rate": 8000})
    shown = SHOWCASES["audio_classification"](model, tmp_path)
    assert [(one[0].shape, one[1]) for one in model.asked] == [((1600,), 8000)] * 2
    assert (shown.count('class="right"'), shown.count('class="wrong"')) == (1, 1)
    assert "<a>" not in shown
    assert "since 0.20 s" in shown
    assert "synthetic" in shown
    assert 'points="180.0,90.0 360.0,60.0"' in shown
    data = shown.split("data:audio/wav;base64,")[1].split('"')[0]
    path = tmp_path / "a.wav"
    path.write_bytes(base64.b64decode(data))
    found = load(path, Wanted(8000, 9.0), Rows())
    assert found is not None
    assert np.allclose(found, samples, atol=1e-3)


def test_a_drawing_has_the_inputs_and_outputs_of_its_type() -> None:
    boxes = {kind: (draw(kind).count("#4c78a8"), draw(kind).count("#e4572e")) for kind in LAYOUTS}
    assert boxes == {
        "one-to-one": (1, 1),
        "one-to-many": (1, 4),
        "many-to-one": (4, 1),
        "many-to-many equal": (4, 4),
        "many-to-many unequal": (3, 3),
    }


def test_attention_has_a_row_for_each_token_written() -> None:
    drawn = heat([[0.1, 0.9, 0.0], [1.0, 0.0, 0.0]], ["a", "b", "<c>"], ["x", "y"])
    assert drawn.count("<rect") == 6
    assert drawn.count("rotate(-60") == 3
    assert "&lt;c&gt;" in drawn
    assert 'fill-opacity="0.90"' in drawn


def test_the_longest_copy_is_a_run() -> None:
    assert longest_copy([1, 2, 3, 9, 4], [[0, 1, 2, 3, 4], [9, 4]]) == 3
    assert longest_copy([1, 1, 1], [[1, 2, 1]]) == 1
    assert longest_copy([], [[1]]) == 0
