"""`recurra tasks`, `cells`, `engines`, `check`: what there is, and whether it is right."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def _print(table: Table) -> None:
    Console(file=sys.stdout).print(table)


def tasks() -> None:
    """List the applications: type, what each reads, what it answers."""
    from recurra.tasks.catalogue import TASKS

    table = Table("task", "type", "answers", "reads")
    for task in TASKS:
        table.add_row(task.name, task.type, task.summary, task.reads)
    _print(table)


def cells() -> None:
    """List the cells: how each is unrolled, its state, its parameters, its paper's first line."""
    from recurra import tree
    from recurra.cells import CELLS, LinearCell

    table = Table("cell", "kind", "state", "parameters (64→64)", "what it is")
    for kind in CELLS:
        cell = kind(64, 64)
        state = " ".join(tree.names(cell.initial_state(1)))
        count = sum(parameter.numel() for parameter in cell.parameters())
        nature = "linear: scans" if isinstance(cell, LinearCell) else "step by step"
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        table.add_row(kind.__name__.lower(), nature, state, f"{count:,}", summary)
    _print(table)


def engines(*, measure: bool = False, quick: bool = False) -> None:
    """Show which engine takes which cell here, which one is chosen, and why not another.

    Parameters
    ----------
    measure
        First measure which engine is fastest here, for each cell, with and without gradients, at
        many shapes: about two minutes, best while the machine is quiet. The table is stored in
        your cache and used from then on, with the same number of threads, torch and kernels.
        Where there is a GPU, it has a table of its own, measured after the CPU's.
        Where none was ever measured on such a processor, a quick one is by itself, in the
        background of the first process; the environment variable RECURRA_MEASURE=0 prevents it.
    quick
        Measure fewer shapes, within half a minute.
    """
    import torch

    from recurra.engines import PREFERENCE, survey
    from recurra.engines.native import library
    from recurra.engines.table import gpu

    places = "cpu", *["cuda"] * torch.cuda.is_available()
    if measure or quick:
        for place in places:
            print(f"measured; the table is in {_measure(place, quick)}")
    names = [engine.name for engine in PREFERENCE]
    for place in places:
        table = Table("cell", *names, "chosen", title=f"on {place}", show_lines=True)
        for cell, reasons, chosen in survey(place):
            table.add_row(cell.lower(), *(reasons[name] or "yes" for name in names), chosen)
        _print(table)
    how = "in 16 bits" if library.multiplies_bfloat16() else "in float32"
    print(f"native kernels: {library.missing() or f'{library.isa()}, bfloat16 multiplied {how}'}")
    for place in places:
        print(_measurements(torch.get_num_threads(), gpu(torch.device(place))))


def _measurements(threads: int, gpu: str) -> str:
    """Tell which table is in force, and why the user's own is not, if so."""
    from recurra.engines.table import in_force

    table, source, ignored = in_force(threads, gpu)
    on = f"on {table.gpu}" if table.gpu else f"{table.threads} threads, {table.isa}"
    text = f"measurements: {source} table ({on}, torch {table.torch}), "
    text += f"{len(table.shapes)} shapes, {len(table.faster)} exceptions"
    again = "recurra engines --measure measures again"
    return text + (f"\nignored: {ignored}; {again}" if ignored else "")


def _measure(place: str, quick: bool) -> Path:
    """Measure behind a progress bar, store the table and return its file."""
    import torch
    from rich.progress import track

    from recurra.engines import adopt, measurement

    usual, few = measurement.USUAL, measurement.QUICK
    if place == "cuda":
        usual, few = measurement.USUAL_ON_CUDA, measurement.QUICK_ON_CUDA
    device = torch.device(place)
    asked = measurement.questions(few if quick else usual, device)
    console = Console(stderr=True)
    bar = track(asked, "measuring engines", console=console, disable=not console.is_terminal)
    return adopt(measurement.measure(bar, device=device))


def check(cell: str) -> int:
    """Check a cell of your own against every law; exit code 1 where one is broken.

    Parameters
    ----------
    cell
        `file.py:Class`, `package.module:Class`, or the name of a cell of the package.
    """
    from recurra.cells import find
    from recurra.testing import check_cell

    results = check_cell(find(cell))
    table = Table("law", "engine", "dtype", "", "what was found")
    for result in results:
        mark = "[green]holds[/]" if result.passed else "[red]BROKEN[/]"
        table.add_row(result.law, result.engine, result.dtype, mark, result.text)
    _print(table)
    broken = sum(not result.passed for result in results)
    print(f"{len(results) - broken} laws hold, {broken} broken")
    return 1 if broken else 0
