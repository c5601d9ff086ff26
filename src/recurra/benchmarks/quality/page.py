"""The page docs/quality.md and the README's table, from the rows alone."""

from __future__ import annotations

from collections.abc import Sequence

from recurra.benchmarks.quality.exam import Exam
from recurra.benchmarks.quality.plain import OTHER, OURS
from recurra.benchmarks.quality.record import Row

INTRODUCTION = """\
# Quality

How well recurra does on public benchmarks, trained from scratch on a CPU, and beside whom. This
page is written by `recurra bench quality`, from
[`benchmarks/results/quality.json`](../benchmarks/results/quality.json); no figure in it was typed.
Weights are chosen on the validation part alone; the test part is read once per seed, at the end.
**must** and **aim** were written down before anything was measured; peers ran in the same run, on
the same data, with as many threads. **epoch** is how many times as long an epoch of training
takes where `torch.nn` runs the same network in a plain loop, at its best; the two ran in turn, on a
machine that may have had other work beside.
"""

COMMAND = """\
## Run it again

```sh
pip install 'recurra[demo,bench]'
recurra bench quality --list                        # the exams, and how long they take
recurra bench quality NAME --data-root DIR          # its row replaces the old one
recurra bench quality NAME --data-root DIR --quick  # does it work? nothing is written
recurra bench quality NAME --data-root DIR --pace   # the time of an epoch alone, again
```
"""

BEGIN, END = "<!-- quality -->", "<!-- /quality -->"
HEAD = "| exam | metric | recurra | must | aim | | best peer here | published | epoch |\n"
RULE = "|---|---|--:|--:|--:|---|--:|---|--:|\n"


def whole(rows: Sequence[Row], exams: Sequence[Exam]) -> str:
    """Return the page."""
    known = {exam.name: exam for exam in exams}
    parts = [INTRODUCTION, short(rows, exams)]
    for row in rows:
        if row.name in known:
            parts.append(section(row, known[row.name]))
    return "\n".join([*parts, COMMAND])


def short(rows: Sequence[Row], exams: Sequence[Exam]) -> str:
    """Return a table with a line for each exam."""
    known = {exam.name: exam for exam in exams}
    lines = [line(row, known[row.name]) for row in rows if row.name in known]
    return HEAD + RULE + "".join(lines)


def line(row: Row, exam: Exam) -> str:
    """Return an exam's line of the table."""
    best = best_peer(row, exam)
    published = "; ".join(f"{one.who} {one.value:g}" for one in exam.published)
    arrow = "↓" if exam.lower else "↑"
    cells = [
        row.name,
        f"{row.metric} {arrow}",
        f"**{shown(row.value)}**",
        shown(exam.must),
        shown(exam.aim),
        verdict(row, exam),
        "" if best is None else f"{best[0]} {shown(best[1])}",
        published,
        "" if (found := fastest(row)) is None else f"{found[1] / row.epochs[OURS]:.2f} ×",
    ]
    return "| " + " | ".join(cells) + " |\n"


def verdict(row: Row, exam: Exam) -> str:
    """Return what the value means beside what was asked, and beside the peers to be beaten."""
    lost = [
        name
        for name in exam.beaten
        if name in row.peers and not beats(exam, row.value, row.peers[name][exam.metric])
    ]
    if lost:
        return f"**behind {', '.join(lost)}**"
    if exam.must is None:
        return "ahead" if exam.beaten else ""
    if not exam.holds(row.value, exam.must):
        return "**MISSED**"
    return "aim" if exam.aim is not None and exam.holds(row.value, exam.aim) else "reached"


def beats(exam: Exam, ours: float, theirs: float) -> bool:
    """Return whether our value is better than a peer's."""
    return ours < theirs if exam.lower else ours > theirs


def best_peer(row: Row, exam: Exam) -> tuple[str, float] | None:
    """Return the peer that did best, and its value."""
    found = {name: peer[exam.metric] for name, peer in row.peers.items() if exam.metric in peer}
    if not found:
        return None
    name = (min if exam.lower else max)(found, key=lambda one: found[one])
    return name, found[name]


def fastest(row: Row) -> tuple[str, float] | None:
    """Return whose loop of the same network is the fastest but recurra's, and its seconds."""
    others = {
        name: seconds
        for name, seconds in row.epochs.items()
        if name != OURS and not name.endswith(OTHER)
    }
    return min(others.items(), key=lambda item: item[1]) if others else None


def section(row: Row, exam: Exam) -> str:
    """Return what is to be said of one exam."""
    runs = ", ".join(
        f"{shown(value)} (seed {seed})" for seed, value in zip(row.seeds, row.values, strict=True)
    )
    names = [exam.metric, *dict.fromkeys(n for p in [row.others, *row.peers.values()] for n in p)]
    names = list(dict.fromkeys(names))
    ours = {exam.metric: row.value, **row.others}
    table = "| | " + " | ".join(names) + " |\n|---|" + "--:|" * len(names) + "\n"
    for name, found in {"**recurra**": ours, **row.peers}.items():
        table += f"| {name} | " + " | ".join(shown(found.get(n)) for n in names) + " |\n"
    paces = "; ".join(
        f"{name} {shown(seconds)} s"
        + ("" if name == OURS else f" ({seconds / row.epochs[OURS]:.2f} ×)")
        for name, seconds in row.epochs.items()
    )
    said = {"an epoch of training: ": paces, "": row.note}
    more = "".join(f"- {head}{text}\n" for head, text in said.items() if text)
    few = "" if len(row.seeds) >= exam.seeds else f" ({exam.seeds} are asked for)"
    changed = ", ".join(f"{name}={value}" for name, value in exam.recipe.items())
    sources = "".join(f"- {one.who}: {one.value:g}, {one.source}\n" for one in exam.published)
    return f"""## {row.name}

{exam.protocol}

{table}
- runs: {runs}{few}; {row.parameters:,} parameters, {row.seconds:g} s a run, {row.threads} threads
- recipe: `{exam.task}`{f", {changed}" if changed else ", its defaults"}
- measured on: {row.machine}; recurra {row.revision}; data {row.data_sha256[:16]}
{more}{sources}"""


def shown(value: float | None) -> str:
    """Return a value with as many digits as it deserves."""
    if value is None:
        return ""
    return (
        f"{value:.4f}" if abs(value) < 1 else f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}"
    )


def within(text: str, table: str) -> str:
    """Return a text with the table between its two marks; without the marks, as it is."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n{table}{end}{tail}" if begin and end else text
