"""Copied passages, as found by comparing every place with every other."""

import random

import numpy as np
import pytest

from recurra.tasks.pieces import copies
from recurra.tasks.pieces.copies import blocks, longest_copies, longest_runs
from recurra.tasks.pieces.figures import Copied, longest, usual
from recurra.tasks.pieces.piece import Piece

from .pieces import line, piece


def shared(a: Piece, i: int, b: Piece, j: int, *, transposed: bool) -> int:
    """How many notes from note i of a and note j of b on are the same."""
    moved = b.notes[j].pitch - a.notes[i].pitch
    apart = b.notes[j].start - a.notes[i].start
    if moved and not transposed:
        return 0
    count = 0
    for one, other in zip(a.notes[i:], b.notes[j:], strict=False):
        same = other.start - one.start == apart and other.pitch - one.pitch == moved
        if not same or one.length != other.length:
            break
        count += 1
    return count


def brute(a: Piece, corpus: list[Piece], *, transposed: bool) -> int:
    return max(
        (
            shared(a, i, b, j, transposed=transposed)
            for b in corpus
            for i in range(len(a.notes))
            for j in range(len(b.notes))
        ),
        default=0,
    )


def drawn(source: random.Random, where: str) -> Piece:
    notes, start = set(), 0.0
    for _ in range(source.randrange(0, 14)):
        notes.add((start, source.choice([0.5, 1.0]), source.choice([60, 62, 64])))
        start += source.choice([0.0, 0.5, 0.5, 1.0])
    return piece(*notes, where=where)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_passages_are_the_longest_there_are(seed: int, transposed: bool):
    source = random.Random(seed)
    corpus = [drawn(source, str(number)) for number in range(6)]
    asked = [drawn(source, "asked") for _ in range(5)]
    asked.append(corpus[2]._replace(where="asked"))  # all of it
    found = longest_copies(asked, corpus, transposed=transposed)
    assert len(found) == len(asked)
    for one, copy in zip(asked, found, strict=True):
        expected = brute(one, corpus, transposed=transposed)
        assert (copy.notes if copy else 0) == expected
        if copy:
            other = corpus[int(copy.source)]
            assert any(
                shared(one, i, other, j, transposed=transposed) == copy.notes
                and other.notes[j].pitch - one.notes[i].pitch == copy.semitones
                for i in range(len(one.notes))
                for j in range(len(other.notes))
            )


def test_where_a_passage_stands_is_told():
    theme = [60, 64, 67, 65, 62, 59]
    tune = line([48, 49, 50, 51, 52, *theme, 53])
    (same,) = longest_copies([tune], [line([30] * 9, where="a"), line([20, *theme], where="b")])
    assert same == (6, 6.0, 1.5, 2, "b", 0)
    higher = line([20, *(x + 3 for x in theme)], where="c")
    (found,) = longest_copies([tune], [higher], transposed=True)
    assert found == (6, 6.0, 1.5, 2, "c", 3)
    assert longest_copies([tune], [higher])[0] is None or (
        longest_copies([tune], [higher])[0].notes < 6
    )


def test_another_length_or_another_rest_ends_a_passage():
    tune = line([60, 62, 64, 65])
    longer = piece((0, 1, 60), (1, 1, 62), (2, 2, 64), (4, 1, 65))
    later = piece((0, 1, 60), (1, 1, 62), (3, 1, 64), (4, 1, 65))
    assert [c.notes for c in longest_copies([tune, tune], [longer])] == [2, 2]
    assert [c.notes for c in longest_copies([tune], [later])] == [2]
    swung = line([60, 62, 64, 65], 0.5)
    assert longest_copies([tune], [swung], transposed=True) == [None]


def test_no_passage_goes_from_one_piece_into_the_next():
    tune = line([60, 62, 64, 65, 67, 69])
    halves = [line([60, 62, 64], where="a"), line([65, 67, 69], where="b")]
    (found,) = longest_copies([tune], halves)
    assert (found.notes, found.source) == (3, "a")
    (other,) = longest_copies([tune], halves[1:])
    assert (other.notes, other.source, other.bar) == (3, "b", 1)


def test_many_pieces_are_looked_through_in_blocks(monkeypatch: pytest.MonkeyPatch):
    source = random.Random(5)
    corpus = [drawn(source, str(number)) for number in range(9)]
    asked = [drawn(source, "asked") for _ in range(4)]
    whole = longest_copies(asked, corpus)
    sizes = [len(block) for _, block in blocks(corpus, 20)]
    assert sum(sizes) == 9
    assert len(sizes) > 2
    monkeypatch.setattr(copies, "blocks", lambda pieces: blocks(pieces, 20))
    parts = longest_copies(asked, corpus)
    assert [c and c.notes for c in parts] == [c and c.notes for c in whole]
    for one, copy in zip(asked, parts, strict=True):
        if copy:
            assert brute(one, [corpus[int(copy.source)]], transposed=False) == copy.notes


def test_nothing_stands_in_nothing():
    assert longest_copies([line([60]), piece()], []) == [None, None]
    assert longest_copies([piece()], [piece(), line([60])]) == [None]
    assert longest_copies([], [line([60])]) == []
    assert longest_runs([], []) == []
    assert longest_runs([np.array([], np.int64)], [np.array([1])]) == [(0, 0, 0, 0)]


def test_the_longest_and_the_usual_of_a_set():
    tunes = [line([60, 62, 64]), line([60, 62, 71]), line([1])]
    found = longest_copies(tunes, [line([60, 62, 64, 65], where="x")])
    assert [copy and copy.notes for copy in found] == [3, 2, None]
    assert longest(found) == found[0]
    assert usual(found) == 2.0
    told = Copied(found, found).asdict()
    assert told["same_pitch"]["longest"]["source"] == "x"
    assert Copied([None], []).asdict() == {
        "same_pitch": {"longest": None, "median_notes": 0.0},
        "transposed": {"longest": None, "median_notes": 0.0},
    }
