"""What a program may hand to a model by mistake: one clear line each."""

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

import recurra
from recurra.errors import DataError, RecurraError
from recurra.tasks.catalogue import TASKS
from recurra.tasks.codecs.text import TextPrediction

from .conftest import TINY, WRITERS, write_captions

# Where annotations are checked while the tests run, they refuse first.
REFUSED = (RecurraError, TypeCheckError)
WRONG = [None, 3, 2.5, b"bytes", {}, (), [], [1, 2], (99, "major"), np.zeros((3, 3))]


@pytest.fixture(scope="module", params=[task.name for task in TASKS])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp(request.param)
    data = WRITERS[request.param](folder)
    return recurra.train(request.param, data=data, out=str(folder / "run"), **TINY)


def test_inputs_of_a_wrong_type(model):
    assert model.predict([]) == []
    for inputs in (None, 3, "a text, not a list", b"bytes"):
        with pytest.raises(REFUSED, match=r"give a list of inputs|Type-check error"):
            model.predict(inputs)
    for wrong in WRONG:
        with pytest.raises(REFUSED) as caught:
            model.predict([wrong])
        assert "\n" not in str(caught.value) or isinstance(caught.value, TypeCheckError)


def test_all_of_a_file_is_evaluated_and_one_label_is_enough(tmp_path: Path):
    data = WRITERS["sentiment"](tmp_path)
    model = recurra.train("sentiment", data=data, out=str(tmp_path / "run"), **TINY)
    one = tmp_path / "one.tsv"
    one.write_text("text\tlabel\nthe room was fine\tgood\n")
    assert set(model.evaluate(str(one))) == {"accuracy", "loss"}
    one.write_text("text\tlabel\nthe room was fine\tgood\nthe room was odd\tstrange\n")
    with pytest.raises(DataError, match=r"one.tsv:3: label 'strange' is unknown"):
        model.evaluate(str(one))


def test_captions_take_a_test_folder_of_their_own(tmp_path: Path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        write_captions(tmp_path / name)
    (tmp_path / "test/captions.csv").write_text("image,caption\n3.png,a red thing\n")
    fields = {**TINY, "data": str(tmp_path / "train"), "test": str(tmp_path / "test")}
    model = recurra.train("image_captioning", out=str(tmp_path / "run"), **fields)
    assert model.metrics["test_examples"] == 1


def test_a_beam_of_zero_samples(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    model = recurra.train(
        "image_captioning", data=write_captions(folder), out=str(tmp_path / "run"), **TINY
    )
    image = [np.zeros((64, 64, 3), np.uint8)] * 2
    drawn = {str(p) for seed in (0, 1) for p in model.predict(image, beam=0, seed=seed)}
    assert len(drawn) > 2
    again = [str(p) for p in model.predict(image, beam=0, seed=1)]
    assert again == [str(p) for p in model.predict(image, beam=0, seed=1)]


def test_a_prediction_stays_on_one_line():
    assert "\n" not in str(TextPrediction("a\nb", "good", 0.5, {}))
