"""How often a first training fails: our defaults beside PyTorch's, six applications, equal time."""

from __future__ import annotations

import dataclasses
import math
import time
from contextlib import redirect_stderr
from io import StringIO
from statistics import median
from typing import NamedTuple

import torch

from recurra.limits import plain
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.reports import Table
from recurra.reports.table import Cell
from recurra.tasks.catalogue import find
from recurra.tasks.run import build, complete
from recurra.tasks.task import LOWER_IS_BETTER
from recurra.training.fit import fit

PART, LEAST = 3, 12  # of the recipe's passes over the data, every so many; in a quick run
HEAD = (
    "application",
    "metric",
    "recurra",
    "PyTorch",
    "trivial",
    "recurra failed",
    "PyTorch failed",
    "seconds each",
)


class Tried(NamedTuple):
    """What the test part says of a training.

    Args:
        ours: of recurra's defaults.
        plain: of PyTorch's.
        trivial: of the answer that does not look at its input.
        seconds: of the processor, for each.
    """

    ours: float
    plain: float
    trivial: float
    seconds: float


def attempt(name: str, part: int, seed: int) -> Tried:
    """Train both networks for as long on one application's embedded sample, and test them."""
    task = find(name)
    whole = complete(task, {"seed": seed})
    recipe = dataclasses.replace(whole, epochs=math.ceil(whole.epochs / part))
    with redirect_stderr(StringIO()):  # what readers tell of a sample is known
        splits = task.read(recipe)
        torch.manual_seed(seed)
        codec = task.fit(splits.train, recipe)
    items = task.items(codec, splits.train, recipe)
    trivial = task.baseline(codec, splits.train, splits.test, recipe)
    network = build(task, codec, recipe)
    began = time.process_time()
    history = fit(
        network,
        items,
        codec.collate,
        recipe=recipe,
        run=None,
        validate=lambda network: task.validate(network, codec, splits.valid, recipe),
        metric=task.criterion,
        higher=task.criterion not in LOWER_IS_BETTER,
    )
    if history.stopped in ("interrupted", "terminated"):  # `fit` ends well; the run is to end, too
        raise KeyboardInterrupt
    spent = time.process_time() - began
    torch.manual_seed(seed)
    other = plain.NETWORKS[name](codec)
    began = time.process_time()
    plain.train(other, items, codec, lambda: time.process_time() - began < spent)
    ours, theirs = (
        task.evaluate(one.eval(), codec, splits.test, recipe)[task.sample_metric]
        for one in (network, other)
    )
    return Tried(ours, theirs, trivial[task.sample_metric], spent)


def failed(value: float, trivial: float, *, lower: bool) -> bool:
    """Return whether a figure is no better than the trivial answer's; what is no number is not."""
    return not (value < trivial if lower else value > trivial)


def run(case: Case) -> Limit:
    """Train both on each application, with every seed."""
    seeds, part = case.runs(3, 1), case.choose(PART, LEAST)
    rows = list[list[Cell]]()
    lost = {"ours": 0, "plain": 0}
    better = 0
    for name in plain.NETWORKS:
        task = find(name)
        lower = task.sample_metric in LOWER_IS_BETTER
        found = []
        for seed in seeds:
            case.progress(f"{name}, seed {seed}")
            found.append(attempt(name, part, seed))
        trivial = found[0].trivial
        ours, theirs = ([getattr(one, who) for one in found] for who in ("ours", "plain"))
        fails = [sum(failed(v, trivial, lower=lower) for v in some) for some in (ours, theirs)]
        lost["ours"] += fails[0]
        lost["plain"] += fails[1]
        better += not failed(median(ours), median(theirs), lower=lower)
        many = len(seeds)
        rows.append(
            [
                name.replace("_", " "),
                task.sample_metric.replace("_", " ") + (" (less is better)" if lower else ""),
                median(ours),
                median(theirs),
                trivial,
                f"{fails[0]} of {many}",
                f"{fails[1]} of {many}",
                f"{median(one.seconds for one in found):.1f}",
            ]
        )
    count = len(seeds) * len(plain.NETWORKS)
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="Learning rate, initialisation, clipping, pooling, regularisation, when to stop: all "
        "of it is to be chosen before anything is learnt.",
        cure="defaults that are tested: `recurra train TASK` without any option",
        verdict=f"In equal time, {lost['plain']} of {count} runs of a first "
        f"PyTorch script are no better than the trivial answer, {lost['ours']} of recurra's "
        f"defaults; the median is better in {better} of {len(plain.NETWORKS)} applications.",
        measured=f"Embedded samples; recurra makes 1/{part} of its recipe's passes, PyTorch "
        "as many as the same processor time allows; tested on the test part. PyTorch: nn.LSTM of "
        f"{plain.HIDDEN} units as it is made, the last output where one is asked for, Adam at "
        f"{plain.RATE:g}, {plain.ROWS} rows, no clipping, the last weights. recurra: the task's "
        "own network and recipe, the best weights by the validation part. Failed: no better than "
        "the answer that does not look at its input.",
        seeds=seeds,
        tables=(
            Table(
                "Test figures, the median of the seeds",
                HEAD,
                rows,
                f"{len(seeds)} seeds, for the time they take; --seeds 10 runs ten.",
            ),
        ),
    )


EXPERIMENT = Experiment("training", "weakness", "Complicated training", 200, 56, run)
