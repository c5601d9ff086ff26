"""What came out: a file that a later run goes on from, a summary, and the page in this folder."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutations.catalogue import HERE, Fault

ENOUGH = 0.95


@dataclass(frozen=True)
class Result:
    """What became of a fault.

    Args:
        kind: "noticed", "survived", or "error" where the fault could not be tried.
        by: the test that noticed it first, or what went wrong.
        seconds: that it took.
    """

    kind: str
    by: str
    seconds: float

    def line(self, fault: Fault) -> str:
        """Return one line for the screen."""
        by = self.by if self.kind != "survived" else fault.survives or "NO REASON IS GIVEN"
        return f"{self.kind:8} {self.seconds:5.1f} s  {fault.title}: {by}"


class Results:
    """A file with one line for each result; the last one of a fault counts.

    Args:
        path: the file.
        fresh: forget what it has.
    """

    def __init__(self, path: Path, fresh: bool) -> None:
        self.path, self.added = path, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        entries = [json.loads(line) for line in lines]
        # what could not be tried is tried again
        entries = [entry for entry in entries if entry["kind"] != "error"]
        self._known = {entry.pop("digest"): Result(**entry) for entry in entries}

    def find(self, fault: Fault) -> Result | None:
        """Return the result of a fault, where its file and its tests are as they were."""
        return self._known.get(fault.digest())

    def add(self, fault: Fault, result: Result, root: Path) -> None:
        """Keep a result of a copy of the tree."""
        self.added += 1
        if result.kind == "error":
            print(result.by)
        digest = fault.digest(root)  # the working tree may have gone on meanwhile
        self._known[digest] = result
        with self.path.open("a") as file:
            file.write(json.dumps({"digest": digest, **asdict(result)}) + "\n")


Found = list[tuple[Fault, Result]]


def _table(found: Found) -> list[tuple[str, int, int, int]]:
    """Return (folder, faults, noticed, survived), and the sums."""
    kinds = {folder: Counter[str]() for folder in dict.fromkeys(fault.folder for fault, _ in found)}
    for fault, result in found:
        kinds[fault.folder][result.kind] += 1
    rows = [(name, k.total(), k["noticed"], k["survived"]) for name, k in kinds.items()]
    return [*rows, ("all", *(sum(row[i] for row in rows) for i in (1, 2, 3)))]


def summary(found: Found) -> str:
    """Return the table by folder, and those that were not noticed."""
    lines = [f"{'folder':18} faults noticed survived"]
    lines += [f"{name:18} {a:6} {b:7} {c:8}" for name, a, b, c in _table(found)]
    rest = [result.line(fault) for fault, result in found if result.kind != "noticed"]
    return "\n".join([*lines, *rest])


def verdict(found: Found) -> int:
    """Return the exit code."""
    noticed = sum(result.kind == "noticed" for _, result in found)
    unnamed = [
        fault
        for fault, result in found
        if result.kind == "error" or (result.kind == "survived" and not fault.survives)
    ]
    for fault, result in found:
        if result.kind == "noticed" and fault.survives:
            print(f"{fault.title} is noticed now: its reason to survive no longer holds")
    print(f"{noticed} of {len(found)} are noticed: {noticed / len(found):.1%}")
    return int(bool(unnamed) or noticed < ENOUGH * len(found))


def write_page(found: Found) -> None:
    """Write the numbers into README.md, after a run of the whole list."""
    rows = [f"| {name} | {a} | {b} | {c} |" for name, a, b, c in _table(found)]
    survivors = [
        f"- `{fault.title}`: {fault.survives or 'no reason is given'}"
        for fault, result in found
        if result.kind != "noticed"
    ]
    page = HERE / "README.md"
    head = page.read_text(encoding="utf-8").partition("## Result")[0] if page.exists() else ""
    body = [
        f"## Result of {time.strftime('%Y-%m-%d')}",
        "",
        "Written by `make mutate`.",
        "",
        "| folder | faults | noticed | survived |",
        "|---|---|---|---|",
        *rows,
        "",
        "Survivors:",
        "",
        *(survivors or ["none"]),
    ]
    page.write_text(head + "\n".join(body) + "\n", encoding="utf-8")
