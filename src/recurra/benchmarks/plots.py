"""The page's plots as SVG, from the rows alone; the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recurra.benchmarks.report import Image
from recurra.benchmarks.results import Row
from recurra.errors import MissingExtra

COLOURS = {"LSTM": "#4c78a8", "GRU": "#59a14f", "Elman": "#e4572e", "MinGRU": "#b279a2"}
GATES = {"LSTM": 4, "GRU": 3, "Elman": 1}
OURS, THEIRS = "#4c78a8", "#bbbbbb"


def draw(rows: Sequence[Row], machine: dict[str, Any], folder: Path) -> list[Image]:
    """Write the plots that these rows suffice for, and return them.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtra("plotting", "matplotlib", "bench") from error
    matplotlib.use("svg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    plots: list[tuple[str, str, Callable[..., bool]]] = [
        (
            "speed-ratios.svg",
            "Every ratio with something asked of it: the bar is what it must reach",
            ratios,
        ),
        (
            "speed-time.svg",
            "A train step against the number of steps T, recurra and torch.nn",
            time,
        ),
        ("speed-width.svg", "A train step of 32 rows, 128 steps, against width", width),
        (
            "speed-share.svg",
            "Share of the machine's measured peaks that train steps and scans reach",
            share,
        ),
    ]
    style = {
        "svg.hashsalt": "recurra",
        "svg.fonttype": "none",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    for file, caption, plot in plots:
        with matplotlib.rc_context(style):
            figure = pyplot.figure(figsize=(9, 4), layout="constrained")
            if plot(figure, rows, machine):
                # no date, so that the same rows give the same file
                figure.savefig(folder / file, metadata={"Date": None})
                drawn.append(Image(file, caption + "."))
            pyplot.close(figure)
    return drawn


def ratios(figure: Any, rows: Sequence[Row], _: dict[str, Any]) -> bool:
    """Draw ratios over what they must reach."""
    asked = [
        row for row in rows if row.must and row.ours_ms is not None and row.question != "start"
    ]
    if not asked:
        return False
    figure.set_size_inches(9, 1 + 0.2 * len(asked))
    axes = figure.subplots()
    for place, row in enumerate(reversed(asked)):
        assert row.must is not None
        missed = row.ratio < row.must
        axes.barh(place, row.must, color="#e8e6e1", left=0)
        axes.plot(row.ratio, place, "o", color="#e4572e" if missed else OURS, markersize=5)
        if row.aim is not None:
            axes.plot(row.aim, place, "|", color="#888888", markersize=9)
    labels = [f"{row.question}: {row.cell} {_sizes(row)} / {row.peer}" for row in reversed(asked)]
    axes.set_yticks(range(len(asked)), labels, fontsize=7)
    axes.set_xscale("log")
    axes.set_xlabel("peer's time over recurra's (line: the aim)")
    axes.axvline(1, color="#888888", linewidth=0.8)
    return True


def _sizes(row: Row) -> str:
    return "×".join(map(str, row.shape[:2] + row.shape[3:])) if row.shape else ""


def _points(rows: Sequence[Row], cell: str, wanted: Callable[[Row], bool]) -> list[Row]:
    found = [row for row in rows if row.cell == cell and wanted(row)]
    return sorted(found, key=lambda row: row.shape)


def _line(axes: Any, points: list[Row], axis: int, cell: str, *, peer: bool) -> None:
    x = [row.shape[axis] for row in points]
    axes.plot(x, [row.ours_ms for row in points], "o-", color=COLOURS[cell], label=cell, ms=4)
    if peer:
        times = [row.peer_ms for row in points]
        axes.plot(x, times, "x--", color=COLOURS[cell], label=f"{cell}, {points[0].peer}", ms=4)


def time(figure: Any, rows: Sequence[Row], _: dict[str, Any]) -> bool:
    """Draw time against T: short ones beside torch.nn, long ones alone."""
    short, long = figure.subplots(1, 2)
    drawn = False
    for cell in COLOURS:
        points = _points(
            rows,
            cell,
            lambda row: row.question == "grid" and not row.note and row.shape[::2] == (8, 256),
        )
        if points:
            _line(short, points, 1, cell, peer=True)
            drawn = True
        points = _points(
            rows, cell, lambda row: row.question == "growth" and row.ours_ms is not None
        )
        if points:
            _line(long, points, 1, cell, peer=False)
            drawn = True
    for axes, title in ((short, "8 rows, 256 wide"), (long, "1 row, 64 wide: 1,024 to 131,072")):
        _logarithmic(axes, "T, steps", title)
    return drawn


def width(figure: Any, rows: Sequence[Row], _: dict[str, Any]) -> bool:
    """Draw time against width, each cell beside torch.nn."""
    every, drawn = figure.subplots(1, 3, sharey=True), False
    for axes, cell in zip(every, GATES, strict=True):
        points = _points(
            rows,
            cell,
            lambda row: row.question == "grid" and not row.note and row.shape[:2] == (32, 128),
        )
        if points:
            _line(axes, points, 3, cell, peer=True)
            _logarithmic(axes, "width, I = H", cell)
            drawn = True
    return drawn


def _logarithmic(axes: Any, label: str, title: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("ms per train step")
    axes.set_title(title)
    if axes.lines:
        axes.legend(fontsize=7, frameon=False)


def operations(row: Row) -> int:
    """Return the multiplications and additions of a classic cell's train step.

    A product of [n, k] and [k, m] has 2 n k m of them; the backward pass has two for each forward.
    """
    batch, steps, inputs, hidden = row.shape
    return 3 * 2 * batch * steps * GATES[row.cell] * hidden * (inputs + hidden)


def share(figure: Any, rows: Sequence[Row], machine: dict[str, Any]) -> bool:
    """Draw shares of the GEMM's peak and of the memory's bandwidth."""
    peak = machine.get("GFLOP/s")
    steps = [row for row in rows if row.question == "classic" and row.part == "torch"]
    scans = [row for row in rows if row.question == "scan"]
    if not peak or not (steps or scans):
        return False
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    for place, row in enumerate(steps):
        for shift, ms, colour in ((-0.2, row.ours_ms, OURS), (0.2, row.peer_ms, THEIRS)):
            reached = operations(row) / (ms or 1.0) / 1e6 / peak
            left.bar(place + shift, 100 * reached, 0.4, color=colour)
    left.set_xticks(range(len(steps)), [f"{row.cell}\n{_sizes(row)}" for row in steps], fontsize=7)
    left.set_ylabel(f"% of {peak:.0f} GFLOP/s")
    left.set_title("train steps: recurra (blue), torch.nn (grey)")
    for place, row in enumerate(scans):
        right.bar(place, 100 * row.ratio, color=OURS)
    right.set_xticks(range(len(scans)), [_sizes(row) for row in scans], fontsize=7)
    right.set_ylabel("% of the triad's bandwidth")
    right.set_title("scan alone")
    return True
