"""One HTML file with nothing outside it."""

from collections.abc import Sequence
from html import escape

from recurra.reports.part import Part
from recurra.reports.style import STYLE
from recurra.reports.text import told


def page(title: str, parts: Sequence[Part], lead: Sequence[str] = ()) -> str:
    """Return a page: a title, some lines, and a section for each part."""
    lines = "".join(f'<p class="dim">{told(line)}</p>' for line in lead)
    text = document(title, f"<h1>{told(title)}</h1>{lines}{''.join(map(_section, parts))}")
    # half of a character is nothing that a file can hold
    return text.encode("utf-8", "replace").decode("utf-8")


def document(title: str, body: str) -> str:
    """Return the HTML file of a body."""
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(title)}</title><style>{STYLE}</style>
{body}
</html>
"""


def _section(part: Part) -> str:
    note = f'<p class="dim">{told(part.note)}</p>' if part.note else ""
    return f"<section><h2>{told(part.title)}</h2>{note}{part.html()}</section>\n"
