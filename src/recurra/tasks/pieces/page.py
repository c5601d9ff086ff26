"""The figures of an audition as rows, and as one self-contained page with its histograms."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
COLOURS = {"written": "#e4572e", "test": "#4c78a8", "training": "#a0a0a0"}
TITLES = {
    "pitch_classes": "pitch classes",
    "intervals": "intervals of the highest line, in semitones (±12: an octave or more)",
    "note_lengths": "note lengths, in beats",
}
LENGTHS = 16  # the most frequent note lengths are drawn
LEGEND = (
    "Distances are total variations to the test part: 0 the same, 1 nothing in common; those of "
    "training pieces say how near real music comes. Of a line, the lowest note, the median and "
    "the highest are shown."
)
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:right;border-bottom:"
    "1px solid #8884}td:first-child,th:first-child{text-align:left}svg{max-width:100%}"
)

Row = tuple[str, list[str]]


def rows(told: Mapping[str, Any]) -> list[Row]:
    """Return the figures in words, a row each: its name, and a cell for each set.

    Args:
        told: `Audition.asdict()`.
    """
    sets: list[Mapping[str, Any]] = list(told["sets"].values())

    def row(name: str, cell: Any) -> Row:
        return name, [cell(one) for one in sets]

    found = [
        row("pieces", lambda one: f"{one['pieces']:,}"),
        row("notes", lambda one: f"{one['notes']:,}"),
        row("notes per beat", lambda one: f"{one['notes_per_beat']:.2f}"),
    ]
    for name, title in [
        ("pitch_classes", "pitch classes, distance"),
        ("intervals", "intervals, distance"),
        ("note_lengths", "note lengths, distance"),
    ]:
        found.append(row(title, lambda one, name=name: _number(one.get("distances", {}).get(name))))
    for line, title in [("upper", "upper line"), ("lower", "lower line"), ("all", "all notes")]:
        found.append(row(title, lambda one, line=line: _range(one["compasses"][line])))
    found += [
        row("repeated bars", lambda one: f"{100 * one['repeated_bars']:.1f} %"),
        row("ending in a circle", lambda one: str(one["endless"])),
        row("cut at their length", lambda one: str(one["cut"])),
    ]
    for way, title in [("same_pitch", "longest copy"), ("transposed", "the same, transposed")]:
        found.append(row(title, lambda one, way=way: _passage(one.get("copied", {}).get(way))))
        usual = f"{title.split(',')[-1].strip()}, median"
        found.append(row(usual, lambda one, way=way: _notes(one.get("copied", {}).get(way))))
    return found


def page(told: Mapping[str, Any]) -> str:
    """Return the page: the table, where the longest copy stands, three histograms."""
    names = list(told["sets"])
    head = "".join(f"<th>{escape(name)}</th>" for name in ["", *names])
    body = "".join(
        f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"
        for name, cells in rows(told)
    )
    drawn = "".join(
        f"<h2>{title}</h2>{bars({k: told['sets'][k]['histograms'][name] for k in names}, name)}"
        for name, title in TITLES.items()
    )
    longest = told["sets"]["written"]["copied"]["same_pitch"]["longest"]
    source = f"<p>{escape(found_in(longest))}</p>" if longest else ""
    key = " ".join(f'<b style="color:{COLOURS[name]}">■ {name}</b>' for name in names)
    title = f"{told['task']}: what it writes, beside what it learned from"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1><table><tr>{head}</tr>{body}</table>"
        f"{source}<p>{key}. {LEGEND}</p>{drawn}</html>\n"
    )


def found_in(copy: Mapping[str, Any]) -> str:
    """Return where a copied passage stands, as a sentence."""
    return f"The longest copy, {_span(copy)}, stands in {copy['source']}."


def bars(sets: Mapping[str, Mapping[str, float]], name: str) -> str:
    """Return the SVG of a histogram, a bar for each set side by side."""
    bins = list(dict.fromkeys(x for one in sets.values() for x in one))
    if name == "note_lengths":
        heard = sorted(bins, key=lambda x: -max(one.get(x, 0.0) for one in sets.values()))
        bins = sorted(heard[:LENGTHS], key=float)
    high, foot, each = 140, 18, 9
    wide = each * len(sets) + 8
    top = max((one.get(x, 0.0) for one in sets.values() for x in bins), default=0.0) or 1.0
    width, parts = wide * max(len(bins), 1), []
    for column, x in enumerate(bins):
        for place, (whose, shares) in enumerate(sets.items()):
            share = shares.get(x, 0.0)
            size = high * share / top
            parts.append(
                f'<rect x="{wide * column + 4 + each * place}" y="{high - size:.1f}" '
                f'width="{each - 1}" height="{size:.1f}" fill="{COLOURS[whose]}">'
                f"<title>{whose}: {100 * share:.1f} %</title></rect>"
            )
        label = NAMES[int(x)] if name == "pitch_classes" else x.replace("-", "−")
        parts.append(
            f'<text x="{wide * column + wide / 2:.1f}" y="{high + 13}" text-anchor="middle" '
            f'font-size="10" fill="#777">{label}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {high + foot}" '
        f'width="{width}" height="{high + foot}" role="img" aria-label="{escape(TITLES[name])}">'
        f"{''.join(parts)}</svg>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _range(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    return " – ".join(_pitch(float(found[key])) for key in ("lowest", "median", "highest"))


def _pitch(pitch: float) -> str:
    whole = int(pitch)
    return f"{NAMES[whole % 12]}{whole // 12 - 1}" + ("+" if pitch > whole else "")


def _passage(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    return _span(found["longest"]) if found["longest"] else "none"


def _span(copy: Mapping[str, Any]) -> str:
    return f"{copy['notes']} notes, {copy['bars']:.1f} bars"


def _notes(found: Mapping[str, Any] | None) -> str:
    return "" if found is None else f"{found['median_notes']:g} notes"
