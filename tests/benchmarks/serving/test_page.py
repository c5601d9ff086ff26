"""The page and the command: all that was found is told, losses too, and other rows are kept."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving import __main__ as command
from benchmarks.serving.figures import Row
from benchmarks.serving.models import Workshop
from benchmarks.serving.page import number, page
from benchmarks.serving.question import Found, Question, Settings
from benchmarks.serving.questions import QUESTIONS


def answer(settings: Settings) -> Iterator[Found]:
    table = [{"sessions": 25, "p99_ms": 1.234}, {"sessions": 50, "late": "a|b\n<c>"}]
    yield Found("JSON", settings.frames, table, note="it `said` so")
    yield Found("beside", 1, asked=False)


def failing(settings: Settings) -> Iterator[Found]:
    yield Found("half", 1)
    raise OSError("the server\nhas gone")


FAST = Question("fast", "How many?", "By counting.", "sessions", answer, must=300, aim=2000)
SLOW = Question("slow", "How long?", "By a clock.", "s", answer, must=4.0, less=True)
BROKEN = Question("broken", "What?", "", "", failing)
ROWS = [
    Row(question="fast", part="JSON", figure=400, unit="sessions", must=300, aim=2000, machine="m"),
    Row(question="slow", part="one", figure=4.25, unit="s", must=4.0, aim=1.5, less=True),
]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose rows and page are written, of three questions."""
    monkeypatch.setattr(command, "QUESTIONS", (FAST, SLOW, BROKEN))
    monkeypatch.setattr(command, "measured_here", lambda: "this machine, today")
    return tmp_path


def told(folder: Path) -> list[tuple[str, str, float]]:
    rows = json.loads((folder / "benchmarks" / "results" / "serving.json").read_text())
    return [(row["question"], row["part"], row["figure"]) for row in rows]


def test_the_table_tells_what_was_asked_and_whether_it_is_reached() -> None:
    text = page(ROWS, [FAST, SLOW])
    reached = "| How many? | JSON | **400** sessions | ≥ 300 | ≥ 2,000 | reaches what was asked |"
    missed = "| How long? | one | **4.25** s | ≤ 4 | ≤ 1.5 | **MISSES what was asked** |"
    assert text.count(reached) == 1
    assert text.count(missed) == 2, "in the table, and among what is missed"
    assert "Measured on: m." in text
    assert "By counting." in text


def test_without_losses_the_page_says_so() -> None:
    assert "Nothing of what is on this page." in page(ROWS[:1], [FAST])
    assert "Nothing of what is on this page." not in page(ROWS, [FAST, SLOW])


def test_one_question_keeps_the_rows_of_the_others(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--folder", str(asked)]
    assert command.main(["--only", "slow", "--frames", "5", *folder]) == 0
    assert command.main(["--only", "fast", "--frames", "400", *folder]) == 0
    first = [("fast", "JSON", 400), ("fast", "beside", 1)]
    assert told(asked) == [*first, ("slow", "JSON", 5), ("slow", "beside", 1)]
    assert command.main(["--only", "slow", "--frames", "2", *folder]) == 0
    assert told(asked) == [*first, ("slow", "JSON", 2), ("slow", "beside", 1)]
    text = (asked / "docs" / "serving.md").read_text()
    assert "| 25 | 1.23 |  |\n| 50 |  | a\\|b &lt;c> |" in text
    assert "it 'said' so" in text
    assert "this machine, today" in text
    assert "| How many? | beside | **1** sessions |  |  |  |" in text, "nothing was asked of it"
    assert "JSON: 400 sessions  reaches what was asked" in capsys.readouterr().out


def test_a_question_that_fails_leaves_its_old_rows_and_the_others_go_on(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--only", "broken,fast", "--folder", str(asked)]) == 1
    assert [row[0] for row in told(asked)] == ["fast", "fast"]
    assert "FAILED: OSError: the server has gone\n" in capsys.readouterr().out


def test_a_quick_run_writes_nothing(asked: Path) -> None:
    assert command.main(["--only", "fast", "--quick", "--folder", str(asked)]) == 0
    assert not list(asked.iterdir())


def test_an_unknown_question_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--only", "sessions,nothing"])
    assert "there is no nothing; give parity, onnx-step, sessions" in capsys.readouterr().err


def test_each_question_has_a_name_of_its_own_and_asks_for_something(tmp_path: Path) -> None:
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        assert question.must is not None or question.aim is not None
        assert "\n" not in question.asks + question.how
    assert not list(tmp_path.iterdir())
    Workshop(tmp_path)  # trains nothing before it is asked
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (float("inf"), "∞"),
        (300, "300"),
        (2000.0, "2,000"),
        (1.5, "1.5"),
        (4.256, "4.26"),
        (1e-5, "1.0e-05"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
