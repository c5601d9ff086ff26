"""Spoken digits: which digit, and who speaks; and strings of them, transcribed."""

import csv
import random
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, answer, trained

ACCURACY, ERRORS = "accuracy, %", "word error rate, %"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8000
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
HEARD: dict[str, Any] = {
    "sample_rate": RATE,
    "hop_ms": 16.0,
    "window_ms": 32.0,
    "hidden": 128,
    "layers": 2,
    "bidirectional": True,
    "learning_rate": 4e-3,
    "patience": 0,
    "epochs": 20,
    "max_time": "6m",
}


class Recording(NamedTuple):
    """A digit, spoken."""

    digit: int
    speaker: str
    take: int
    samples: NDArray[np.float32]


def recordings(case: Case) -> list[Recording]:
    """Return all recordings, in the order of their names."""
    import soundfile

    found = []
    with zipfile.ZipFile(case.data / "recordings.zip") as file:
        for name in sorted(file.namelist()):
            if name.endswith(".wav"):
                digit, speaker, index = Path(name).stem.split("_")
                samples, _ = soundfile.read(BytesIO(file.read(name)), dtype="float32")
                found.append(Recording(int(digit), speaker, int(index), samples))
    return found


def manifest(
    folder: Path, name: str, rows: Sequence[tuple[NDArray[np.float32], str]], text: str
) -> Path:
    """Write sounds, and a table of their paths and texts."""
    import soundfile

    (folder / name).mkdir(parents=True)
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", text])
        for i, (samples, said) in enumerate(rows):
            soundfile.write(folder / name / f"{i}.wav", samples, RATE)
            table.writerow([f"{name}/{i}.wav", said])
    return path


def told(one: Recording, what: str) -> str:
    """Return a recording's label."""
    return str(one.digit) if what == "digit" else one.speaker


def split(case: Case, what: str) -> tuple[list[Recording], list[Recording]]:
    """Return training and test part: by the official rule, or without one speaker."""
    every = recordings(case)
    if what == "digit of a stranger":
        out = SPEAKERS[case.seed % len(SPEAKERS)]
        return [r for r in every if r.speaker != out], [r for r in every if r.speaker == out]
    return [r for r in every if r.take >= 5], [r for r in every if r.take < 5]


def sit(case: Case, what: str, recipe: dict[str, Any]) -> Answer:
    """Train on the training part; a tenth of it chooses the weights."""
    parts = split(case, what)
    name = "speaker" if what == "speaker" else "digit"
    paths = [
        manifest(case.place, part, [(one.samples, told(one, name)) for one in rows], "label")
        for part, rows in zip(("train", "test"), parts, strict=True)
    ]
    model = trained("audio_classification", case, paths[0], test=str(paths[1]), **recipe)
    note = f"without {SPEAKERS[case.seed % 6]}" if what == "digit of a stranger" else ""
    return answer(case, model, "accuracy", 100.0, note)


def vectors(case: Case, what: str) -> dict[str, float]:
    """Return what a support vector machine reaches on means and deviations of 20 cepstra."""
    import torch
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from recurra.layers import Cepstrum
    from recurra.tasks.hearing import framed

    layer = Cepstrum(RATE, 80, 200, 40, 20)

    def features(one: Recording) -> list[float]:
        with torch.no_grad():
            y = layer(torch.from_numpy(framed(one.samples, 80))[None])[0][0]
            moved = y.diff(dim=0)
            parts = [y.mean(0), y.std(0), moved.mean(0), moved.std(0)]
            return [float(x) for part in parts for x in part.nan_to_num()]

    name = "speaker" if what == "speaker" else "digit"
    train, test = split(case, what)
    grid = {"svc__C": [1, 10, 100], "svc__gamma": ["scale", 3e-3]}
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=5)
    search.fit([features(one) for one in train], [told(one, name) for one in train])
    score = search.score([features(one) for one in test], [told(one, name) for one in test])
    return {ACCURACY: 100 * float(score)}


