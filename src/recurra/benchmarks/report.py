"""The page docs/speed.md, from the rows alone: the same rows give the same page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from recurra.benchmarks.question import Question
from recurra.benchmarks.results import Row

INTRODUCTION = """\
# Speed

How fast recurra is on a CPU, and beside whom. This page is written by `recurra bench speed`, from
[`benchmarks/results/speed.json`](../benchmarks/results/speed.json); no figure in it was typed.
**Ratio** is the peer's median time over recurra's: 2 means that recurra takes half the time, and
below 1 recurra is slower. Losses stand in their tables as wins do, and once more in a list of
their own.
"""

METHOD = """\
## How it was measured

- Recurra is called as a user calls it: `Recurrent(cell)(x)`, in float32, with the engine that it
  chooses by itself. *engine* says which one that was.
- Every peer gets the same weights, data and number of threads, and its best setting: JAX and Keras
  compiled by `jax.jit` before the clock starts, `lax.scan` with its loop unrolled by 1, 4 or 16
  steps, whichever is the quickest at that shape, ONNX Runtime with IO binding and its own memory
  layout, `torch.nn` batch first, projections taken out of the loop where one writes the loop.
  Without gradients, torch's modules and recurra's are in evaluation mode, under `inference_mode`.
- *Plain PyTorch*, beside which a whole training run is timed, is the loop of a good engineer: rows
  sorted by length within 50 batches of the shuffled epoch, AdamW fused, gradients clipped by
  `foreach`, no DataLoader; validation and test sorted by length too, under `inference_mode`.
  *packed* is one bidirectional module on a `PackedSequence`; *padded* is two modules with time
  first, the second of which reads each row in reverse within its own length, as recurra does;
  *padded, bidirectional=True* is one module that begins to read backward in the padding. All pool
  by attention over the row's own steps, and the accuracy of each stands beside its time.
- First the answers (outputs, the gradient of the input, and of those weights that both have) are
  compared with the reference engines in float64. Were recurra wrong by more than 2e-5 of the
  largest number, in 16 bits by more than 24 · 2⁻⁸, it would not be timed. *error* and *peer's
  error* say what was found.
- Then recurra and its peers run in turn, in blocks of 5 ms and more, in one process. Before a
  block of short runs there is a pause and a block that is not timed, so that caches and thread
  pools are the contender's own again. A block in which threads waited for a CPU for more than 2 %
  of the time is not counted (Linux tells: `schedstat`), unless too few are left:
  libraries with more threads than CPUs wait for themselves.
- Times are medians of blocks. *spread* is the distance of the quartiles of the rounds' ratios.
- Parts of a question whose peers bring thread pools of their own (JAX, ONNX Runtime) have a process
  each, in which recurra is timed again.
- *must* and *aim* were written down before anything was measured. `MISSED` is below the first.
"""

VERDICTS = ("aim", "reached", "MISSED", "won", "LOST")


class Image(NamedTuple):
    """A plot, and what it shows."""

    file: str
    caption: str


def page(
    rows: Sequence[Row],
    machine: dict[str, Any],
    questions: Sequence[Question],
    images: Sequence[Image],
) -> str:
    """Return the page."""
    parts = [INTRODUCTION, summary(rows), describe(machine), METHOD]
    for image in images:
        parts.append(f"![{image.caption}](images/{image.file})\n\n*{image.caption}*\n")
    for question in questions:
        own = [row for row in rows if row.question == question.name]
        if own:
            parts.append(f"## {question.name}: {question.asks}\n\n{measured_on(own)}\n")
            parts += grid(own) if question.name == "grid" else [table(own)]
    return "\n".join([*parts, losses(rows), absent(machine), COMMAND])


EARLIER = "a machine that was not noted at the time"

COMMAND = """\
## Run it again

