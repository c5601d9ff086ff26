"""The demo's page: one HTML file with nothing outside it."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from recurra.demo.drawings import COLOURS, LAYOUTS, draw
from recurra.tasks.task import Task


class Section(NamedTuple):
    """What the page says of one model."""

    task: Task[Any]
    result: dict[str, Any]
    body: str


STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--dim:#667;--paper:#fbfaf7;--card:#fff;--line:#e3e0d8}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--dim:#9aa;--paper:#15181d;--card:#1d2128;
--line:#333a44}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;
max-width:62rem;padding:2rem 1.2rem}
h1{font-size:2rem;margin:0}h2{margin:.2rem 0}p{max-width:44rem}.dim{color:var(--dim)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;
padding:1.1rem 1.4rem;margin:1.4rem 0}.types,.row{display:flex;
flex-wrap:wrap;gap:1.1rem;align-items:flex-end}
figure{margin:0;text-align:center;font-size:.82rem}img{image-rendering:pixelated;border-radius:6px;
border:1px solid var(--line)}.right{color:#2e8b57}.wrong{color:#d33}table{border-collapse:collapse}
td,th{padding:.25rem .6rem;white-space:nowrap;font-size:.92rem;
border-bottom:1px solid var(--line);text-align:left}
mark{border-radius:5px;padding:.05rem .3rem;color:#111}mark small{opacity:.65;margin-left:.3rem}
.score{font-size:1.5rem;font-weight:650}.head{display:flex;gap:1.6rem;align-items:center;
flex-wrap:wrap}button{font:inherit;padding:.3rem .9rem;border-radius:8px;
border:1px solid var(--line);cursor:pointer}svg text{fill:currentColor}.wide{overflow-x:auto}
"""


def page(sections: Sequence[Section]) -> str:
    """Return the page as HTML."""
    types = "".join(
        f"<figure>{draw(kind)}<figcaption>{escape(kind)}</figcaption></figure>" for kind in LAYOUTS
    )
    legend = " ".join(f'<b style="color:{c}">■</b> {name}' for name, c in COLOURS.items())
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>recurra: the five types of RNN</title><style>{STYLE}</style>
<h1>recurra</h1>
<p>Every type of recurrent neural network, each trained a moment ago on this machine, on data that
comes with the package. What follows was answered on held-out examples.</p>
<section><h2>The five types</h2><p class="dim">{legend}; time runs to the right</p>
<div class="types">{types}</div></section>
<section><h2>Results</h2>{_table([section.result for section in sections])}</section>
{"".join(_section(section) for section in sections)}
</html>"""


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
