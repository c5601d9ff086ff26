"""The five types of RNN as drawings: how inputs, states and outputs lie in time."""

from collections.abc import Sequence
from typing import NamedTuple

from recurra.reports.drawings import COLOURS, svg

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
        svg(width, 150, kind),
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


def _box(x: int, y: int, kind: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" rx="5" fill="{COLOURS[kind]}"/>'


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#777" stroke-width="1.6" '
        'marker-end="url(#tip)"/>'
    )


def roll(notes: Sequence[tuple[float, float, int]]) -> str:
    """Return the SVG of a piano roll; a note is (start, length, pitch), times in beats."""
    beat, line = 12, 5
    low, high = min(n[2] for n in notes) - 2, max(n[2] for n in notes) + 2
    width = round(beat * max(start + length for start, length, _ in notes)) + 4
    height = line * (high - low + 1)
    parts = [svg(width, height, "piano roll")]
    for bar in range(0, width, 4 * beat):
        parts.append(f'<line x1="{bar}" x2="{bar}" y1="0" y2="{height}" stroke="#8884"/>')
    for start, length, pitch in notes:
        hue = 200 + 3 * (pitch - 60)
        parts.append(
            f'<rect x="{start * beat:.1f}" y="{line * (high - pitch)}" rx="1.5" '
            f'width="{max(length * beat - 1, 1):.1f}" height="{line}" fill="hsl({hue},60%,55%)"/>'
        )
    return "".join([*parts, "</svg>"])
