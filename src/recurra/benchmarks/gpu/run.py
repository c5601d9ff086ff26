"""Measure on a GPU, row by row, and write what is known after each.

python -m recurra.benchmarks.gpu.run --root . --seconds 360
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import torch

from recurra.benchmarks.gpu.cases import Case, cases, engine
from recurra.benchmarks.gpu.clock import medians, once
from recurra.benchmarks.gpu.page import page
from recurra.engines.graph.recorder import taped
from recurra.storage import replace_text

NO_GPU = "there is no NVIDIA GPU that torch can use here: nothing was measured"


def measured(case: Case, device: torch.device, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield a row for each peer of a case; what fails is a row that says why."""
    row: dict[str, Any] = {"section": case.section, "what": case.what, "engine": ""}
    try:
        job = case.job()
        row["engine"] = case.engine or engine(job)
        ours = case.ours(job)
        row["first_s"] = once(ours, device)
    # any library may raise anything at its first run on a new machine: a row tells, and all goes on
    except Exception as error:
        yield {**row, "against": "", "failed": _reason(error)}
        return
    for name, make in case.peers.items():
        target = case.targets.get(name)
        asked = {"must": target.must, "aim": target.aim} if target else {}
        try:
            peer = make(job)
            once(peer, device)
            found = medians({"ours": ours, "peer": peer}, device, seconds)
        # as above
        except Exception as error:
            yield {**row, "against": name, **asked, "failed": _reason(error)}
            continue
        times = {"ours_ms": found["ours"], "peer_ms": found["peer"]}
        yield {**row, "against": name, **asked, **times, "ratio": found["peer"] / found["ours"]}


def machine(device: torch.device) -> dict[str, Any]:
    """Return what a reader must know."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "the CPU, dry: no figure counts",
        "software": f"torch {torch.__version__}, CUDA {torch.version.cuda}, "
        f"Python {sys.version.split()[0]}",
        "day": date.today().isoformat(),
    }


def _reason(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text[:200].replace("|", "/")


def write(root: Path, known: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write results and page."""
    results = root / "benchmarks" / "results" / "gpu.json"
    for path in (results, root / "docs" / "gpu.md"):
        path.parent.mkdir(parents=True, exist_ok=True)
    if rows:
        replace_text(results, json.dumps({"machine": known, "rows": rows}, indent=1) + "\n")
    replace_text(root / "docs" / "gpu.md", page(known, rows))


def main(argv: list[str] | None = None) -> int:
    """Measure, and return an exit code: 2 where there is no GPU."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--seconds", type=float, default=360.0, help="of all, about")
    parser.add_argument("--each", type=float, default=2.0, help="of a comparison")
    parser.add_argument("--dry", action="store_true", help="a few numbers, on the CPU")
    parser.add_argument("--page", action="store_true", help="the page of what is known, alone")
    given = parser.parse_args(argv)
    if given.page:
        path = given.root / "benchmarks" / "results" / "gpu.json"
        content = json.loads(path.read_text()) if path.exists() else {"machine": {}, "rows": []}
        write(given.root, content["machine"], content["rows"])
        return 0
    if not given.dry and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 2
    device = torch.device("cpu" if given.dry else "cuda")
    began, rows, known = time.perf_counter(), list[dict[str, Any]](), machine(device)
    with ExitStack() as stack:
        if given.dry:
            stack.enter_context(taped())
        for case in cases(device, dry=given.dry):
            if time.perf_counter() - began > given.seconds:
                told = {"section": case.section, "what": case.what, "against": ""}
                rows.append({**told, "engine": "", "failed": "left out: the time was over"})
                continue
            for row in measured(case, device, given.each):
                rows.append(row)
                print(json.dumps(row), flush=True)
                write(given.root, known, rows)
    write(given.root, known, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
