"""Handwritten digits: MNIST at one glance, by convolutions, and row by row."""

import gzip
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, answer, beside, trained

METRIC = "accuracy, %"
GLANCE: dict[str, Any] = {
    "preset": "quality",
    "encoder": "linear",
    "hidden": 512,
    "embedding": 1024,
    "batch_size": 128,
    "epochs": 20,
    "max_time": "9m",
}
CONVOLUTIONS: dict[str, Any] = {"preset": "quality", "max_time": "9m"}
ROWS: dict[str, Any] = {
    "hidden": 192,
    "batch_size": 128,
    "convolutions": 0,
    "dropout": 0.3,
    "noise": 0.1,
    "warp": 0.15,
    "average": 0.999,
    "epochs": 12,
    "max_time": "9m",
}


def sit(case: Case, recipe: dict[str, Any]) -> Answer:
    """Train on the 60,000; a tenth of them chooses the weights."""
    model = trained("image_classification", case, case.data, **recipe)
    return answer(case, model, "accuracy", 100.0, name=METRIC)


def pixels(case: Case, part: str) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return images [count 28 28], from 0 to 1, and digits of "train" or "t10k"."""
    with gzip.open(case.data / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(case.data / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return (images / 255).astype(np.float32), labels


def row_by_row(case: Case, recipe: dict[str, Any]) -> Answer:
    """Train on signals of 28 steps and 28 channels, which the images' rows are."""
    path = Path(case.place / "mnist.npz")
    (x, y), (x_test, y_test) = pixels(case, "train"), pixels(case, "t10k")
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    model = trained("signal_classification", case, path, **recipe)
    return beside(case, model, "accuracy", METRIC, 100.0)


def perceptron(case: Case) -> dict[str, float]:
    """Return what scikit-learn's multilayer perceptron reaches, two layers of 512."""
    from sklearn.neural_network import MLPClassifier

    (x, y), (x_test, y_test) = pixels(case, "train"), pixels(case, "t10k")
    model = MLPClassifier((512, 512), early_stopping=True, random_state=case.seed)
    model.set_params(max_iter=1 if case.quick else 30)
    model.fit(x.reshape(len(x), -1), y)
    return {METRIC: 100 * float(model.score(x_test.reshape(len(x_test), -1), y_test))}


def exam(name: str, must: float, aim: float | None, protocol: str, **fields: Any) -> Exam:
    """Return one of the exams."""
    return Exam(
        name=name,
        folder="mnist",
        files=("*.gz",),
        protocol=f"MNIST, {protocol}; weights chosen on a tenth of the training part.",
        metric=METRIC,
        must=must,
        aim=aim,
        seeds=3,
        minutes=10.0,
        **fields,
    )


MNIST = (
    exam(
        "mnist",
        98.6,
        None,
        "the whole image at once, no convolution",
        task="image_classification",
        sit=partial(sit, recipe=GLANCE),
        recipe=GLANCE,
        peers={"MLP (scikit-learn)": perceptron},
        published=(Published("MLP", 98.4, "as often cited; not traced to a table"),),
    ),
    exam(
        "mnist-conv",
        99.4,
        99.6,
        "small convolutions before the cell's one step",
        task="image_classification",
        sit=partial(sit, recipe=CONVOLUTIONS),
        recipe=CONVOLUTIONS,
    ),
    exam(
        "mnist-rows",
        99.0,
        99.3,
        "28 rows as 28 steps",
        task="signal_classification",
        sit=partial(row_by_row, recipe=ROWS),
        recipe=ROWS,
        published=(Published("LSTM", 98.64, "as often cited; not traced to a table"),),
    ),
)
