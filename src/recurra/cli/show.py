"""`recurra tasks`, `cells`, `engines`, `check`: what there is, and whether it is right."""

import sys

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


def engines() -> None:
    """Show which engine takes which cell here, which one is chosen, and why not another."""
    from recurra.engines import PREFERENCE, survey

    names = [engine.name for engine in PREFERENCE]
    table = Table("cell", *names, "chosen", show_lines=True)
    for cell, reasons, chosen in survey():
        table.add_row(cell.lower(), *(reasons[name] or "yes" for name in names), chosen)
    _print(table)


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
