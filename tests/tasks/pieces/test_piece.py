"""A piece out of a score and out of a roll, its bars, its lines."""

import numpy as np
import pytest

from recurra.data.rolls import LOWEST
from recurra.tasks.pieces.piece import TICKS, Note, bar_lines, lower, of_roll, of_score, upper

from .pieces import piece


def score(tpq: int, *notes: tuple[int, int, int], meters: tuple[tuple[int, int, int], ...] = ()):
    import symusic

    found, drums = symusic.Score(tpq), symusic.Track(is_drum=True)
    drums.notes.append(symusic.Note(0, tpq, 36, 80))
    for some in (notes[::2], notes[1::2]):  # two tracks, read as one piece
        track = symusic.Track()
        for start, length, pitch in some:
            track.notes.append(symusic.Note(start, length, pitch, 80))
        found.tracks.append(track)
    found.tracks.append(drums)
    for change in meters:
        found.time_signatures.append(symusic.TimeSignature(*change))
    return found


@pytest.mark.parametrize("tpq", [8, 96, 480])
def test_a_score_is_its_notes_on_one_grid_without_drums(tpq: int):
    notes = [(2 * tpq, tpq, 60), (0, tpq // 2, 67), (0, 2 * tpq, 48)]
    found = of_score(score(tpq, *notes), "x.mid")
    assert found.notes == [
        Note(0, 48, 2 * TICKS),
        Note(0, 67, TICKS // 2),
        Note(2 * TICKS, 60, TICKS),
    ]
    assert (found.where, found.cut, found.beats) == ("x.mid", False, 3.0)
    assert found.lines == [0, 4 * TICKS]


def test_bars_follow_the_time_signatures():
    meters = ((0, 3, 4), (6 * 480, 6, 8), (10 * 480, 2, 4))
    found = of_score(score(480, (0, 480, 60), (11 * 480, 480, 62), meters=meters), "x")
    # 3/4 twice, 6/8 once and one cut short by the 2/4 after it
    assert [line / TICKS for line in found.lines] == [0, 3, 6, 9, 10, 12]
    late = of_score(score(480, (0, 6 * 480, 60), meters=((4 * 480, 3, 4),)), "x")
    assert [line / TICKS for line in late.lines] == [0, 4, 7]  # 4/4 before anything is said


def test_silent_bars_at_the_end_count_where_they_were_written():
    assert of_score(score(8, (0, 8, 60)), "x", bars=3).lines == [4 * TICKS * i for i in range(4)]
    assert bar_lines({}, 0, 0) == [0]
    assert bar_lines({}, 4 * TICKS, 0) == [0, 4 * TICKS]
    assert bar_lines({}, 4 * TICKS + 1, 0) == [0, 4 * TICKS, 8 * TICKS]


def test_a_key_that_sounds_on_is_one_note():
    frames = np.zeros((6, 88), np.uint8)
    frames[0:3, 60 - LOWEST] = frames[4, 60 - LOWEST] = frames[2:6, 40 - LOWEST] = 1
    found = of_roll(frames, 2, "x", cut=True)
    half = TICKS // 2
    assert found.notes == [
        Note(0, 60, 3 * half),
        Note(2 * half, 40, 4 * half),
        Note(4 * half, 60, half),
    ]
    assert found.cut
    silent = np.concatenate([frames, np.zeros((4, 88), np.uint8)])
    assert [line / TICKS for line in of_roll(silent, 2, "x").lines] == [0, 4, 8]


def test_the_highest_and_the_lowest_of_what_begins_together():
    chords = piece((0, 1, 60), (0, 2, 67), (0, 1, 64), (1, 1, 62), (2, 1, 50), (2, 1, 72))
    assert [note.pitch for note in upper(chords)] == [67, 62, 72]
    assert [note.pitch for note in lower(chords)] == [60, 62, 50]
