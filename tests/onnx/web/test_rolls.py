"""Piano-rolls are made of MIDI files in a page as they are in Python."""

import base64
import random

import numpy as np
import pytest

from recurra.data.music import note_list
from recurra.data.readers.midi import parse
from recurra.data.readers.smf import symusic
from recurra.data.rolls import KEYS, of_score, to_midi
from tests.onnx.web.conftest import Ask


def drawn(tpq: int) -> bytes:
    """Return a MIDI file whose notes begin and end between steps, and drums."""
    library, chance = symusic(), random.Random(tpq)
    score = library.Score(tpq)
    for drums in (False, True):
        track = library.Track(is_drum=drums)
        for pitch in range(18, 112):  # some are no keys of a piano
            time = 0
            for _ in range(4):
                time += chance.randrange(2 * tpq)
                length = chance.choice([1, tpq // 2, tpq, chance.randrange(1, 3 * tpq)])
                track.notes.append(library.Note(time, length, pitch, 80))
                time += length
        score.tracks.append(track)
    found: bytes = score.dumps_midi()
    return found


@pytest.mark.parametrize(("tpq", "steps"), [(480, 1), (480, 4), (96, 8), (120, 7)])
def test_the_steps_of_a_file_are_those_of_the_codec(ask: Ask, tpq: int, steps: int) -> None:
    content = drawn(tpq)
    wanted = of_score(parse(content)[0], steps, "").frames
    found, notes = ask("roll", base64.b64encode(content).decode(), steps)
    np.testing.assert_array_equal(np.array(found), wanted)
    assert wanted.shape[1] == KEYS
    told = note_list(to_midi(wanted, 1))  # of a step a beat, which every division has exactly
    found = sorted((a * steps, b * steps, key) for a, b, key in notes)
    np.testing.assert_allclose(found, sorted(told))
