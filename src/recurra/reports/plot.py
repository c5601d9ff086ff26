"""Lines over an axis, both axes named, with their units; logarithmic where numbers span decades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recurra.reports.drawings import svg
from recurra.reports.text import told

# narrow, so that letters stay readable where a phone makes the drawing smaller
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BELOW = 460, 280, 58, 24, 12, 44
POINTS, TICKS = 300, 6  # of a line, and of an axis, at most
LEAST = 1e-12  # what lies below this share of the greatest number of a logarithmic axis is cut

Number = int | float
Point = tuple[Number, Number]


@dataclass(frozen=True)
class Plot:
    """Lines of numbers.

    Args:
        title: what they are.
        lines: by name, (x, y) of each point; what is no number, or on a logarithmic axis not above
            0, is left out.
        across: what x is, with its unit.
        up: what y is, with its unit.
        log: whether y is logarithmic.
        log_across: whether x is.
        bands: by the name of a line, (x, least y, greatest y): drawn pale behind it.
        limits: by name, y of a dashed line.
        note: what a reader must know.
    """

    title: str
    lines: Mapping[str, Sequence[Point]]
    across: str
    up: str
    log: bool = False
    log_across: bool = False
    bands: Mapping[str, Sequence[tuple[Number, Number, Number]]] | None = None
    limits: Mapping[str, Number] | None = None
    note: str = ""

    def html(self) -> str:
        """Return the drawing, and which line is which."""
        lines = {name: self._known(line) for name, line in self.lines.items()}
        every = [point for line in lines.values() for point in line]
        if not every:
            return "<p>Nothing was measured.</p>"
        x_axis = Axis.of([x for x, _ in every], self.log_across)
        limits = {n: y for n, y in (self.limits or {}).items() if y > 0 or not self.log}
        greatest = max(y for _, y in every)
        ys = [y for _, y in every if not self.log or y >= greatest * LEAST]
        y_axis = Axis.of([*ys, *limits.values()], self.log)

        def at(x: Number, y: Number) -> str:
            across = LEFT + x_axis.share(x) * (WIDTH - LEFT - RIGHT)
            return f"{across:.1f},{TOP + (1 - y_axis.share(y)) * (HEIGHT - TOP - BELOW):.1f}"

        parts = [svg(WIDTH, HEIGHT, self.title, ' class="fit" font-size="13"'), *self._frame()]
        for x, name in x_axis.ticks():
            beneath = at(x, y_axis.low).split(",")[0]
            parts.append(
                f'<text x="{beneath}" y="{HEIGHT - 26}" text-anchor="middle">{name}</text>'
            )
        for y, name in y_axis.ticks():
            place = at(x_axis.low, y).split(",")[1]
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place}" y2="{place}" '
                f'stroke="#8883"/><text x="{LEFT - 5}" y="{float(place) + 4:.1f}" '
                f'text-anchor="end">{name}</text>'
            )
        legend = []
        for i, (name, line) in enumerate(lines.items()):
            colour = f"hsl({(210 + 137 * i) % 360},60%,50%)"
            band = [
                (x, a, b) for x, a, b in (self.bands or {}).get(name, ()) if a > 0 or not self.log
            ]
            if band:
                around = [at(x, b) for x, _, b in band] + [at(x, a) for x, a, _ in band[::-1]]
                parts.append(
                    f'<polygon points="{" ".join(around)}" fill="{colour}" opacity=".18"/>'
                )
            drawn = " ".join(at(*point) for point in line)
            parts.append(
                f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
            if len(line) == 1:
                across, up = drawn.split(",")
                parts.append(f'<circle cx="{across}" cy="{up}" r="3" fill="{colour}"/>')
            legend.append(f'<span><b style="color:{colour}">■</b> {told(name, 60)}</span>')
        for name, y in limits.items():
            place = at(x_axis.low, y).split(",")[1]
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place}" y2="{place}" '
                'stroke="#d33" stroke-dasharray="4 3"/>'
            )
            legend.append(f'<span><b class="wrong">┄</b> {told(name, 60)}</span>')
        return f'<div class="dim">{" &nbsp; ".join(legend)}</div>{"".join(parts)}</svg>'

    def _known(self, line: Sequence[Point]) -> list[Point]:
        known = [
            (x, y)
            for x, y in line
            if math.isfinite(x)
            and math.isfinite(y)
            and (y > 0 or not self.log)
            and (x > 0 or not self.log_across)
        ]
        every = -(-len(known) // POINTS) or 1
        return known[::-every][::-1]  # the last one is always there

    def _frame(self) -> list[str]:
        middle, half = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BELOW) / 2
        frame = (
            f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
            f'height="{HEIGHT - TOP - BELOW}" fill="none" stroke="#8886"/>'
        )
        below = (
            f'<text x="{middle}" y="{HEIGHT - 7}" text-anchor="middle">{told(self.across)}</text>'
        )
        turned = f'text-anchor="middle" transform="rotate(-90 13 {half})"'
        return [frame, below, f'<text x="13" y="{half}" {turned}>{told(self.up)}</text>']


@dataclass(frozen=True)
class Axis:
    """From where to where an axis goes, in powers of ten or evenly."""

    low: Number
    high: Number
    log: bool

    @classmethod
    def of(cls, numbers: Sequence[Number], log: bool) -> Axis:
        """Return an axis that holds all numbers."""
        low, high = min(numbers), max(numbers)
        if log:
            return cls(low, high, True) if low < high else cls(low / 2, high * 2, True)
        return cls(low, high, False) if low < high else cls(low - 0.5, high + 0.5, False)

    def share(self, number: Number) -> float:
        """Return where a number lies, from 0 to 1."""
        low, high = self.low, self.high
        if self.log:
            low, high, number = math.log(low), math.log(high), math.log(max(number, low / 10))
        return min(max((number - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[tuple[Number, str]]:
        """Return some round numbers within, and their names."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            if last - first >= 1:
                every = -(-(last - first + 1) // TICKS)
                return [(10.0**k, _power(k)) for k in range(first, last + 1, every)]
            return [(end, _short(end)) for end in (self.low, self.high)]
        rough = (self.high - self.low) / (TICKS - 1)
        ten = 10.0 ** math.floor(math.log10(rough))
        step = next(ten * k for k in (1, 2, 2.5, 5, 10) if ten * k >= rough)
        first = math.ceil(self.low / step)
        return [
            (k * step, f"{k * step:.6g}") for k in range(first, math.floor(self.high / step) + 1)
        ]


def _short(number: Number) -> str:
    """Return a number in the width that a tick has."""
    return f"{number:,.0f}" if 1000 <= abs(number) < 10**7 else f"{number:.3g}"


def _power(exponent: int) -> str:
    if -3 <= exponent <= 4:
        return f"{10.0**exponent:g}"
    small = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{small}"
