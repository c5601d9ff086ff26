"""The findings as a page: what fails, what cures it, by how much, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recurra.limits.finding import Limit
from recurra.reports import Part, Plot, Table, page
from recurra.reports.text import told

TITLE = "What recurrent networks are weak and strong at, measured"
WHOLE = 2000  # characters of a text
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
    parts: list[Part] = [Overview(found), *(Section(one) for one in found)]
    return page(TITLE, parts, [LEAD, *([machine] if machine else [])])


@dataclass(frozen=True)
class Overview:
    """What was found, and what helps: a few lines for each finding."""

    found: Sequence[Limit]
    title: str = "In short"
    note: str = ""

    def html(self) -> str:
        """Return weaknesses and strengths, each under its title."""
        lines = [
            f"<dt>{told(one.title, WHOLE)}</dt><dd>{told(one.verdict, WHOLE)}"
            + (f' <span class="dim">Cure: {told(one.cure, WHOLE)}</span>' if one.cure else "")
            + "</dd>"
            for one in self.found
        ]
        return f'<div class="case"><dl>{"".join(lines)}</dl></div>'


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
            f"<dt>{name}</dt><dd>{told(text, WHOLE)}</dd>" for name, text in said if text
        )
        shown: list[Plot | Table] = [*limit.plots, *limit.tables]
        return f'<div class="case"><dl>{told_}</dl></div>' + "".join(map(_titled, shown))


def _titled(part: Plot | Table) -> str:
    note = f'<p class="dim">{told(part.note)}</p>' if part.note else ""
    return f"<h3>{told(part.title)}</h3>{note}{part.html()}"
