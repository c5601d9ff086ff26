"""Pages about what a model did: plain values that show themselves as HTML, with nothing outside.

Texts come from users and are escaped; what is cut says so; no part knows of tasks.
"""

from recurra.reports.attention import Heat, Looked, as_grid
from recurra.reports.cases import Case, Cases
from recurra.reports.confusion import Confusion, Pair
from recurra.reports.curve import Curve
from recurra.reports.lines import Lines
from recurra.reports.page import document, page
from recurra.reports.part import Part, Shown
from recurra.reports.pictures import Picture
from recurra.reports.plot import Plot
from recurra.reports.table import Table
from recurra.reports.text import Marked, Shaded, Span, Text

__all__ = [
    "Case",
    "Cases",
    "Confusion",
    "Curve",
    "Heat",
    "Lines",
    "Looked",
    "Marked",
    "Pair",
    "Part",
    "Picture",
    "Plot",
    "Shaded",
    "Shown",
    "Span",
    "Table",
    "Text",
    "as_grid",
    "document",
    "page",
]
