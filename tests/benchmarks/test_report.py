"""Page and plots are functions of the rows."""

from pathlib import Path

from recurra.benchmarks import plots
from recurra.benchmarks.questions import QUESTIONS
from recurra.benchmarks.report import Image, page
from tests.benchmarks.rows import GRID, MACHINE, OTHERS, row

ROWS = [row(), row(cell="GRU", ratio=1.1), row(cell="Elman", ratio=0.8, must=None), *GRID, *OTHERS]


def test_the_page_tells_verdicts_losses_and_who_was_absent():
    text = page(ROWS, MACHINE, QUESTIONS, [Image("speed-time.svg", "Time.")])
    assert "**2 miss it**" in text
    lost = text.split("## Where recurra loses")[1]
    assert "| GRU | 32 × 256 × 256 × 256 |" in lost
    assert "**LOST**" in lost
    assert "**MISSED**" in lost
    assert "jax is not installed" in text
    assert "](images/speed-time.svg)" in text
    assert "| 8, 128 | **0.900** | **0.900** |" in text
    assert text == page(ROWS, MACHINE, QUESTIONS, [Image("speed-time.svg", "Time.")])


def test_rows_of_other_days_are_told_apart():
    rows = [
        row(machine="Abacus, a day"),
        row(cell="GRU"),
        row(cell="Elman", machine="Abacus, a day"),
    ]
    text = page(rows, MACHINE, QUESTIONS, [])
    assert "Measured on: Abacus, a day; a machine that was not noted at the time." in text


def test_a_page_of_wins_says_so():
    assert "Nowhere in this run." in page([row(ratio=9.0)], {}, QUESTIONS, [])


def test_plots_are_the_same_bytes_each_time(tmp_path: Path):
    first = plots.draw(ROWS, MACHINE, tmp_path / "a")
    assert [image.file for image in first] == [
        f"speed-{name}.svg" for name in ("ratios", "time", "width", "share")
    ]
    assert plots.draw(ROWS, MACHINE, tmp_path / "b") == first
    for image in first:
        ours, again = ((tmp_path / part / image.file).read_bytes() for part in "ab")
        assert ours == again
        assert ours.startswith(b"<?xml")


def test_a_plot_without_rows_is_not_drawn(tmp_path: Path):
    assert plots.draw([row(ours_ms=None)], {}, tmp_path) == []
