"""The page docs/gpu.md, a function of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD = """\
# On a GPU

How fast recurra is on an NVIDIA GPU, and beside whom. Written by `benchmarks/gpu/run.sh` from
[`benchmarks/results/gpu.json`](../benchmarks/results/gpu.json); no figure in it was typed.

```sh
benchmarks/gpu/run.sh    # eight minutes, on a machine with a GPU and Python 3.11 or later
```
"""
NOTHING = """
Nothing was measured yet: no GPU was at hand. The command above measures, and writes this page.
"""
METHOD = """\
A pass is forward and backward, but for streaming. Contenders take turns in blocks of 5 ms and more
by CUDA's events, after a warm-up; times are medians. **Ratio** is the peer's time over recurra's.
*first* is the seconds of recurra's first pass, compilation and recording included. What failed has
its reason.
"""
COLUMNS = (
    "what",
    "engine",
    "against",
    "recurra ms",
    "peer ms",
    "ratio",
    "must",
    "aim",
    "",
    "first s",
)


def page(machine: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """Return the page."""
    if not rows:
        return HEAD + NOTHING
    known = "".join(f"| {name} | {value} |\n" for name, value in machine.items())
    parts = [HEAD, f"| the machine | |\n|---|---|\n{known}", METHOD]
    for section in dict.fromkeys(row["section"] for row in rows):
        lines = [f"## {section}\n", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        lines += [_line(row) for row in rows if row["section"] == section]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def verdict(row: dict[str, Any]) -> str:
    """Return what a ratio means beside what was asked for."""
    ratio, must, aim = row.get("ratio"), row.get("must"), row.get("aim")
    if ratio is None or must is None:
        return ""
    if ratio < must:
        return "**MISSED**"
    return "aim" if aim is not None and ratio >= aim else "reached"


def _line(row: dict[str, Any]) -> str:
    known = [row["what"], row["engine"], row["against"]]
    if "failed" in row:
        return f"| {' | '.join(known)} | {row['failed']} |" + " |" * (len(COLUMNS) - 4)
    numbers = [_number(row.get(name)) for name in ("ours_ms", "peer_ms", "ratio", "must", "aim")]
    cells = [*known, *numbers, verdict(row), _number(row.get("first_s"))]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
