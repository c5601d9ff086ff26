"""`recurra bench quality`: how well recurra does on public benchmarks, and beside whom."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from recurra.cli.whole import Whole
from recurra.errors import RecurraError


def quality(
    *names: str,
    data_root: Path | None = None,
    seeds: Whole = 0,
    threads: Whole = 0,
    quick: Annotated[bool, Parameter(negative=())] = False,
    out: Path | None = None,
    pace: Annotated[bool, Parameter(negative=())] = False,
    page: Annotated[bool, Parameter(negative=())] = False,
    list_: Annotated[bool, Parameter("--list", negative=())] = False,
) -> int:
    """Train and test on public benchmarks, beside what one would otherwise pick.

    Each exam reads real data from a folder of its own below the root, trains from scratch, and
    tests once per seed. Its row takes the place of the old one in
    `benchmarks/results/quality.json`; `docs/quality.md` and the README's table are written from
    that file. Ctrl-C keeps the seeds that were done.

        recurra bench quality --list
        recurra bench quality sst2 --data-root data
        recurra bench quality sst2 --data-root data --quick

    Parameters
    ----------
    names
        Exams to sit; all where none is given.
    data_root
        Folder with one folder for each data set; none: RECURRA_DATA.
    seeds
        Seeds of each exam, from 0 on; 0: as many as the exam asks for.
    threads
        Threads of recurra and of every peer; 0: as many as torch takes.
    quick
        One epoch, one seed: does all of it work? Nothing is written, unless `--out` says where.
    out
        Folder for results and page; none: here, in a checkout, or else ./recurra-quality.
    pace
        Measure the time of an epoch again, and nothing else, for the rows that are there.
    page
        Sit no exam: write the page again from the results.
    list_
        Show the exams, and how long they take.
    """
    import torch

    from recurra.benchmarks.quality.exams import EXAMS, find
    from recurra.benchmarks.quality.run import Files, Settings, run, write_page
    from recurra.benchmarks.quality.run import pace as paced
    from recurra.training.recipe import Recipe

    asked = [find(name) for name in names] or list(EXAMS)
    Recipe.of({"threads": threads})
    if list_:
        for exam in asked:
            time = f"{exam.seeds} x {exam.minutes:g} minutes"
            print(f"{exam.name:<22} {exam.task:<22} {time:<16} {exam.metric}")
        return 0
    place = out or (Path() if Path("benchmarks/quality").is_dir() else Path("recurra-quality"))
    if quick and pace:
        raise RecurraError("--quick and --pace: one looks whether it works, one measures; give one")
    files = None if quick and out is None else Files.below(place)
    if page:
        write_page(Files.below(place), EXAMS)
        return 0
    named = data_root or (
        Path(os.environ["RECURRA_DATA"]) if os.environ.get("RECURRA_DATA") else None
    )
    if named is None or not named.is_dir():
        raise RecurraError(
            f"--data-root: received {named or 'nothing'}; give the folder that holds a folder for "
            "each data set, or set RECURRA_DATA"
        )
    settings = Settings(named.absolute(), threads or torch.get_num_threads(), seeds, quick)
    failed: list[str] = []
    try:
        failed = paced(asked, settings, files) if pace and files else run(asked, settings, files)
    finally:
        if files is not None:
            write_page(files, EXAMS)
            print(f"{files.page} says what was found")
    for text in failed:
        print(f"failed: {text}")
    return 1 if failed else 0