def strings(case: Case, part: str, indices: range, count: int) -> list[tuple[Any, str]]:
    """Return strings of 3 to 7 digits of one speaker, gaps and noise at random, the same always."""
    kept = {(r.digit, r.speaker, r.take): r.samples for r in recordings(case)}
    draw = random.Random(f"strings of digits: {part}")
    noise = np.random.default_rng(list(part.encode()))
    rows = []
    for _ in range(count):
        speaker, digits = (
            draw.choice(SPEAKERS),
            [draw.randrange(10) for _ in range(draw.randint(3, 7))],
        )
        pieces = [np.zeros(int(RATE * draw.uniform(0.05, 0.3)), np.float32)]
        for digit in digits:
            pieces.append(kept[digit, speaker, draw.choice(indices)])
            pieces.append(np.zeros(int(RATE * draw.uniform(0.0, 0.3)), np.float32))
        x = np.concatenate(pieces)
        x = x / np.abs(x).max() * 0.9 * 10 ** (draw.uniform(-15, 0) / 20)
        x = x + noise.standard_normal(len(x)) * x.std() * 10 ** (-draw.uniform(15, 40) / 20)
        rows.append((np.clip(x, -1, 1).astype(np.float32), " ".join(DIGITS[d] for d in digits)))
    return rows


def transcribe(case: Case, recipe: dict[str, Any]) -> Answer:
    """Train on strings of recordings 10 to 49; those of 5 to 9 choose the weights, 0 to 4 test."""
    sizes = (60, 20, 20) if case.quick else (3000, 200, 500)
    ranges = (range(10, 50), range(5, 10), range(5))
    paths = [
        manifest(case.place, part, strings(case, part, indices, size), "text")
        for part, indices, size in zip(("train", "valid", "test"), ranges, sizes, strict=True)
    ]
    train, valid, test = map(str, paths)
    model = trained("speech_recognition", case, train, valid=valid, test=test, **recipe)
    return answer(case, model, "wer", 100.0)


def exam(what: str, name: str, seeds: int, **asked: Any) -> Exam:
    """Return an exam of single recordings."""
    rule = (
        "each speaker left out in turn"
        if what == "digit of a stranger"
        else "recordings 0 to 4 of each are the test part"
    )
    recipe = {**HEARD, "stretch": 0.1} if what != "speaker" else HEARD
    peer: Callable[[Case], dict[str, float]] = partial(vectors, what=what)
    return Exam(
        name=name,
        task="audio_classification",
        folder="fsdd",
        files=("recordings.zip",),
        protocol=f"Free Spoken Digit Dataset, {what}; {rule}; weights chosen on a tenth of the "
        "training part.",
        metric=ACCURACY,
        seeds=seeds,
        minutes=8.0,
        sit=partial(sit, what=what, recipe=recipe),
        peers={"MFCC and SVM (scikit-learn)": peer},
        recipe=recipe,
        **asked,
    )


CNN = (Published("CNN, about", 97.0, "as commonly reported; not traced to one source"),)
WORDS: dict[str, Any] = {
    "sample_rate": RATE,
    "units": "words",
    "layers": 1,
    "hidden": 128,
    "learning_rate": 5e-3,
    "patience": 0,
    "epochs": 30,
    "max_time": "18m",
}
STREAMED = {**WORDS, "bidirectional": False, "lookahead": 5, "hidden": 192}


def spoken(name: str, what: str, recipe: dict[str, Any], must: float, aim: float) -> Exam:
    """Return an exam of strings."""
    return Exam(
        name=name,
        task="speech_recognition",
        folder="fsdd",
        files=("recordings.zip",),
        protocol=f"strings of 3 to 7 digits joined from fsdd, gaps and noise at random; {what}; "
        "train from recordings 10 to 49, chosen on 5 to 9, tested on 0 to 4.",
        metric=ERRORS,
        lower=True,
        must=must,
        aim=aim,
        minutes=20.0,
        sit=partial(transcribe, recipe=recipe),
        recipe=recipe,
    )


FSDD = (
    exam("digit", "fsdd-digit", 1, must=98.5, aim=99.5, published=CNN),
    exam("speaker", "fsdd-speaker", 1, must=99.0, aim=99.8),
    exam("digit of a stranger", "fsdd-stranger", 6, aim=90.0),
    spoken("digit-strings", "read both ways", WORDS, 3.0, 1.0),
    spoken("digit-strings-streamed", "200 ms of look-ahead", STREAMED, 5.0, 2.0),
)
