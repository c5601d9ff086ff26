"""Every task on a real data set, for a minute: it learns, and leaves a bundle that predicts."""

import os
from pathlib import Path

import numpy as np
import pytest

import recurra

FOLDER = Path(os.environ.get("RECURRA_DATA", ""))
CASES = {
    "sst2": ("sentiment", "sst2", "a stirring , funny film"),
    "wnut17": ("ner", "wnut17", "Paris in May"),
    "multi30k": ("translation", "multi30k_en_de", "Ein Hund rennt ."),
    "mnist": ("image_classification", "mnist", np.zeros((28, 28), np.uint8)),
    "nottingham": ("music_generation", "nottingham_midi/nottingham_midi.zip", "G major"),
    "tinyshakespeare": ("language_model", "tinyshakespeare/input.txt", "To be, or not"),
    "ptb": ("language_model", "ptb", "the company said it"),
    "flickr8k": ("image_captioning", "flickr8k", np.zeros((64, 64, 3), np.uint8)),
}


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.name, reason="RECURRA_DATA names no folder with real data sets")
@pytest.mark.parametrize("case", CASES)
def test_it_learns_within_a_minute(case: str, tmp_path: Path):
    task, path, example = CASES[case]
    out = tmp_path / "run"
    model = recurra.train(task, data=str(FOLDER / path), max_time="60s", out=str(out))
    metrics = model.metrics
    assert metrics["test"]["loss"] < metrics["baseline"]["loss"]
    assert recurra.load(out).predict([example])
