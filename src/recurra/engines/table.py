"""What was measured: where another engine is faster than the first in the order of preference."""

import json
import math
import os
import platform
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from recurra.engines.native import library

VERSION = 2  # of the file
CONDITIONS = {"torch": str, "maker": str, "isa": str, "threads": int}
SCHEMA = {"version": int, **CONDITIONS, "shapes": list, "faster": list}

MODES = ("forward", "train", "forward bfloat16", "train bfloat16")  # the latter under autocast

CUDA = "cuda"  # in place of the kernels' instruction set

Shape = tuple[int, int, int]  # batch, time, width
Faster = Mapping[tuple[str, str, Shape], str]  # (cell, mode, shape) → engine


class Table(NamedTuple):
    """Winners by measurement.

    shapes: all that were measured. faster: the engine of those cells, modes (of `MODES`) and shapes
    where the order of preference is wrong. torch, maker (of the processor; on a GPU, its name), isa
    (on a GPU "cuda"), threads: where that holds.
    """

    torch: str
    maker: str
    isa: str
    threads: int
    shapes: tuple[Shape, ...]
    faster: Faster

    @property
    def gpu(self) -> str:
        """Return the name of the GPU that it is of, "" where it is of the CPU."""
        return self.maker if self.isa == CUDA else ""

    def engine(self, cell: str, mode: str, shape: Shape) -> str | None:
        """Return the engine to be preferred at the measured shape nearest to this one.

        Near is by the ratios of batch, time and width, on a log scale.
        """
        if not self.shapes:
            return None
        return self.faster.get((cell, mode, min(self.shapes, key=lambda s: _distance(s, shape))))


class InForce(NamedTuple):
    """The table that `choose` reads, where it is from, and why the user's is not read, if so."""

    table: Table
    source: str
    ignored: str | None


@cache
def gpu(device: torch.device) -> str:
    """Return the name of the GPU, "" where the device is none."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def here(threads: int, gpu: str = "") -> tuple[str, str, str, int]:
    """Return what a table must have been measured with to hold here; see `Table`."""
    if gpu:
        return torch.__version__, gpu, CUDA, 0
    if library.missing():
        return torch.__version__, "", "none", threads
    return torch.__version__, library.vendor(), library.wide_isa(), threads


@cache
def in_force(threads: int, gpu: str = "") -> InForce:
    """Return the table that holds under these conditions: the first of these.

    The user's own (`recurra engines --measure`); the one that was measured in the background; the
    package's, where it was measured on a processor of the same maker with the same kernels. Or
    none, which is empty. Of a GPU, named, there is the user's own or none.
    """
    now, ignored = here(threads, gpu), None
    try:
        path = user_file(gpu)
        table = read(path)
        if table[:4] == now:
            return InForce(table, "your own", None)
        ignored = f"{path}: it was measured with " + " and ".join(
            f"{name} {then or 'unknown'}, and here it is {here or 'unknown'}"
            for name, then, here in zip(CONDITIONS, table, now, strict=False)
            if then != here
        )
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        ignored = f"{path}: {error}"
    except RuntimeError as error:  # there is no home
        ignored = str(error)
    if gpu:
        return InForce(Table(*now, (), {}), "no", ignored)
    with suppress(OSError, ValueError, RuntimeError):
        table = read(background_file(threads))
        if table[:4] == now:
            return InForce(table, "the background's", ignored)
    with suppress(FileNotFoundError):
        table = read(package_file(now[2]))
        if table[1:3] == now[1:3]:
            return InForce(table, "the package's", ignored)
    return InForce(Table(*now, (), {}), "no", ignored)


def read(path: Path) -> Table:
    """Return the table in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, of another version, or no such table.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({error})") from error
    if not isinstance(content, dict) or any(
        type(content.get(name)) is not kind for name, kind in SCHEMA.items()
    ):
        raise ValueError("it is no table of engines")
    if content["version"] != VERSION:
        raise ValueError(f"it is of version {content['version']}, and this is {VERSION}")
    shapes = tuple(_shape(shape) for shape in content["shapes"])
    faster = dict(_line(line) for line in content["faster"])
    if any(shape not in shapes for _, _, shape in faster):
        raise ValueError("it tells of shapes that it does not list")
    version, maker, isa, threads = (content[name] for name in CONDITIONS)
    return Table(version, maker, isa, threads, shapes, faster)


def write(path: Path, table: Table) -> None:
    """Write a table, one line for each cell, mode and shape; wholly or not at all.

    Raises:
        OSError: the disk refuses.
    """
    head = {"version": VERSION, **{name: getattr(table, name) for name in CONDITIONS}}
    lines = [[cell, mode, *shape, engine] for (cell, mode, shape), engine in table.faster.items()]
    text = json.dumps(head)[:-1] + ',\n"shapes": ' + _list(table.shapes)
    text += ',\n"faster": ' + _list(sorted(lines)) + "}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)


def package_file(isa: str) -> Path:
    """Return the package's table for the kernels of an instruction set, if it has one."""
    return Path(__file__).parent / "measured" / f"{isa}.json"


def cache_folder() -> Path:
    """Return where what was measured or computed once is kept: XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "recurra"


def user_file(gpu: str = "") -> Path:
    """Return the file of the user's own table, of the CPU or of a GPU by name."""
    return cache_folder() / (f"engines-{_plain(gpu)}.json" if gpu else "engines.json")


def background_file(threads: int) -> Path:
    """Return the file of what is measured in the background on this processor."""
    name = "-".join(_plain(part) for part in (_processor(), *here(threads)))
    return cache_folder() / "engines" / f"{name}.json"


def _plain(part: object) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", str(part))


def _processor(about: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the processor's model: a home may be that of several machines."""
    with suppress(OSError, UnicodeDecodeError):  # not Linux
        for line in about.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _distance(one: Shape, other: Shape) -> float:
    return sum(math.log2(a / max(b, 1)) ** 2 for a, b in zip(one, other, strict=True))


def _shape(sizes: Any) -> Shape:
    if not isinstance(sizes, list) or len(sizes) != 3:
        raise ValueError(f"{sizes!r} is no batch, time and width")
    if any(type(size) is not int or size < 1 for size in sizes):
        raise ValueError(f"{sizes!r} is no batch, time and width")
    batch, time, width = sizes
    return batch, time, width


def _line(line: Any) -> tuple[tuple[str, str, Shape], str]:
    match line:
        case [str(cell), str(mode), *sizes, str(engine)] if mode in MODES:
            return (cell, mode, _shape(sizes)), engine
    raise ValueError(f"{line!r} is no cell, mode, batch, time, width, engine")


def _list(items: Any) -> str:
    return "[\n" + ",\n".join(json.dumps(item) for item in items) + "\n]"
