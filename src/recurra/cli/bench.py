"""`recurra bench speed`: how fast recurra is here, and beside whom."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from recurra.cli.prose import flowing
from recurra.cli.quality import quality
from recurra.cli.whole import Whole
from recurra.errors import RecurraError, unknown

bench = App(name="bench", help="Measure recurra on this machine: how fast it is, how well it does.")
bench.command(flowing(quality))


@bench.command
@flowing
def speed(
    *,
    question: Annotated[list[str] | None, Parameter(negative=())] = None,
    part: Annotated[list[str] | None, Parameter(negative=())] = None,
    threads: Whole = 0,
    quick: Annotated[bool, Parameter(negative=())] = False,
    data: Path | None = None,
    out: Path | None = None,
    page: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Time recurra beside torch.nn, ONNX Runtime, JAX, Keras and others, in turn.

    It takes half an hour; close what else runs. Every question can be asked alone, and its rows
    take the places of the old ones in `benchmarks/results/speed.json`; `docs/speed.md` and its
    plots are written from that file. Ctrl-C keeps what was answered. A peer that is not installed
    is left out, and named: `pip install 'recurra[bench]'` brings them all.

        recurra bench speed
        recurra bench speed --question classic --question ragged
        recurra bench speed --question grid --part gru
        recurra bench speed --quick

    Questions: classic grid shapes ragged mingru scan linear streaming narrow sixteen inference
    training growth long start.

    Parameters
    ----------
    question
        Question to ask; all where none is given. May be given more than once.
    part
        Part of the questions to ask: each has a process of its own.
    threads
        Threads of recurra and of every peer; 0: as many as torch takes.
    quick
        Tiny shapes and two rounds: does all of it work? Written only where `--out` says.
    data
        Folder with the data set `sst2`, for the question `training`; none: RECURRA_DATA.
    out
        Folder for results and page; none: here, in a checkout, or else ./recurra-speed.
    page
        Measure nothing: write page and plots again from the results.
    """
    import torch

    from recurra.benchmarks.question import Settings
    from recurra.benchmarks.questions import QUESTIONS
    from recurra.benchmarks.run import Files, measure_machine, run, write_page
    from recurra.training.recipe import Recipe

    names = [known.name for known in QUESTIONS]
    for name in question or ():
        if name not in names:
            raise unknown("question", name, names)
    asked = [known for known in QUESTIONS if not question or known.name in question]
    for name in part or ():
        parts = sorted({one for known in asked for one in known.parts})
        if name not in parts:
            raise unknown("part", name, parts)
    Recipe.of({"threads": threads})
    place = out or (Path() if Path("benchmarks/speed").is_dir() else Path("recurra-speed"))
    files = None if quick and out is None else Files.below(place)
    if page:
        write_page(Files.below(place), QUESTIONS)
        return 0
    named = data or (Path(os.environ["RECURRA_DATA"]) if os.environ.get("RECURRA_DATA") else None)
    if named is not None and not named.is_dir():
        raise RecurraError(f"--data {named} is no folder; give the one that holds `sst2`")
    settings = Settings(threads or torch.get_num_threads(), quick, named)
    failed: list[str] = []
    try:
        if files is not None:
            measure_machine(settings, files)
        failed = run(asked, settings, files, only=part or ())
    finally:
        if files is not None:
            write_page(files, QUESTIONS)
            print(f"{files.page} says what was found")
    for text in failed:
        print(f"failed: {text}")
    return 1 if failed else 0
