"""Experiments one after the other; what is found is written at once."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from recurra.benchmarks.machine import processor
from recurra.errors import RecurraError
from recurra.limits import page, record
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.storage import reason, replace_text

JSON, HTML = "limits.json", "limits.html"


class Settings(NamedTuple):
    """What all experiments of a run have in common.

    Args:
        out: folder of `limits.json` and `limits.html`.
        quick: does all of it work? Smaller, within three minutes.
        seeds: of each experiment; 0: as many as it asks for.
        threads: of recurra and of PyTorch beside it.
    """

    out: Path
    quick: bool = False
    seeds: int = 0
    threads: int = 1

    def command(self, name: str) -> str:
        """Return what runs an experiment again."""
        said = ["recurra", "limits", name, *["--quick"] * self.quick]
        said += ["--seeds", str(self.seeds)] if self.seeds else []
        return shlex.join([*said, "--threads", str(self.threads)])


def run(
    experiments: Sequence[Experiment],
    settings: Settings,
    order: Sequence[str],
    say: Callable[[str], object] = print,
    progress: Callable[[str], object] = lambda text: None,
) -> None:
    """Run experiments; each finding takes the place of the old one of its name, as soon as it is.

    Args:
        experiments: in their order.
        settings: of all of them.
        order: of names on the page.
        say: shows a line.
        progress: shows what is being done, in a line that the next one takes the place of.
    Raises:
        RecurraError: the folder cannot be written, or holds another's file of that name.
    """
    place = settings.out / JSON
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecurraError(f"{settings.out} cannot be written: {reason(error)}") from error
    found = record.read(place)
    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        for number, one in enumerate(experiments, 1):
            began = time.monotonic()
            where = f"[{number}/{len(experiments)}] {one.name}"

            def doing(text: str, where: str = where, began: float = began) -> None:
                progress(f"{where}: {text} ({time.monotonic() - began:.0f} s)")

            case = Case(
                quick=settings.quick,
                seeds=settings.seeds,
                threads=settings.threads,
                progress=doing,
            )
            doing(one.title)
            with torch.random.fork_rng():
                limit = one.run(case)
            seconds = time.monotonic() - began
            limit = replace(limit, seconds=seconds, command=settings.command(one.name))
            found = record.merge(found, limit, order)
            record.write(place, found)
            write_page(settings.out)
            progress("")
            say(f"{where}: {limit.verdict} ({seconds:.0f} s)")
    finally:
        torch.set_num_threads(before)


def write_page(out: Path) -> None:
    """Write the page from the findings that are kept.

    Raises:
        RecurraError: there are none, or the folder cannot be written.
    """
    found = record.read(out / JSON)
    if not found:
        raise RecurraError(f"{out / JSON} holds no findings yet; run `recurra limits` first")
    try:
        replace_text(out / HTML, page.html(found, f"Measured on {processor()}."))
    except OSError as error:
        raise RecurraError(f"{out / HTML} cannot be written: {reason(error)}") from error
