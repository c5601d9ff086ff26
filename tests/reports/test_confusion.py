"""The table of confusions, counted again."""

import random
from collections import Counter

from recurra.reports import Confusion, page

from .reading import table


def test_each_cell_counts_its_pair():
    pairs = [("a", "a"), ("a", "b"), ("a", "b"), ("b", "b"), ("c", "a")]
    text = page("p", [Confusion(["a", "b", "c"], Counter(pairs))])
    found = table(text, "Confusions")
    for row in "abc":
        for column in "abc":
            shown = found[row][column]
            assert int(shown.replace("·", "0")) == pairs.count((row, column))
    assert "Most often: a → b 2×; c → a 1×" in text
    # the right answers alone are green
    assert text.count("hsla(140,") == 2
    assert text.count("hsla(8,60%") == 2
    assert "hsla(8,60%,50%,0.47)" in text  # 2 of 3, of 0.7


def test_what_was_missed_and_what_is_not_there_have_a_column_and_a_row():
    counts = {("x", None): 4, (None, "y"): 5, ("x", "y"): 1, ("y", "y"): 2, ("missed", "x"): 7}
    confusion = Confusion(["missed", "x", "y"], counts, missed="missed", spurious="spurious")
    single, rows, columns, cells = confusion.grid()
    assert single == 3
    assert rows == ["missed", "x", "y", "spurious"]
    assert columns == ["missed", "x", "y", "missed"]  # a type of that name is another one
    assert cells == [[0, 7, 0, 0], [0, 0, 1, 4], [0, 0, 2, 0], [0, 0, 5, 0]]
    assert confusion.often()[:3] == [
        ("missed", "x", 7),
        ("spurious", "y", 5),
        ("x", "missed", 4),
    ]


def test_of_thousands_of_classes_the_most_frequent_are_shown_and_the_rest_together():
    choice = random.Random(0)
    labels = [f"c{i:04}" for i in range(5000)]
    pairs = Counter((choice.choice(labels), choice.choice(labels[:50])) for _ in range(20_000))
    confusion = Confusion(labels, pairs)
    _, rows, columns, cells = confusion.grid()
    assert len(rows) == len(columns) == 31
    assert rows[-1] == "4,970 others"
    assert sum(map(sum, cells)) == 20_000
    seen = Counter(label for pair, n in pairs.items() for label in pair for _ in range(n))
    assert set(rows[:-1]) == {label for label, _ in seen.most_common(30)}
    assert rows[:-1] == sorted(rows[:-1])  # in their own order
    for i, row in enumerate(rows[:-1]):
        for j, column in enumerate(columns[:-1]):
            assert cells[i][j] == pairs[row, column]
        assert sum(cells[i]) == sum(n for (w, _), n in pairs.items() if w == row)
    assert "30 most frequent of 5,000 classes" in confusion.note
    html = confusion.html()
    assert len(html) < 100_000
    assert html.count("<tr>") == 32
    others = html.rpartition("<tr>")[2]
    assert "hsla(140" not in others  # others taken for others are not right


def test_nothing_was_answered():
    confusion = Confusion(["a"], {})
    assert confusion.grid().counts == [[0]]
    assert "There are none." in confusion.html()
    assert Confusion([], {}).grid().counts == []


def test_a_class_without_a_name_is_a_class():
    confusion = Confusion(["", "a"], {("", "a"): 1}, missed="missed", spurious="spurious")
    assert confusion.often() == [("", "a", 1)]
    assert confusion.grid().counts[0] == [0, 1, 0]
