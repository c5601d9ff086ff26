"""A public benchmark that a task is measured on: data, protocol, what is published and asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import recurra
from recurra.benchmarks.quality import plain
from recurra.errors import RecurraError
from recurra.tasks.model import Model
from recurra.training.checkpoint import RunFolder


class Case(NamedTuple):
    """One run of an exam.

    Args:
        data: the exam's folder of real data.
        place: an empty folder, for what the run writes.
        seed: of weights, order and everything else that is drawn.
        threads: of recurra and its peers.
        quick: one epoch or so, of few data: does all of it work?
        pace: as little training, of all data: how long does an epoch take?
    """

    data: Path
    place: Path
    seed: int
    threads: int
    quick: bool = False
    pace: bool = False


LSTM = "nn.LSTM in a plain loop, equal time"
NONE: dict[str, Any] = {}  # and nobody writes into it


class Answer(NamedTuple):
    """What one run of recurra reached.

    Args:
        value: the exam's metric on the test part.
        parameters: of the network.
        seconds: of the whole run: reading, training, validating, testing.
        others: further metrics of the test part.
        note: what else there is to say: how much was read in a second, what a peer was given.
        peers: what the task itself measured beside, by name, each as an exam's peers say it.
        epochs: seconds of an epoch of training, by whose loop; empty where it was not measured.
    """

    value: float
    parameters: int
    seconds: float
    others: dict[str, float]
    note: str = ""
    peers: dict[str, dict[str, float]] = NONE
    epochs: dict[str, float] = NONE


class Published(NamedTuple):
    """A figure of others: whose, what, where it stands."""

    who: str
    value: float
    source: str


Peer = Callable[[Case], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Exam:
    """A benchmark.

    Args:
        name: of the row, as on the command line.
        task: the task that is examined.
        folder: of the data, below the root of all data or, where there is one, of a package.
        package: the installed package that the data come with.
        files: of that folder, as patterns: those whose content the results name by a hash.
        protocol: data, split, what is chosen on what: one or two sentences.
        metric: what `value` is, in the field's words.
        lower: whether less of it is better.
        must: what is asked.
        aim: what is hoped for.
        seeds: how many; their mean is the row's value.
        minutes: of one seed, at most.
        sit: a case → what recurra reached. The test part is read once, at the end.
        peers: by name, what a user would otherwise pick, in the same run: a case → {metric: value},
            the exam's own under its name.
        beaten: names of peers that must be beaten.
        recipe: fields that differ from the task's defaults.
        published: figures of others, with their sources.
    """

    name: str
    task: str
    folder: str
    package: str | None = None
    files: tuple[str, ...]
    protocol: str
    metric: str
    lower: bool = False
    must: float | None = None
    aim: float | None = None
    seeds: int = 1
    minutes: float = 20.0
    sit: Callable[[Case], Answer]
    peers: Mapping[str, Peer] = field(default_factory=dict)
    beaten: tuple[str, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[Published, ...] = ()

    def place(self, root: Path) -> Path:
        """Return where the data are.

        Raises:
            RecurraError: the package that they come with is not installed.
        """
        if self.package is None:
            return root / self.folder
        found = find_spec(self.package)
        if found is None or found.origin is None:
            raise RecurraError(f"{self.name} needs {self.package}: pip install 'recurra[demo]'")
        return Path(found.origin).parent / self.folder

    def holds(self, value: float, asked: float) -> bool:
        """Return whether a value is as good as what is asked."""
        return value <= asked if self.lower else value >= asked


def trained(task: str, case: Case, data: str | Path, **fields: Any) -> Model:
    """Return a model trained for a case; for one epoch at most where nobody asks how well."""
    common = {"seed": case.seed, "threads": case.threads, "out": str(case.place / "run")}
    quick = {"epochs": 1, "max_time": "20s"} if case.quick or case.pace else {}
    return recurra.train(task, data=str(data), **{**fields, **quick, **common})


def answer(
    case: Case,
    model: Model,
    metric: str,
    scale: float = 1.0,
    note: str = "",
    name: str | None = None,
) -> Answer:
    """Return what a model reached on its test part, with one metric as the value.

    Args:
        case: with the first seed, the time of an epoch is measured too.
        model: trained by `trained`.
        metric: of the task's.
        scale: of the value: 100 for percent.
        note: what else there is to say.
        name: of the exam's metric; where it is given, the figures of the task's own baseline and
            peers go along under it.
    """
    test = model.metrics["test"]
    size = sum(parameter.numel() for parameter in model.network.parameters())
    others = {name: value for name, value in test.items() if name != metric}
    beside: dict[str, dict[str, float]] = {}
    if name is not None:
        known = {"baseline": model.metrics["baseline"], **model.metrics.get("peers", {})}
        beside = {
            who: {name: scale * found[metric]} for who, found in known.items() if metric in found
        }
    seconds = model.metrics["seconds"]
    if read := speed(model):
        note = "; ".join(filter(None, [note, f"trained on {read:,.0f} tokens a second"]))
    return Answer(scale * test[metric], size, seconds, others, note, beside, paced(case, model))


def speed(model: Model) -> float | None:
    """Return the median of the tokens, or rows of one step, that training read in a second."""
    log = [] if model.folder is None else RunFolder(model.folder).entries()
    known = [entry["tokens_per_second"] for entry in log if entry.get("tokens_per_second")]
    return median(known) if known else None


def beside(
    case: Case, model: Model, metric: str, name: str, scale: float = 1.0, note: str = ""
) -> Answer:
    """Return `answer`, with `torch.nn.LSTM` in a plain loop, trained as long, beside it."""
    own = answer(case, model, metric, scale, note, name)
    if case.pace:
        return own
    lstm = {name: scale * plain.lstm(model)[metric]}
    return own._replace(peers={**own.peers, LSTM: lstm})


def paced(case: Case, model: Model) -> dict[str, float]:
    """Return how long an epoch takes by whose loop, in a run of the first seed."""
    return {} if case.seed else plain.epochs(model, 1 if case.quick else plain.SECONDS)
