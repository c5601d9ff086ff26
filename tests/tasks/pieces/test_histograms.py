"""Histograms, compass and density by hand, and their distance by another formula."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recurra.tasks.pieces.figures import Figures, shares
from recurra.tasks.pieces.histograms import (
    compass,
    density,
    intervals,
    note_lengths,
    pitch_classes,
    total_variation,
)
from recurra.tasks.pieces.piece import upper

from .pieces import line, piece

CHORD = piece((0, 1, 60), (0, 2, 67), (1, 0.5, 72), (2, 1, 48))
SCALE = line([60, 62, 64, 50, 79])


def test_pitch_classes_are_of_any_octave():
    counts = pitch_classes([CHORD, SCALE])
    assert list(counts) == list(range(12))
    assert +counts == Counter({0: 4, 7: 2, 2: 2, 4: 1})


def test_intervals_are_those_of_each_pieces_own_line():
    found = intervals([CHORD, SCALE], upper)
    assert list(found) == list(range(-12, 13))
    # 67 72 48 and 60 62 64 50 79: none between one piece and the next; wide ones count as octaves
    assert +found == Counter({5: 1, -12: 2, 2: 2, 12: 1})
    assert sum(intervals([piece((0, 1, 60))], upper).values()) == 0


def test_lengths_are_in_beats():
    assert note_lengths([CHORD]) == Counter({1.0: 2, 2.0: 1, 0.5: 1})


def test_density_is_all_notes_by_all_beats():
    assert density([CHORD, SCALE]) == pytest.approx((4 + 5) / (3 + 5))
    late = piece((6, 2, 60))
    assert density([late]) == pytest.approx(1 / 8)  # the silence before it counts
    assert density([piece()]) == density([]) == 0


def test_the_compass_is_of_all_pieces_together():
    assert compass([CHORD, SCALE], upper) == (48, 63, 79)
    assert compass([CHORD], lambda one: one.notes) == (48, 63.5, 72)
    assert compass([piece()], upper) is None


COUNTS = st.dictionaries(st.integers(0, 5), st.integers(0, 9))


@given(COUNTS, COUNTS)
def test_the_distance_is_one_less_what_both_share(p: dict[int, int], q: dict[int, int]):
    of_p, of_q = sum(p.values()), sum(q.values())
    found = total_variation(Counter(p), Counter(q))
    assert found == total_variation(Counter(q), Counter(p))
    if of_p and of_q:
        shared = sum(min(p.get(x, 0) / of_p, q.get(x, 0) / of_q) for x in range(6))
        assert found == pytest.approx(1 - shared)
    else:
        assert found == (of_p > 0 or of_q > 0)


def test_distances_are_to_the_other_set():
    one, other = Figures.of([line([60, 60, 67])]), Figures.of([line([60, 67, 67])])
    far = one.distances(other)
    assert far["pitch_classes"] == pytest.approx(1 / 3)
    assert far["intervals"] == pytest.approx(0)  # 0 and 7; 7 and 0
    assert far["note_lengths"] == 0
    assert Figures.of([piece()]).distances(other)["pitch_classes"] == 1


def test_shares_add_up_and_are_in_order():
    assert shares(Counter({1.5: 1, 0.25: 3})) == {"0.25": 0.75, "1.5": 0.25}
    assert shares(Counter({2: 0})) == {"2": 0.0}


def test_figures_of_a_set():
    cut = piece(*((i, 1, 60) for i in range(40)), cut=True)
    found = Figures.of([CHORD, SCALE, cut, piece()])
    assert (found.pieces, found.notes, found.cut, found.endless) == (4, 49, 1, 1)
    assert found.notes_per_beat == pytest.approx(49 / 48)
    assert found.compasses == {"all": (48, 60, 79), "upper": (48, 60, 79), "lower": (48, 60, 79)}
    assert found.repeated_bars == pytest.approx(8 / 12)  # of 1, 2, and 9: the tenth is cut
