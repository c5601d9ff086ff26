"""Drawings that stand within a page: maps of attention, lines over time."""

from collections.abc import Sequence
from html import escape

COLOURS = {"input": "#4c78a8", "state": "#59a14f", "output": "#e4572e"}


def svg(width: int, height: int, label: str, extra: str = "") -> str:
    """Return the tag that opens a drawing, within a page or as a file of its own."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(label)}"{extra}>'
    )


def heat(weights: Sequence[Sequence[float]], sources: Sequence[str], targets: Sequence[str]) -> str:
    """Return the SVG of an attention map: a row per written token, a column per token read."""
    side, left, top = 22, 70, 70
    width, height = left + side * len(sources), top + side * len(targets)
    parts = [svg(width, height, "attention", ' font-size="12"')]
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
    parts = [svg(width + room, height, label, ' font-size="11"')]
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
