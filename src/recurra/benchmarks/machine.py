"""What the machine can do: the GEMM's peak, the memory's bandwidth, and what it is called."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from recurra.benchmarks.timing import Pace, race
from recurra.engines.native import library
from recurra.errors import RecurraError
from recurra.storage import reason, replace_text

SIDE = 1024  # of the matrices multiplied
LARGE = 1 << 25  # numbers of an array of the triad, 128 MiB: in no cache
PACKAGES = ("torch", "numpy", "onnxruntime", "jax", "keras", "minGRU-pytorch", "torchrecurrent")


def gemm(pace: Pace) -> float:
    """Return the operations per second of torch's float32 product, in 10⁹."""
    a, b, out = (torch.randn(SIDE, SIDE) for _ in range(3))
    timing = race({"gemm": lambda: torch.mm(a, b, out=out)}, pace)
    return 2 * SIDE**3 / timing.median("gemm") / 1e9


def triad(size: int) -> tuple[Callable[[], object], str]:
    """Return a run of a ← b + s · c over arrays of `size` numbers, and what it is called.

    McCalpin 1995, "Memory bandwidth and machine balance in current high performance computers".
    """
    a, b, c = torch.empty(size), torch.randn(size), torch.randn(size)
    if hasattr(library, "triad"):
        native = library.triad
        return lambda: native(a, b, c), "triad, stored past the caches"
    return lambda: torch.add(b, c, alpha=2.0, out=a), "triad by torch.add(out=)"


def bandwidth(pace: Pace) -> float:
    """Return the bytes per second of a triad in memory, in 10⁹."""
    move, _ = triad(LARGE)
    return 12 * LARGE / race({"triad": move}, pace).median("triad") / 1e9


def describe(threads: int, pace: Pace) -> dict[str, Any]:
    """Return what a reader must know to compare the figures with others."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    return {
        "processor": f"{processor()}, {os.cpu_count()} CPUs",
        "threads": threads,
        "instruction set": "no native library" if library.missing() else library.isa(),
        "GFLOP/s": round(gemm(pace), 1),
        "GB/s": round(bandwidth(pace), 1),
        "bandwidth by": triad(1)[1],
        "software": ", ".join([f"Python {platform.python_version()}", *versions]),
        "day": date.today().isoformat(),
    }


def label(known: dict[str, Any]) -> str:
    """Return a machine and a day in one line; "" where nothing was measured."""
    if "processor" not in known:
        return ""
    return f"{known['processor']}, {known['GFLOP/s']:.0f} GFLOP/s, {known['day']}"


def read(path: Path) -> dict[str, Any]:
    """Return what is known of the machine, nothing where there is no file.

    Raises:
        RecurraError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecurraError(
            f"{path} cannot be read: {reason(error)}; delete it to start afresh"
        ) from error
    return known if isinstance(known, dict) else {}


def write(path: Path, known: dict[str, Any]) -> None:
    """Write what is known of the machine.

    Raises:
        RecurraError: the disk refused.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error


def processor() -> str:
    """Return the processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main(argv: list[str]) -> None:
    """Print the description as JSON."""
    torch.set_num_threads(int(argv[0]))
    print(json.dumps(describe(int(argv[0]), Pace(budget=3.0))))


if __name__ == "__main__":
    main(sys.argv[1:])
