"""How the temperature of transformers goes on: ETTh1 and ETTm1."""

import gzip
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, answer, trained

METRIC = "MSE"
RECIPE: dict[str, Any] = {
    "lookback": 720,
    "segment": 48,
    "hidden": 256,
    "embedding": 256,
    "output": "absolute",
    "dropout": 0.5,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "patience": 0,
    "epochs": 5,
}


def sit(case: Case, name: str, split: str, recipe: dict[str, Any]) -> Answer:
    """Train on the first 12 months; the next four choose the weights, the last four test."""
    path = Path(case.data / f"{name}.csv")
    if not path.exists():
        path = case.place / f"{name}.csv"
        with gzip.open(case.data / f"{name}.csv.gz") as packed, path.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    model = trained("forecasting", case, path, split=split, **recipe)
    return answer(case, model, "mse", name=METRIC)


def exam(
    name: str, file: str, horizon: int, minutes: float, split: str, must: float, aim: float,
    *published: Published, **changed: Any,
) -> Exam:  # fmt: skip  # as a table below
    """Return the exam of one horizon, its recipe changed."""
    # reading and peers take a while too
    recipe = {**RECIPE, "horizon": horizon, "max_time": f"{int(minutes * 0.8)}m", **changed}
    return Exam(
        name=name,
        task="forecasting",
        folder="ett",
        files=(f"{file}.csv*",),
        protocol=f"{file}, all seven channels, z-scored by the training part; {horizon} steps "
        f"ahead at every test window; 12, 4 and 4 months.",
        metric=METRIC,
        lower=True,
        must=must,
        aim=aim,
        minutes=minutes,
        sit=partial(sit, name=file, split=split, recipe=recipe),
        recipe=recipe,
        published=published,
    )


# all test windows counted; taken over, and not traced to a table of the papers that they name
MODEL, RIVAL = (
    f"as reported for all test windows; the model: https://arxiv.org/abs/{paper}"
    for paper in ("2308.11200", "2211.14730")
)
# one epoch of windows of 720 steps foretells as many numbers as seven of 96
FAR = {"epochs": 1}
HOURS, QUARTERS = "8640,2880,2880", "34560,11520,11520"


def _ours(segrnn: float, patch: float) -> tuple[Published, Published]:
    return Published("SegRNN", segrnn, MODEL), Published("PatchTST", patch, RIVAL)


ETT = (
    exam("etth1-96", "ETTh1", 96, 20.0, HOURS, 0.365, 0.345, *_ours(0.351, 0.375)),
    exam("etth1-192", "ETTh1", 192, 20.0, HOURS, 0.405, 0.385, *_ours(0.392, 0.418)),
    exam("etth1-336", "ETTh1", 336, 20.0, HOURS, 0.440, 0.415, *_ours(0.423, 0.462)),
    exam("etth1-720", "ETTh1", 720, 20.0, HOURS, 0.480, 0.455, *_ours(0.466, 0.495), **FAR),
    exam("ettm1-96", "ETTm1", 96, 45.0, QUARTERS, 0.305, 0.290, Published("SegRNN", 0.293, MODEL)),
)
