"""The five types of RNN as drawings: how inputs, states and outputs lie in time."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

COLOURS = {"input": "#4c78a8", "state": "#59a14f", "output": "#e4572e"}
STEP, SIDE = 46, 26
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
    'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="#777"/></marker></defs>'
)


class Layout(NamedTuple):
    """Which of the steps have an input and which an output.

    Args:
        steps: number of states.
        inputs: steps that read.
        outputs: steps that write.
    """

    steps: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


LAYOUTS = {
    "one-to-one": Layout(1, (0,), (0,)),
    "one-to-many": Layout(4, (0,), (0, 1, 2, 3)),
    "many-to-one": Layout(4, (0, 1, 2, 3), (3,)),
    "many-to-many equal": Layout(4, (0, 1, 2, 3), (0, 1, 2, 3)),
    "many-to-many unequal": Layout(5, (0, 1, 2), (2, 3, 4)),
}


def draw(kind: str) -> str:
    """Return the SVG of one type: inputs below, states in the middle, outputs above."""
    layout = LAYOUTS[kind]
    width = STEP * layout.steps + 10
    parts = [
        _svg(width, 150, kind),
        TIP,
    ]
    for step in range(layout.steps):
        x = 15 + STEP * step
        middle = x + SIDE // 2
        parts.append(_box(x, 62, "state"))
        if step in layout.inputs:
            parts += [_box(x, 116, "input"), _arrow(middle, 116, middle, 90)]
        if step in layout.outputs:
            parts += [_box(x, 8, "output"), _arrow(middle, 62, middle, 36)]
        if step + 1 < layout.steps:
            parts.append(_arrow(x + SIDE, 75, x + STEP, 75))
    return "".join([*parts, "</svg>"])


def _svg(width: int, height: int, label: str, extra: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{label}"{extra}>'
    )


def _box(x: int, y: int, kind: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" rx="5" fill="{COLOURS[kind]}"/>'


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#777" stroke-width="1.6" '
        'marker-end="url(#tip)"/>'
    )


def heat(weights: Sequence[Sequence[float]], sources: Sequence[str], targets: Sequence[str]) -> str:
    """Return the SVG of an attention map: a row per written token, a column per token read."""
    side, left, top = 22, 70, 70
    width, height = left + side * len(sources), top + side * len(targets)
    parts = [_svg(width, height, "attention", ' font-size="12"')]
    for column, token in enumerate(sources):
        x = left + side * column + side // 2
        parts.append(
            f'<text x="{x}" y="{top - 6}" transform="rotate(-60 {x} {top - 6})">'
            f"{escape(token)}</text>"
        )
    for row, (token, looked) in enumerate(zip(targets, weights, strict=False)):
        y = top + side * row
        parts.append(f'<text x="{left - 6}" y="{y + 16}" text-anchor="end">{escape(token)}</text>')
        parts += [
            f'<rect x="{left + side * column}" y="{y}" width="{side - 1}" height="{side - 1}" '
            f'fill="{COLOURS["input"]}" fill-opacity="{max(0.04, weight):.2f}"/>'
            for column, weight in enumerate(looked)
        ]
    return "".join([*parts, "</svg>"])


def roll(notes: Sequence[tuple[float, float, int]]) -> str:
    """Return the SVG of a piano roll; a note is (start, length, pitch), times in beats."""
    beat, line = 12, 5
    low, high = min(n[2] for n in notes) - 2, max(n[2] for n in notes) + 2
    width = round(beat * max(start + length for start, length, _ in notes)) + 4
    height = line * (high - low + 1)
    parts = [_svg(width, height, "piano roll")]
    for bar in range(0, width, 4 * beat):
        parts.append(f'<line x1="{bar}" x2="{bar}" y1="0" y2="{height}" stroke="#8884"/>')
    for start, length, pitch in notes:
        hue = 200 + 3 * (pitch - 60)
        parts.append(
            f'<rect x="{start * beat:.1f}" y="{line * (high - pitch)}" rx="1.5" '
            f'width="{max(length * beat - 1, 1):.1f}" height="{line}" fill="hsl({hue},60%,55%)"/>'
        )
    return "".join([*parts, "</svg>"])


def curves(
    lines: Sequence[tuple[str, Sequence[float]]], label: str, height: int, mark: int | None = None
) -> str:
    """Return the SVG of lines over time, from 0 below to 1 above; a name stands at a line's end.

    Args:
        lines: name, or "", and numbers from 0 to 1.
        label: what the picture shows.
        height: of the picture.
        mark: the step at which a dashed line stands.
    """
    width, room = 190, 44 if any(name for name, _ in lines) else 0
    parts = [_svg(width + room, height, label, ' font-size="11"')]
    parts.append(f'<rect width="{width}" height="{height}" fill="none" stroke="#8884"/>')
    for i, (name, numbers) in enumerate(lines):
        apart = width / max(len(numbers) - 1, 1)
        points = " ".join(
            f"{t * apart:.1f},{height - 3 - y * (height - 6):.1f}"
            for t, y in enumerate(numbers)
            if y == y  # a missing number is left out
        )
        hue = (210 + 137 * i) % 360
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="hsl({hue},60%,50%)" '
            f'stroke-width="{1.2 if not name else 1.8}"/>'
        )
        if name:
            y = min(max(height - 3 - numbers[-1] * (height - 6) + 4, 10 + 11 * i), height - 2)
            parts.append(
                f'<text x="{width + 4}" y="{y:.0f}" style="fill:hsl({hue},60%,50%)">'
                f"{escape(name[:6])}</text>"
            )
    if mark is not None:
        x = mark * width / max(len(lines[0][1]) - 1, 1)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="#888" '
            'stroke-dasharray="3 3"/>'
        )
    return "".join([*parts, "</svg>"])
