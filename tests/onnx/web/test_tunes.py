"""Tunes are written in a page as they are in Python."""

import base64
import random

import pytest

from recurra.codecs.heard import settled_at
from recurra.codecs.tunes import parse
from recurra.data.music import MODES, SETTINGS, Notes, note_list
from recurra.errors import RecurraError
from tests.onnx.web.conftest import Ask


def pieces(notes: Notes) -> tuple[list[list[str]], list[list[int]]]:
    """Return drawn tokens, by name and number: more often what makes notes."""
    tokenizer, drawn = notes.tokenizer, random.Random(0)
    names = list(tokenizer.vocab)[4:]  # without those that begin and end a piece
    kinds = [
        [n for n in names if n.startswith(kind)] for kind in ("Bar", "Pos", "Pitch", "Dur", "Time")
    ]
    found = []
    for _ in range(40):
        piece = [drawn.choice(kinds[4])] * drawn.randrange(2)
        for _ in range(30):
            piece += [
                drawn.choice(some)
                for some in drawn.choice([kinds[:1], kinds[1:2], kinds[2:4], kinds[2:4]])
            ]
            piece += [drawn.choice(names)] * (drawn.random() < 0.1)
        found.append(piece)
    return found, [[tokenizer[name] for name in piece] for piece in found]


@pytest.mark.parametrize("resolution", [4, 8])
def test_notes_are_those_of_the_tokenizer(ask: Ask, resolution: int) -> None:
    notes = Notes({**SETTINGS, "beat_res": resolution})
    named, numbered = pieces(notes)
    assert "PitchDrum" in str(named)
    for found, tokens in zip(ask("notes", named, resolution), numbered, strict=True):
        score = notes.decode(tokens)
        wanted = [
            (note.start / score.tpq, note.duration / score.tpq, note.pitch)
            for track in score.tracks
            for note in track.notes
        ]
        assert sorted(map(tuple, found)) == sorted(wanted)


def test_a_midi_file_holds_its_notes(ask: Ask) -> None:
    notes = [(0.0, 1.0, 60), (0.5, 0.25, 64), (1.0, 12.0, 60), (300.0, 0.125, 21)]
    assert sorted(note_list(base64.b64decode(ask("midi", notes)))) == notes


def test_keys_are_read_as_the_codec_does(ask: Ask) -> None:
    texts = ["G major", "f# minor", "Bb", " d  MINOR ", "e♭ major", "C♯"]
    wanted = [(key, MODES.index(mode)) for key, mode in map(parse, texts)]
    assert [tuple(one) for one in ask("keys", texts)] == wanted
    for wrong in ("H major", "", "G minor major"):
        with pytest.raises(RecurraError, match="is no key and mode"):
            parse(wrong)
        with pytest.raises(AssertionError, match="is no key and mode"):
            ask("keys", [wrong])


def test_an_answer_is_settled_when_it_changes_no_more(ask: Ask) -> None:
    rows = [[1], [1, 1, 1], [0, 1, 0, 0], [0, 1, 2]]
    assert ask("settledAt", rows) == [settled_at(row) for row in rows]