```sh
pip install 'recurra[bench]'
recurra bench speed                       # all of it: half an hour
recurra bench speed --question classic    # one question; its rows replace the old ones
recurra bench speed --quick               # does all of it work? a minute, nothing is written
```
"""


def summary(rows: Sequence[Row]) -> str:
    """Return how many comparisons there are of each verdict."""
    asked = [row for row in rows if row.must is not None]
    count = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    return (
        f"Of {len(asked)} ratios that something was asked of, {count['aim']} reach their aim, "
        f"{count['reached']} more what they must reach, and **{count['MISSED']} miss it**. Of the "
        f"{len(rows) - len(asked)} others, recurra is ahead in {count['won']} and behind in "
        f"**{count['LOST']}**.\n"
    )


def describe(machine: dict[str, Any]) -> str:
    """Return the machine as a table."""
    if "processor" not in machine:
        return ""
    lines = [
        ("processor", f"{machine['processor']}, {machine['threads']} threads used"),
        ("recurra's kernels", machine["instruction set"]),
        ("GEMM peak", f"{machine['GFLOP/s']} GFLOP/s (float32, 1024³, `torch.mm`)"),
        ("memory", f"{machine['GB/s']} GB/s ({machine['bandwidth by']})"),
        ("software", machine["software"]),
        ("day", machine["day"]),
    ]
    rows = "\n".join(f"| {name} | {value} |" for name, value in lines)
    return f"| the machine | of the last run |\n|---|---|\n{rows}\n"


def measured_on(rows: Sequence[Row]) -> str:
    """Return where and when the rows of a question were measured."""
    places = dict.fromkeys(row.machine or EARLIER for row in rows)
    return f"Measured on: {'; '.join(places)}."


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    head = (
        "| cell | shape | threads | engine | against | recurra ms | peer ms | ratio | spread | "
        "must | aim | | error | peer's error | |\n"
        "|---|---|--:|---|---|--:|--:|--:|--:|--:|--:|---|--:|--:|---|"
    )
    return "\n".join([head, *map(_cells, rows)]) + "\n"


def _cells(row: Row) -> str:
    verdict = {"MISSED": "**MISSED**", "LOST": "**LOST**"}.get(row.verdict, row.verdict)
    cells = [
        row.cell,
        " × ".join(map(str, row.shape)),
        str(row.threads),
        row.engine,
        row.peer,
        number(row.ours_ms),
        number(row.peer_ms),
        f"**{number(row.ratio)}**",
        "" if row.spread is None else f"{row.spread:.0%}",
        number(row.must),
        number(row.aim),
        verdict,
        "" if row.error is None else f"{row.error:.0e}",
        "" if row.peer_error is None else f"{row.peer_error:.0e}",
        row.note,
    ]
    return "| " + " | ".join(cells) + " |"


def number(value: float | None) -> str:
    """Return three digits of a number."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def grid(rows: Sequence[Row]) -> list[str]:
    """Return the summaries, and the ratio of each point: batch and time down, width across."""
    parts = [table([row for row in rows if row.note])]
    for cell in dict.fromkeys(row.cell for row in rows):
        points = {row.shape: row for row in rows if row.cell == cell and not row.note}
        widths = sorted({shape[3] for shape in points})
        lines = [
            f"| {cell}: ratio at B, T | " + " | ".join(f"H {width}" for width in widths) + " |",
            "|---|" + "--:|" * len(widths),
        ]
        for batch, steps in sorted({shape[:2] for shape in points}):
            found = [points.get((batch, steps, width, width)) for width in widths]
            cells = [("" if row is None else _lost(row.ratio)) for row in found]
            lines.append(f"| {batch}, {steps} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines) + "\n")
    return parts


def _lost(ratio: float) -> str:
    return f"**{number(ratio)}**" if ratio < 1 else number(ratio)


def losses(rows: Sequence[Row]) -> str:
    """Return every row in which recurra is behind its peer, or misses what was asked."""
    lost = [row for row in rows if row.verdict in ("MISSED", "LOST")]
    if not lost:
        return "## Where recurra loses\n\nNowhere in this run.\n"
    lost.sort(key=lambda row: row.ratio / (row.must or 1.0))
    return f"## Where recurra loses\n\nThe worst first, {len(lost)} in all.\n\n{table(lost)}"


def absent(machine: dict[str, Any]) -> str:
    """Return what was left out, and why."""
    left_out = machine.get("left out") or {}
    if not left_out:
        return ""
    lines = "\n".join(f"- {where}: {why}" for where, why in sorted(left_out.items()))
    return f"## What was left out\n\n{lines}\n"


def line(row: Row) -> str:
    """Return a row for the screen."""
    shape = "x".join(map(str, row.shape))
    times = "" if row.ours_ms is None else f"{number(row.ours_ms)} / {number(row.peer_ms)} ms  "
    asked = "" if row.must is None else f"must {number(row.must)}  "
    return (
        f"{row.cell} {shape} against {row.peer}: {times}ratio {number(row.ratio)}  "
        f"{asked}{row.verdict}  {row.note}".rstrip()
    )
