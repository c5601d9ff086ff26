"""Single examples, one under the other, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recurra.reports.part import Shown
from recurra.reports.text import Text, told


@dataclass(frozen=True)
class Case:
    """One example.

    Args:
        lines: what is shown of it, by name.
        where: it stands.
    """

    lines: Sequence[tuple[str, Shown | str]]
    where: str = ""

    def html(self) -> str:
        """Return names and what they name, side by side."""
        lines = "".join(
            f"<dt>{told(name)}</dt><dd>{_shown(what).html()}</dd>" for name, what in self.lines
        )
        where = f'<div class="dim">{told(self.where)}</div>' if self.where else ""
        return f'<div class="case"><dl>{lines}</dl>{where}</div>'


def _shown(what: Shown | str) -> Shown:
    return Text(what) if isinstance(what, str) else what


@dataclass(frozen=True)
class Cases:
    """Examples that have something in common.

    Args:
        title: what.
        cases: the examples.
        note: what a reader must know.
        none: what is said where there are none.
    """

    title: str
    cases: Sequence[Case]
    note: str = ""
    none: str = "There are none."

    def html(self) -> str:
        """Return all of them."""
        return "".join(case.html() for case in self.cases) or f"<p>{told(self.none)}</p>"
