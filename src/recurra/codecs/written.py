"""Answers as files: a table, everything that is known, or a picture, as the path's ending says."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from recurra.errors import RecurraError

PICTURES = (".svg", ".png", ".pdf")


def write(
    path: str | Path,
    rows: Iterable[Sequence[Any]],
    whole: dict[str, Any],
    draw: Callable[[str], bytes] | None = None,
) -> Path:
    """Write an answer, and return where.

    Args:
        path: its ending says what is written.
        rows: of a table, the names of its columns first: .csv.
        whole: plain values: .json.
        draw: svg, png or pdf → a picture; None: there is none of such answers.
    Raises:
        RecurraError: the ending says nothing of these.
        MissingExtra: it is a picture, and matplotlib is not installed.
    """
    path = Path(path)
    ending = path.suffix.lower()
    known = (".csv", ".json", *(PICTURES if draw else ()))
    if ending not in known:
        raise RecurraError(f"{path}: these answers are written as {', '.join(known)}")
    # drawn first: where nothing can be drawn, no folder is made
    picture = draw(ending[1:]) if draw and ending in PICTURES else None
    path.parent.mkdir(parents=True, exist_ok=True)
    if picture is not None:
        path.write_bytes(picture)
    elif ending == ".json":
        text = json.dumps(whole, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return path
