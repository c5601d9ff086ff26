"""Music, next frame: Bach's chorales and the tunes of Nottingham as piano-rolls."""

from functools import partial
from typing import Any

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, beside, trained

METRIC = "nats per frame"
RECIPE: dict[str, Any] = {"preset": "quality"}
GRU = Published("GRU", 8.43, "Bai et al. 2018, https://arxiv.org/abs/1803.01271")


def sit(case: Case, file: str, recipe: dict[str, Any]) -> Answer:
    """Train on the training part; the validation part chooses the weights."""
    model = trained("polyphonic_music", case, case.data / file, **recipe)
    return beside(case, model, "nll", METRIC)


def exam(
    name: str, file: str, output: str, must: float | None, aim: float | None, minutes: float,
    recipe: dict[str, Any], *published: Published,
) -> Exam:  # fmt: skip  # as a table below
    """Return the exam of one data set, with one of the two outputs."""
    whole = {**RECIPE, "output": output, "max_time": f"{int(minutes * 0.9)}m", **recipe}
    how = "88 independent probabilities" if output == "independent" else "jointly (NADE)"
    return Exam(
        name=name,
        task="polyphonic_music",
        folder="polyphonic_music",
        files=(file,),
        protocol=f"{file}, {how}; the first frame of a piece is not scored, the loss is summed "
        "over 88 notes, the mean is over all frames; the validation part chooses the weights.",
        metric=METRIC,
        lower=True,
        must=must,
        aim=aim,
        seeds=3 if minutes <= 10 else 1,
        minutes=minutes,
        sit=partial(sit, file=file, recipe=whole),
        recipe=whole,
        published=published,
    )


JSB, NOTTINGHAM = "JSB_Chorales.mat", "Nottingham.mat"
SMALL: dict[str, Any] = {}
LARGE: dict[str, Any] = {"learning_rate": 4e-3}
MUSIC = (
    exam(
        "jsb", JSB, "independent", 8.15, 7.72, 10.0, SMALL, GRU,
        Published("GRU, tuned", 8.20, "untraced"),
        Published("RRU", 7.72, "untraced"),
    ),
    exam("jsb-joint", JSB, "joint", None, None, 10.0, SMALL),
    exam(
        "nottingham", NOTTINGHAM, "independent", 3.22, 2.92, 30.0, LARGE,
        Published("GRU", 3.46, "Bai et al. 2018, https://arxiv.org/abs/1803.01271"),
        Published("GRU, tuned", 3.22, "untraced"),
        Published("RRU", 2.92, "untraced"),
    ),
    exam("nottingham-joint", NOTTINGHAM, "joint", None, None, 30.0, LARGE),
)  # fmt: skip  # as a table
