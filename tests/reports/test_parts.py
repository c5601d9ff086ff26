"""Each part of a page: what it shows, what it cuts, and that no text of a user is markup."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pytest

from recurra.reports import (
    Case,
    Cases,
    Confusion,
    Curve,
    Heat,
    Lines,
    Looked,
    Marked,
    Part,
    Picture,
    Shaded,
    Span,
    Table,
    Text,
    page,
)
from recurra.reports.plot import Axis
from recurra.reports.text import told

from .reading import read, table

EVIL = '<script src="http://x">&"\'</td></section>'
PLAIN = "&lt;script src=&quot;"


@dataclass(frozen=True)
class Boxed:
    """Something shown, as a part."""

    what: Text | Marked | Shaded | Heat | Looked | Picture | Lines
    title = "Boxed"
    note = ""

    def html(self) -> str:
        return self.what.html()


GREY = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
PARTS: list[Part] = [
    Table(EVIL, [EVIL, "n"], [[EVIL, 1]], EVIL),
    Confusion([EVIL, "b"], {(EVIL, "b"): 3, (None, EVIL): 1}, spurious=EVIL, missed=EVIL),
    Curve(EVIL, {EVIL: [(1, 2.0), (2, 3.0)]}, note=EVIL),
    Cases(EVIL, [Case([(EVIL, EVIL), ("", Text(EVIL))], EVIL)], EVIL),
    Cases(EVIL, [], none=EVIL),
    Boxed(Marked([EVIL, EVIL], [Span(EVIL, 0, 1, False)])),
    Boxed(Shaded([EVIL], [3.0])),
    Boxed(Heat([[1.0]], [EVIL], [EVIL])),
    Boxed(Looked(GREY, [EVIL], [np.ones((2, 2))])),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_no_text_is_markup(part: Part):
    text = page(EVIL, [part], [EVIL])
    assert "<script" not in text
    assert text.count("</section>") == 1
    assert text.count(PLAIN) >= 3
    shown = text.replace("http://x", "")  # which stands in no place where a browser would follow it
    assert read(shown).tags.count("section") == 1
    assert isinstance(part, Part)


def test_a_page_is_whole_alone_and_holds_half_characters():
    text = page("Title & more", [Table("t", ["a"], [["\ud800"]]), Table("u", ["a"], [])])
    assert text.encode("utf-8").decode() == text
    assert text.startswith("<!doctype html>")
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:dark" in text
    assert "<title>Title &amp; more</title>" in text
    assert list(read(text).tables) == ["t", "u"]


def test_a_long_text_is_cut_and_says_so():
    assert told("a" * 600) == "a" * 600
    cut = told("<" * 700)
    assert cut.count("&lt;") == 600
    assert "(700 characters)" in cut
    sentence = Marked(["w"] * 500, [Span("X", 118, 130), Span("Y", 300, 301)]).html()
    assert sentence.split("<small>")[0].count("w") == 120
    assert "(380 more words)" in sentence
    assert sentence.count("<mark") == sentence.count("</mark>") == 1
    assert len(Case([("", "x" * 10_000)], "y" * 10_000).html()) < 2_000


def test_wrong_spans_are_told_from_right_ones():
    html = Marked(["a", "b", "c", "d"], [Span("X", 0, 1), Span("X", 3, 3, False)]).html()
    assert re.findall(r"<mark( class=\"off\")? [^>]*>([^<]*)", html) == [
        ("", "a b"),
        (' class="off"', "d"),
    ]
    assert len(set(re.findall(r"hsl\(\d+", html))) == 1  # one type, one colour


def test_numbers_of_a_table():
    rows = [["x", 12_345, 0.25, None, math.nan], ["y", 2, math.inf, 1.0, 2.0]]
    found = table(page("p", [Table("T", ["", "n", "f", "e", "m"], rows)]), "T")
    assert found["x"] == {"n": "12,345", "f": "0.2500", "e": "", "m": "–"}
    assert found["y"]["f"] == "–"


def test_of_many_rows_the_first_are_shown():
    html = Table("T", ["n"], [[i] for i in range(4000)]).html()
    assert html.count("<td") == 30
    assert "The first 30 of 4,000." in html
    assert "The first" not in Table("T", ["n"], [[i] for i in range(30)]).html()


def test_a_curve_goes_from_its_least_to_its_greatest():
    line = [(10, 4.0), (20, 1.0), (30, math.nan), (40, 2.0)]
    curve = Curve("c", {"a": line, "b": [(40, 1.5)]}, 20)
    assert curve.points() == {"a": [(10, 4.0), (20, 1.0), (40, 2.0)], "b": [(40, 1.5)]}
    html = curve.html()
    drawn = re.findall(r'points="([^"]+)', html)[0].split()
    xs, ys = zip(*([float(n) for n in point.split(",")] for point in drawn), strict=True)
    assert xs[1] - xs[0] == pytest.approx((xs[2] - xs[0]) / 3, abs=0.1)
    assert (ys[1] - ys[2]) == pytest.approx((ys[1] - ys[0]) / 3, abs=0.1)
    assert ys[0] < ys[2] < ys[1]  # what is greater is higher
    assert "step 10<" in html
    assert "step 40<" in html
    assert f'<line x1="{xs[1]:.1f}"' in html
    assert html.count("<circle") == 1
    assert "stroke-dasharray" not in Curve("c", curve.lines).html()


def test_a_curve_of_nothing_and_one_of_very_many():
    assert "Nothing" in Curve("c", {"a": [(1, math.nan)]}).html()
    points = Curve("c", {"a": [(i, float(i)) for i in range(10_001)]}).points()["a"]
    assert len(points) <= 400
    assert points[-1] == (10_000, 10_000.0)


def test_a_map_is_cut_and_says_so():
    small = Heat([[0.1, 0.9]], ["a", "b" * 40], ["x"]).html()
    assert small.count("<rect") == 2
    assert 'fill-opacity="0.90"' in small
    assert "b" * 11 not in small
    large = Heat([[0.0] * 100] * 50, ["s"] * 100, ["t"] * 50).html()
    assert large.count("<rect") == 1600
    assert "50 tokens written, 100 read" in large


def test_a_signal_is_drawn_with_what_is_missing_left_out():
    html = Lines(np.array([[0.0, 10.0], [np.nan, 10.0], [5.0, np.inf]])).html()
    lines = [line.split() for line in re.findall(r'points="([^"]*)', html)]
    assert [len(line) for line in lines] == [2, 2]
    heights = [[float(point.split(",")[1]) for point in line] for line in lines]
    assert heights[0] == [67.0, 35.0]  # 0 and 5, of 0 to 10
    assert heights[1] == [3.0, 3.0]
    assert "no numbers" in Lines(np.full((3, 1), np.nan)).html()
    many = Lines(np.zeros((100_000, 20))).html()
    assert many.count("<polyline") == 8
    assert "12 more channels" in many
    assert len(many) < 60_000


@pytest.mark.parametrize(
    ("low", "high", "named"),
    [
        (4096, 65536, ["4,096", "65,536"]),
        (19.3, 641, ["19.3", "641"]),
        (0.02, 0.03, ["0.02", "0.03"]),
        (1, 1000, ["1", "10", "100", "1000"]),
    ],
)
def test_the_ends_of_a_short_logarithmic_axis_are_named_in_full(
    low: float, high: float, named: list[str]
) -> None:
    assert [name for _, name in Axis.of([low, high], True).ticks()] == named
