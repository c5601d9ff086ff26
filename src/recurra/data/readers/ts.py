"""`.ts` files of the UCR and UEA archives: a header of directives, then a series a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recurra.data.readers.columns import as_label
from recurra.data.readers.reals import ABSENT, Room, reals
from recurra.data.readers.signal import Plan, Signal, counted
from recurra.data.readers.text import Rows, every_line
from recurra.errors import DataError

LONGEST = 1 << 24  # characters of a line: all channels of a series
IGNORED = frozenset(
    {"problemname", "missing", "equallength", "serieslength", "univariate", "description"}
)


def is_ts(path: Path) -> bool:
    """Return whether a file is one of series by its name."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(".ts") and not name.startswith(".") and path.is_file()


@dataclass
class Header:
    """What the directives say.

    Args:
        path: the file.
        labels: the classes; None: series have none.
        dimensions: channels of a series; 0: not said.
    """

    path: Path
    labels: list[str] | None = None
    dimensions: int = 0

    def take(self, line: str, row: int, rows: Rows) -> bool:
        """Read one directive; return whether it is the last, @data.

        Raises:
            DataError: it says what cannot be read.
        """
        name, *values = line[1:].split()
        name, on = name.lower(), bool(values) and values[0].lower() == "true"
        if name == "data":
            return True
        if name == "timestamps":
            if on:
                raise DataError(
                    self.path, "has time stamps; write the values alone, @timeStamps false", row
                )
        elif name == "targetlabel":
            if on:
                raise DataError(self.path, "has numbers as targets; classes are needed", row)
        elif name == "classlabel":
            self.labels = [as_label(label) for label in values[1:]] if on else None
            if on and not self.labels:
                raise DataError(self.path, "names no class after @classLabel true", row)
        elif name in ("dimensions", "dimension"):
            if not values or not values[0].isascii() or not values[0].isdigit():
                raise DataError(self.path, f"has no number of channels in {line.strip()!r}", row)
            self.dimensions = int(values[0])
        elif name not in IGNORED:
            rows.note(self.path, f"@{name} is left out")
        if name == "univariate" and on:
            self.dimensions = 1
        return False


def read_ts(path: Path, rows: Rows, plan: Plan) -> list[Signal]:
    """Return the series of a file.

        @problemName Vowels     @timeStamps false    @classLabel true 1 2
        @data
        1.5,1.6,?:0.1,0.2,0.3:1          two channels of three steps, one number missing, class 1

    Middlehurst et al. 2024, https://jmlr.org/papers/v25/23-1444.html (aeon).

    Raises:
        DataError: the file cannot be used, or one of its rows and `rows` does not skip.
    """
    header, room = Header(path), Room(path)
    found: list[Signal] = []
    data = False
    for row, line in every_line(path, rows, longest=LONGEST):
        if line is None or not line.strip() or line.startswith(("#", "%")):
            continue
        if data:
            signal = _series(path, row, line, header, rows, plan)
            if signal is not None:
                room.take(signal.values.size, row)
                found.append(signal)
        elif line.startswith("@"):
            data = header.take(line, row, rows)
            if data and header.labels is None and plan.labelled:
                raise DataError(path, "has no classes: @classLabel true NAME … is needed", row)
        else:
            raise DataError(path, "has data before @data; a .ts file has a header first", row)
    if not found:
        raise DataError(path, "holds no series" if data else "has no @data")
    return found


def _series(
    path: Path, row: int, line: str, header: Header, rows: Rows, plan: Plan
) -> Signal | None:
    """Return the series of a line; None where it is bad and passed over."""
    *parts, last = line.split(":")
    label = "" if header.labels is None else as_label(last)
    parts = parts if header.labels is not None else [*parts, last]
    reason = None
    channels = []
    if header.labels is not None and label not in header.labels:
        absent = last.strip() in ABSENT
        listed = ", ".join(header.labels[:20])
        label = "" if absent else label
        if plan.labelled or not absent:
            reason = f"has the class {last.strip()[:40]!r}; @classLabel names {listed}"
    elif header.dimensions and len(parts) != header.dimensions:
        have = counted(len(parts), "channel")
        reason = f"has {have} where @dimensions says {header.dimensions}"
    for number, part in enumerate([] if reason else parts, start=1):
        try:
            channels.append(reals(part.split(",")))
        except ValueError:
            reason = f"holds {_odd(part)!r} in channel {number}, where a number is needed"
            break
        if len(channels[-1]) != len(channels[0]):
            reason = (
                f"has {counted(len(channels[-1]), 'step')} in channel {number} and "
                f"{len(channels[0])} in the first"
            )
            break
    if reason is None and not any(part.strip() for part in parts):
        reason = "has no values"
    if reason is not None:
        rows.bad(path, reason, row)
        return None
    header.dimensions = header.dimensions or len(channels)
    values = np.array([np.frombuffer(channel, np.float64) for channel in channels]).T
    names = tuple(f"channel {i}" for i in range(1, len(channels) + 1))
    return Signal(np.ascontiguousarray(values), names, label, [], f"{path}:{row}")


def _odd(part: str) -> str:
    """Return the first cell that holds no number."""
    for cell in part.split(","):
        try:
            reals([cell])
        except ValueError:
            return cell.strip()[:40]
    return ""
