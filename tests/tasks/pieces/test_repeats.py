"""Repeated bars and circles, by hand and by trying everything."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.tasks.pieces.piece import TICKS
from recurra.tasks.pieces.repeats import bars, circle, endless, repeated

from .pieces import line, piece


def test_a_bar_is_what_sounds_in_it():
    found = bars(piece((0, 6, 60), (4, 1, 64), (7, 1, 67)))
    beat = TICKS
    assert found == [
        {(0, 4 * beat, 60, False)},
        {(0, 2 * beat, 60, True), (0, beat, 64, False), (3 * beat, 4 * beat, 67, False)},
    ]


def test_the_last_bar_of_a_piece_that_was_cut_is_left_out():
    notes = [(i, 1, 60) for i in range(6)]
    assert len(bars(piece(*notes))) == 2
    assert len(bars(piece(*notes, cut=True))) == 1


def test_repeated_bars_are_those_that_equal_an_earlier_one():
    a, b = [60, 62, 64, 65], [67, 65, 64, 62]
    tune = line(a + b + a + b + a + [x + 1 for x in a])
    assert repeated([tune]) == pytest.approx(3 / 6)
    # a bar of another piece is none; silent bars are not counted
    assert repeated([line(a), line(a)]) == 0
    assert repeated([piece((0, 4, 60), (16, 4, 60))]) == pytest.approx(1 / 2)
    assert repeated([piece()]) == repeated([]) == 0


def slow(symbols: Sequence[int], longest: int, times: int) -> int:
    """The definition: the last k stand there `times` times in a row."""
    for k in range(1, longest + 1):
        if len(symbols) >= k * times and list(symbols[-k:]) * times == list(symbols[-k * times :]):
            return k
    return 0


@given(
    st.lists(st.integers(0, 1), max_size=14),
    st.lists(st.integers(0, 1), min_size=1, max_size=4),
    st.integers(0, 5),
    st.integers(1, 4),
    st.integers(2, 4),
)
@settings(max_examples=300)
def test_circles_are_found_as_by_trying(
    head: list[int], cycle: list[int], rounds: int, longest: int, times: int
):
    symbols = head + cycle * rounds
    assert circle(symbols, longest, times) == slow(symbols, longest, times)


def test_a_piece_that_goes_round_and_one_that_does_not():
    a, b, c = [60, 62, 64, 65], [67, 65, 64, 62], [72, 71, 69, 67]
    assert endless(line(c + (a + b) * 4)) == 2
    assert endless(line(c + (a + b) * 3)) == 0
    assert endless(line((a + b) * 4 + c)) == 0  # it gets out
    assert endless(line(a * 4)) == 1
    # the half bar that its length left it is looked past
    assert endless(line((a + b) * 4 + a[:2])) == 0
    assert endless(line((a + b) * 4 + a[:2])._replace(cut=True)) == 2


def test_one_chord_held_for_ever_and_silence_are_circles():
    assert endless(piece((0, 1, 62), (1, 23, 60))) == 1
    still = line([60, 62, 64, 65])
    silent = still._replace(lines=[4 * TICKS * i for i in range(7)])
    assert endless(silent) == 1
    assert endless(still) == 0


def test_a_circle_of_more_bars_than_eight_is_a_form():
    eight, nine = ([pitch for i in range(n) for pitch in (60 + i, 62, 64, 65)] * 4 for n in (8, 9))
    assert endless(line(eight)) == 8
    assert endless(line(nine)) == 0
