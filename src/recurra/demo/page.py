"""The demo's page: one HTML file with nothing outside it."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from recurra.demo.drawings import LAYOUTS, draw
from recurra.reports import document
from recurra.reports.drawings import COLOURS
from recurra.tasks.task import Task


class Section(NamedTuple):
    """What the page says of one model."""

    task: Task[Any]
    result: dict[str, Any]
    body: str


def page(sections: Sequence[Section]) -> str:
    """Return the page as HTML."""
    types = "".join(
        f"<figure>{draw(kind)}<figcaption>{escape(kind)}</figcaption></figure>" for kind in LAYOUTS
    )
    legend = " ".join(f'<b style="color:{c}">■</b> {name}' for name, c in COLOURS.items())
    body = f"""<h1>recurra</h1>
<p>Every type of recurrent neural network, each trained a moment ago on this machine, on data that
comes with the package. What follows was answered on held-out examples.</p>
<section><h2>The five types</h2><p class="dim">{legend}; time runs to the right</p>
<div class="types">{types}</div></section>
<section><h2>Results</h2>{_table([section.result for section in sections])}</section>
{"".join(_section(section) for section in sections)}"""
    return document("recurra: the five types of RNN", body)


def _table(results: Sequence[dict[str, Any]]) -> str:
    head = "".join(f"<th>{escape(name.replace('_examples', ''))}</th>" for name in results[0])
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in line.values()) + "</tr>"
        for line in results
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _section(section: Section) -> str:
    task, result = section.task, section.result
    title = task.name.replace("_", " ")
    return f"""<section id="{task.name}"><div class="head">{draw(task.type)}<div>
<h2>{escape(title)}</h2><div class="dim">{escape(task.type)} · {escape(task.summary)}</div>
<div><span class="score">{result["value"]}</span> {escape(result["metric"])}
<span class="dim">trivial baseline {result["baseline"]} · {result["test_examples"]} test examples ·
{result["seconds"]} s</span></div></div></div>{section.body}</section>"""
