"""`recurra export`: a trained model as a folder that any ONNX runtime runs."""

from __future__ import annotations

from pathlib import Path

from recurra.cli.use import Cell
from recurra.cli.whole import Whole


def export(
    model: Path,
    /,
    *,
    to: Path,
    data: str | None = None,
    rows: Whole = 200,
    fp16: bool = False,
    int8: bool = False,
    int8_dynamic: bool = False,
    web: bool = False,
    cell: Cell = None,
) -> None:
    """Write a trained model as ONNX graphs, and prove that they say the same.

    Writes a graph for whole sequences and, where the model streams or writes, one for a step, whose
    state goes in and comes out. export.json says what each of them takes and gives, and where to
    begin. Before it is done, ONNX Runtime answers real examples in batches of several sizes, whole,
    in chunks and step by step; where it differs from the model, nothing is written.

        recurra export runs/sentiment --to exported

    With --web, the folder is a page that answers by itself, from any server of files:

        recurra export runs/sentiment --to site --web
        python -m http.server --directory site

    Parameters
    ----------
    model
        Folder of a trained model.
    to
        Folder of the graphs.
    data
        Examples to compare on: file or folder, as for `recurra train`; none: its own test part.
    rows
        How many of them, at most.
    fp16
        Beside the graphs, write them with weights of 16 bits, and show size, time and metrics.
    int8
        The same with weights of 8 bits.
    int8_dynamic
        The same with products of 8 bits: inputs are rounded, too, as they come.
    web
        Write a page that answers in the browser; models exported there before stay. Needs npm.
    """
    from recurra.onnx import web as page
    from recurra.onnx.browser import runtime
    from recurra.onnx.export import export as exported
    from recurra.serve.models import serve
    from recurra.tasks.model import load

    asked = {"fp16": fp16, "int8": int8, "int8-dynamic": int8_dynamic}
    weights = [kind for kind, wanted in asked.items() if wanted]
    if web:
        runtime()  # before the work: npm may be missing
    loaded, called = load(model, cell=cell), model.resolve().name
    place = page.place(to, called) if web else to
    found = exported(loaded, place, data=data, rows=rows, weights=weights)
    for name, size in found.graphs.items():
        print(f"{name:<16} {size / 1e6:.2f} MB")
    for one in found.compared:
        print(f"{one.graph:<9} {one.how:<13} largest difference {one.difference:.1e}")
    for name, (own, theirs) in found.metrics.items():
        print(f"{name:<24} {own:.6g} by the model, {theirs:.6g} by ONNX Runtime")
    for kind, told in found.narrowed.items():
        print(
            f"{kind:<13} {told.bytes / 1e6:.2f} MB, {told.seconds / found.seconds:.2f} × the time"
        )
        print("".join(f"  {name} {value:.6g}" for name, value in told.metrics.items()))
    print(f"{found.rows} examples; written: {found.folder}")
    if web:
        size = page.write(to, serve(called, loaded).describe(), loaded)
        print(f"{size / 1e6:.1f} MB to serve: python -m http.server --directory {to}")
