"""What is made of what was measured: searches, ratios, growth, verdicts, the file of rows."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.serving.figures import Row, growth, holds, median, merge, ratio, read, search, write
from recurra.errors import RecurraError

NAMES = ["first", "second", "third"]


def row(question: str = "first", figure: float = 5.0, **others: object) -> Row:
    given = {"part": "all", "unit": "s", "must": 4.0, "aim": 8.0} | others
    return Row(question=question, figure=figure, **given)  # type: ignore[arg-type] # of a test


class Server:
    """Holds so many sessions, and fails once at those that it holds but is unlucky with."""

    def __init__(self, most: int, unlucky: Sequence[int] = ()) -> None:
        self.most, self.unlucky, self.tried = most, set(unlucky), list[int]()

    def __call__(self, sessions: int) -> bool:
        self.tried.append(sessions)
        if sessions in self.unlucky:
            self.unlucky.remove(sessions)
            return False
        return sessions <= self.most


def test_the_search_ends_at_the_first_level_that_is_missed_twice() -> None:
    server = Server(430)
    assert search([100, 200, 400, 600, 800], server, halvings=0) == 400
    assert server.tried == [100, 200, 400, 600, 600]


def test_the_gap_is_halved() -> None:
    server = Server(560)
    assert search([100, 200, 400, 600], server) == 550
    assert server.tried[-2:] == [500, 550]
    assert search([100], Server(70)) == 50
    assert search([100], Server(0)) == 0
    assert search([100, 200], Server(10**6)) == 200


def test_one_bad_moment_does_not_end_the_search() -> None:
    assert search([100, 200, 400], Server(400, unlucky=[200])) == 400


def test_a_load_is_held_where_all_is_answered_in_time() -> None:
    assert holds({"p99_ms": 19.9, "unanswered": 0}, 20.0)
    assert not holds({"p99_ms": 20.0, "unanswered": 0}, 20.0)
    assert not holds({"p99_ms": 1.0, "unanswered": 1}, 20.0)
    assert not holds({"p99_ms": float("nan"), "unanswered": 0}, 20.0)


def test_ratios_and_medians() -> None:
    assert ratio(6, 2) == 3
    assert ratio(6, 0) == float("inf")
    assert ratio(0, 0) == 1
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


def test_growth_begins_after_the_warm_up() -> None:
    assert growth([10.0] * 10 + [100.0] * 90) == 0
    assert growth([10.0] * 10 + [100.0] * 45 + [103.0] * 45) == pytest.approx(3)
    assert growth([50.0] * 10 + [100.0] * 89 + [900.0]) == 0, "one sample is no growth"
    assert growth([100.0] * 50 + [90.0] * 50) == pytest.approx(-10)
    with pytest.raises(RecurraError, match="too few; take a longer run"):
        growth([1.0] * 9)


@pytest.mark.parametrize(
    ("figure", "must", "aim", "less", "verdict"),
    [
        (3.9, 4.0, 8.0, False, "MISSES what was asked"),
        (4.0, 4.0, 8.0, False, "reaches what was asked"),
        (8.0, 4.0, 8.0, False, "reaches the aim"),
        (4.1, 4.0, 1.5, True, "MISSES what was asked"),
        (4.0, 4.0, 1.5, True, "reaches what was asked"),
        (1.5, 4.0, 1.5, True, "reaches the aim"),
        (1, 0.0, None, True, "MISSES what was asked"),
        (0, 0.0, None, True, "reaches what was asked"),
        (2.1, None, 2.0, True, "misses the aim"),
        (2.0, None, 2.0, True, "reaches the aim"),
        (2.0, None, None, False, ""),
    ],
)
def test_verdicts(
    figure: float, must: float | None, aim: float | None, less: bool, verdict: str
) -> None:
    assert row(figure=figure, must=must, aim=aim, less=less).verdict == verdict


def test_a_question_that_is_answered_anew_loses_its_old_rows_and_no_others() -> None:
    old = [row("first", 1.0), row("first", 2.0, part="gone"), row("third", 3.0)]
    new = [row("second", 4.0), row("first", 5.0)]
    assert merge(old, new, NAMES) == [new[1], new[0], old[2]]
    assert merge(old, [], NAMES) == old


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "serving.json"
    assert read(path, NAMES) == []
    rows = [row(details=[{"sessions": 25, "p99_ms": None}]), row("third"), row("no more")]
    write(path, rows)
    assert read(path, NAMES) == rows[:2], "what is asked no more is dropped"


@pytest.mark.parametrize("text", ["{", "{}", '[{"question": "first"}]', "[1]"])
def test_a_file_of_somebody_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "serving.json"
    path.write_text(text)
    if text == "{}":
        assert read(path, NAMES) == []
        return
    with pytest.raises(RecurraError, match="delete it to start afresh"):
        read(path, NAMES)
