"""`recurra diagnose`: why a model does not learn, and what its cure changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra.cli.use import Cell
from recurra.cli.whole import Whole
from recurra.errors import RecurraError

if TYPE_CHECKING:
    from recurra.diagnostics.report import Report


def diagnose(
    model: str,
    /,
    *,
    data: str | None = None,
    out: Path | None = None,
    cure: bool = False,
    seed: Whole = 0,
    as_json: bool = False,
    cell: Cell = None,
) -> None:
    """Show why a recurrent network does not learn: gradients through time, verdicts, cures.

    Writes report.json and report.html beside what it prints.

    Parameters
    ----------
    model
        Folder of a trained model; or `file.py:build_model` or `package.module:build_model`, a
        function of yours without arguments that returns (model, batch, loss_fn).
    data
        Of a trained model: file or folder, as for `recurra train`; none: its training part.
    out
        Folder of the two reports; none: `diagnosis`, in the model's folder or here.
    cure
        Apply what can be applied (initialisation, cell, clipping) to a new model, untrained, and
        show its report beside the first.
    seed
        Of the directions that are followed back, and of a new model's weights.
    as_json
        Print report.json instead of the screen.
    """
    import json

    home = Path(model)
    function = ":" in model and not home.exists()
    if function and data is not None:
        raise RecurraError(f"--data is of a trained model; {model} brings its own batch")
    folder = out or (Path("diagnosis") if function else home / "diagnosis")
    first, second, done = (
        _of_function(model, cure, seed)
        if function
        else _of_bundle(home, data, cell, folder if cure else None, seed)
    )
    shown, before = (first, None) if second is None else (second, first)
    paths = shown.save(folder, before)
    if as_json:
        print(json.dumps(json.loads(paths[0].read_text(encoding="utf-8"))))
    else:
        first.show()
        for line in done:
            print(line)
        if second is not None:
            second.show(before=first)
    print(f"written: {paths[0]}, {paths[1]}", file=sys.stderr)


Told = tuple["Report", "Report | None", list[str]]


def _of_function(name: str, cure: bool, seed: int) -> Told:
    """Return the report of a user's own model, and of a new one with the cure."""
    import torch

    from recurra.diagnostics.cures import cured
    from recurra.named import named
    from recurra.tasks.diagnosis import diagnose

    build = named("function", name)
    if not callable(build):
        raise RecurraError(f"{name.rsplit(':', 1)[0]} has no function {name.rsplit(':', 1)[1]}")

    def built() -> tuple[Any, Any, Any]:
        torch.manual_seed(seed)
        try:
            found = build()
        except RecurraError:
            raise
        except Exception as error:  # whatever the user's own code raises
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise RecurraError(f"{name} fails: {reason}") from error
        if not isinstance(found, tuple) or len(found) != 3:
            kind = type(found).__name__
            raise RecurraError(f"{name} returned a {kind}; it returns (model, batch, loss_fn)")
        return found

    model, batch, loss_fn = built()
    first = diagnose(model, batch, loss_fn, seed=seed)
    first.title = name
    if not cure:
        return first, None, []
    model, batch, loss_fn = built()
    done = cured(model, first)
    if not done:
        return first, None, ["nothing was applied: no finding has a cure that a new model can take"]
    second = diagnose(model, batch, loss_fn, seed=seed)
    second.title = f"{name}, cured: " + "; ".join(done)
    return first, second, [f"applied to a new model: {line}" for line in done]


def _of_bundle(
    home: Path, data: str | None, cell: str | None, cure: Path | None, seed: int
) -> Told:
    """Return the report of a trained model, and of a new one by the cured recipe.

    `cure`: the folder that its recipe is written to; None: no cure is asked for.
    """
    from recurra.tasks.cure import retaken, write
    from recurra.tasks.diagnosis import diagnose
    from recurra.tasks.model import load

    model = load(home, cell=cell)
    first = diagnose(model, data=data, seed=seed)
    if cure is None:
        return first, None, []
    new, flags = retaken(model, first)
    if new is None:
        return first, None, flags
    second = diagnose(new, data=data, seed=seed, trained=False)
    second.title += ", cured and not trained yet: " + " ".join(flags)
    path = write(new, cure)
    said = (
        f"applied to the recipe: {' '.join(flags)}; the second report is of a new model by it, not "
        f"trained yet; train it: recurra train {model.task.name} --config {path}"
    )
    return first, second, [said]
