"""`recurra limits`: what recurrent networks are weak and strong at, measured here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from recurra.cli.whole import Whole
from recurra.errors import RecurraError


def limits(
    *names: str,
    quick: Annotated[bool, Parameter(negative=())] = False,
    seeds: Whole = 0,
    threads: Whole = 0,
    out: Path = Path("limits"),
    list_: Annotated[bool, Parameter("--list", negative=())] = False,
) -> int:
    """Measure the known weaknesses of recurrent networks, and their cures; and the strengths.

    Small experiments with data made on the spot: each shows what fails, what helps, and by how
    much, with plain PyTorch beside recurra. All together take a quarter of an hour on two cores,
    and --quick less than three minutes. `limits.html` is written after each, so Ctrl-C keeps what
    was found, and a later run puts its findings beside those that are there.

        recurra limits
        recurra limits --list
        recurra limits vanishing exploding --seeds 10
        recurra limits --quick --out /tmp/limits

    What was found about your own network: `recurra diagnose`.

    Parameters
    ----------
    names
        Experiments to run; all where none is given.
    quick
        Fewer lengths, seeds and steps: does all of it work? Its figures prove little.
    seeds
        Seeds of each experiment, from 0 on; 0: as many as each asks for, so that the whole fits
        into its time. More take longer.
    threads
        Threads of recurra and of PyTorch; 0: as many as torch takes.
    out
        Folder of limits.json and limits.html.
    list_
        Show the experiments, and how long they take.
    """
    import torch

    from recurra.limits.experiments import EXPERIMENTS, find
    from recurra.limits.run import HTML, Settings, run
    from recurra.training.recipe import Recipe

    asked = [find(name) for name in dict.fromkeys(names)] or list(EXPERIMENTS)
    Recipe.of({"threads": threads})
    if not 0 <= seeds <= 100:
        raise RecurraError(f"--seeds is {seeds}; allowed: 0 to 100")
    if list_:
        for one in asked:
            time = f"{one.quick if quick else one.seconds:.0f} s"
            print(f"{one.name:<14} {one.kind:<9} {time:>6}  {one.title}")
        return 0
    settings = Settings(out, quick, seeds, threads or torch.get_num_threads())
    run(asked, settings, [one.name for one in EXPERIMENTS], say=print, progress=_progress)
    print(f"{out / HTML} shows what was found")
    return 0


def _progress(text: str) -> None:
    """Show what is being done on the terminal's last line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)
