"""How numbers went along while a model was trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recurra.reports.drawings import svg
from recurra.reports.text import told

WIDTH, HEIGHT, LEFT, BELOW = 640, 220, 64, 22
POINTS = 400  # of a line, at most

Number = int | float
Point = tuple[Number, Number]


@dataclass(frozen=True)
class Curve:
    """Lines over steps.

    Args:
        title: what they are.
        lines: by name, (step, value) of each point; what is no number is left out.
        mark: the step at which a dashed line stands.
        note: what a reader must know.
    """

    title: str
    lines: Mapping[str, Sequence[Point]]
    mark: Number | None = None
    note: str = ""

    def points(self) -> dict[str, list[Point]]:
        """Return what is drawn: finite numbers and, of very many, every so many."""
        found = {}
        for name, line in self.lines.items():
            finite = [(x, y) for x, y in line if math.isfinite(x) and math.isfinite(y)]
            every = -(-len(finite) // POINTS) or 1
            found[name] = finite[::-every][::-1]  # the last one is always there
        return found

    def html(self) -> str:
        """Return the drawing: steps to the right, values from the least to the greatest."""
        points = self.points()
        every = [point for line in points.values() for point in line]
        if not every:
            return "<p>Nothing was written down.</p>"
        (left, right), (low, high) = (_range([p[axis] for p in every]) for axis in (0, 1))

        def at(x: Number, y: Number) -> tuple[float, float]:
            across = (x - left) / (right - left) * (WIDTH - LEFT - 8)
            return LEFT + across, 8 + (high - y) / (high - low) * (HEIGHT - BELOW - 16)

        parts = [svg(WIDTH, HEIGHT, self.title, ' class="fit" font-size="12"')]
        for y in (low, high):
            parts.append(f'<text x="2" y="{at(left, y)[1] + 4:.1f}">{y:.4g}</text>')
        for x, anchor in ((left, "start"), (right, "end")):
            parts.append(
                f'<text x="{at(x, low)[0]:.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">'
                f"step {x:,.0f}</text>"
            )
        if self.mark is not None and left <= self.mark <= right:
            x = at(self.mark, low)[0]
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{HEIGHT - BELOW}" stroke="#888" '
                'stroke-dasharray="3 3"/>'
            )
        legend = []
        for i, (name, line) in enumerate(points.items()):
            hue = (210 + 137 * i) % 360
            drawn = " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in line)
            parts.append(
                f'<polyline points="{drawn}" fill="none" stroke="hsl({hue},60%,50%)" '
                'stroke-width="1.8"/>'
            )
            if len(line) == 1:
                x, y = at(*line[0])
                parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="hsl({hue},60%,50%)"/>')
            legend.append(f'<b style="color:hsl({hue},60%,50%)">■</b> {told(name)}')
        return f'<div class="dim">{" ".join(legend)}</div>{"".join(parts)}</svg>'


def _range(numbers: Sequence[Number]) -> Point:
    low, high = min(numbers), max(numbers)
    return (low, high) if low < high else (low - 0.5, high + 0.5)
