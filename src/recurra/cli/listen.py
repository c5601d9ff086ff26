"""`recurra listen`: what a model of music writes, in figures, files and sound."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from recurra.cli.use import Cell
from recurra.cli.whole import Whole
from recurra.errors import RecurraError


def listen(
    bundle: Path,
    /,
    *,
    pieces: Whole = 50,
    data: str | None = None,
    out: Path | None = None,
    sounds: Whole = 3,
    seed: Whole = 0,
    as_json: bool = False,
    cell: Cell = None,
    **fields: Any,
) -> None:
    """Have a model of music write pieces, and show what they sound like beside the test part.

    A folder is written: the pieces (.mid), the figures (listen.json), a page with histograms
    (listen.html) and, where fluidsynth or timidity is installed, the first pieces as sound (.wav).

    Parameters
    ----------
    bundle
        Folder of a trained model.
    pieces
        How many are written, at most 1000.
    data
        File or folder, as for `recurra train`; none: the data that the model was trained on.
    out
        Folder to write; none: `listen` in the bundle's.
    sounds
        How many of the pieces are made into sound, where that is possible.
    seed
        Seed of the sampling.
    as_json
        One JSON object, what listen.json holds, instead of a table.
    """
    from recurra.cli.options import check_fields
    from recurra.tasks.model import load
    from recurra.tasks.pieces import listen as heard

    check_fields({"seed": seed, **fields})
    if sounds < 0:
        raise RecurraError(f"sounds: received {sounds}; allowed is a whole number, 0 or more")
    found = heard(load(bundle, cell=cell), pieces, data=data, seed=seed, **fields)
    home = out or bundle / "listen"
    files = found.save(home)
    said = render(files[:sounds])
    told = found.asdict()
    if as_json:
        print(json.dumps(told))
        print(said, file=sys.stderr)
    else:
        show(told)
        print(f"{home}: {len(files)} pieces (.mid), listen.json, listen.html; {said}")


def render(files: list[Path]) -> str:
    """Make sound of files, as far as that is possible, and return one line of what came of it."""
    from recurra.tasks.pieces import synthesiser

    if not files:
        return "no sound was asked for"
    try:
        player = synthesiser.find()
        if player is None:
            return synthesiser.MISSING
        for file in files:
            player.render(file, file.with_suffix(".wav"))
    except RecurraError as error:
        return str(error)
    return f"{len(files)} of them as sound (.wav)"


def show(told: dict[str, Any]) -> None:
    """Print the table, and where the longest copy stands."""
    from rich.console import Console
    from rich.table import Table

    from recurra.tasks.pieces.page import found_in, rows

    table = Table(told["task"], *told["sets"])
    for name, cells in rows(told):
        table.add_row(name, *cells)
    Console(file=sys.stdout).print(table)
    longest = told["sets"]["written"]["copied"]["same_pitch"]["longest"]
    if longest:
        print(found_in(longest))
