"""The page docs/transforms.md: which of torch's tools work, with which engine.

    python -m tests.transforms.page [TOOL ...]

Makes every graph that there is to make, and so takes some ten minutes; with names, only those
tools are tried again.
"""

import re
import sys
import warnings
from pathlib import Path

import torch

from tests.transforms.table import ENGINES, kinds, outcome, runs
from tests.transforms.tools import TOOLS

PAGE = Path(__file__).parents[2] / "docs" / "transforms.md"
HEAD = """# Torch's own tools

What `torch` does with a module, it does with a layer of recurra. Every line was tried with every
cell and every engine that runs the cell: it gives the numbers that `loop` gives in float64, or is
refused in words. *Automatic* is the choice without a name: under a tool that the native kernels
have no rules for, it takes an engine that has them. Written by `python -m tests.transforms.page`.

"""
ENDS = "What is refused says:"
YES, NO = "✓", "refused"


def line(tool: str) -> tuple[str, set[str]]:
    """Return a tool's line of the table, and the reasons of what it refuses."""
    shown, reasons = [], set[str]()
    for engine in ENGINES:
        works, refused = [], []
        for name, kind in kinds().items():
            # automatic is always asked; a named engine where it runs the cell at all
            dtype = torch.float32 if engine in (None, "native") else torch.float64
            if engine is not None and not runs(kind, engine, dtype):
                continue
            got = outcome(tool, kind, engine)
            (works if got.works else refused).append(name)
            if not got.works:
                said = re.sub(rf"\b{name}\b", "the cell", got.reason)
                reasons.add(f"{engine or 'automatic'}: {said.split(': ', 1)[-1]}")
        shown.append(YES if not refused else NO if not works else ", ".join(works))
    return f"| {tool} | {' | '.join(shown)} |", reasons


def written(tool: str) -> str:
    """Return a tool's line as the page has it."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"| {tool} |"))


def main(tools: list[str]) -> None:
    """Write the page, or the lines of some tools anew."""
    lines, reasons = dict[str, str](), set[str]()
    if tools:
        before = PAGE.read_text(encoding="utf-8").splitlines()
        lines = {text.split("|")[1].strip(): text for text in before if text.startswith("| ")}
        reasons = {text.removeprefix("- ") for text in before if text.startswith("- ")}
    for tool in tools or TOOLS:
        lines[tool], why = line(tool)
        reasons |= why
        print(lines[tool], flush=True)
    names = [engine or "automatic" for engine in ENGINES]
    head = [f"| tool | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    table = [lines[tool] for tool in TOOLS if tool in lines]
    ends = ["", ENDS, "", *(f"- {reason}" for reason in sorted(reasons)), ""]
    PAGE.write_text(HEAD + "\n".join([*head, *table, *ends]), encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main(sys.argv[1:])
