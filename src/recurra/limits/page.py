"""The findings as a page: what fails, what cures it, by how much, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recurra.limits.finding import Limit
from recurra.reports import Part, Plot, Table, page
from recurra.reports.text import told

TITLE = "What recurrent networks are weak and strong at, measured"
LEAD = (
    "Each part is an experiment of its own, run on this machine; what plain PyTorch does with the "
    "same data and budget stands beside what recurra does."
)


def html(found: Sequence[Limit], machine: str = "") -> str:
    """Return the page.

    Args:
        found: the findings, in their order.
        machine: where they were measured, in a line.
    """
    parts: list[Part] = [overview(found), *(Section(one) for one in found)]
    return page(TITLE, parts, [LEAD, *([machine] if machine else [])])


def overview(found: Sequence[Limit]) -> Table:
    """Return a row for each finding."""
    rows = [[one.title, one.kind, f"{one.seconds:,.0f} s"] for one in found]
    return Table("In short", ["what", "is a", "measured in"], rows)


@dataclass(frozen=True)
class Section:
    """One finding as a part of a page."""

    limit: Limit

    @property
    def title(self) -> str:
        """What it is about."""
        return self.limit.title

    @property
    def note(self) -> str:
        """What was found."""
        return self.limit.verdict

    def html(self) -> str:
        """Return its sentences, its drawings and its figures."""
        limit = self.limit
        seeds = f"Seeds: {', '.join(map(str, limit.seeds))}. " if limit.seeds else ""
        again = f"{seeds}{limit.seconds:,.0f} seconds. Again: {limit.command}"
        said = [
            ("What fails" if limit.kind == "weakness" else "What it is good for", limit.fails),
            ("Cure", limit.cure),
            ("Measured", limit.measured),
            ("Run", again),
        ]
        told_ = "".join(
            f"<dt>{name}</dt><dd>{told(text, 2000)}</dd>" for name, text in said if text
        )
        shown: list[Plot | Table] = [*limit.plots, *limit.tables]
        return f'<div class="case"><dl>{told_}</dl></div>' + "".join(map(_titled, shown))


def _titled(part: Plot | Table) -> str:
    note = f'<p class="dim">{told(part.note)}</p>' if part.note else ""
    return f"<h3>{told(part.title)}</h3>{note}{part.html()}"
