"""MIDI files written byte by byte: read rightly, told, or refused with their names, at no cost."""

import random
import re
import resource
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import symusic

from recurra.data.music import Notes
from recurra.data.readers.midi import Tune, read
from recurra.data.splits import Splits
from recurra.errors import DataError
from tests.every import Every as Recipe

Event = tuple[int, bytes]
MOST = 0xFFFFFFF  # ticks: the longest that one event can wait


def on(pitch: int, after: int = 0, channel: int = 0) -> Event:
    return after, bytes([0x90 | channel, pitch, 80])


def off(pitch: int, after: int = 0, channel: int = 0) -> Event:
    return after, bytes([0x80 | channel, pitch, 0])


def tune(count: int = 32, base: int = 60, length: int = 480, channel: int = 0) -> list[Event]:
    """`count` notes of one beat (480 ticks), a bar of 4/4 each four, up a scale of seven."""
    return [
        event
        for i in range(count)
        for event in (on(base + i % 7, 0, channel), off(base + i % 7, length, channel))
    ]


def meter(numerator: int, power: int) -> Event:
    return 0, bytes([0xFF, 0x58, 4, numerator, power, 24, 8])


def track(events: Sequence[Event], ended: bool = True) -> bytes:
    parts = []
    for delta, message in [*events, *([(0, b"\xff\x2f\x00")] if ended else [])]:
        digits = [delta & 127]
        while delta := delta >> 7:
            digits.insert(0, delta & 127 | 128)
        parts += [bytes(digits), message]
    body = b"".join(parts)
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(
    *tracks: Sequence[Event], division: int = 480, form: int = 1, said: int | None = None
) -> bytes:
    count = len(tracks) if said is None else said
    header = b"MThd" + struct.pack(">IHHH", 6, form, count, division)
    return header + b"".join(track(events) for events in tracks)


def riff(data: bytes, kind: bytes = b"RMID") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    content = kind + chunk(b"INFO", b"abc") + chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def read_one(folder: Path, data: bytes, name: str = "odd.mid", **fields: Any) -> Tune:
    """The tune of a file that stands beside others."""
    (found,) = [t for t in read_all(folder, data, name, **fields).train if t.where.endswith(name)]
    return found


def read_all(folder: Path, data: bytes, name: str = "odd.mid", **fields: Any) -> Splits[Tune]:
    for part, base in [("train", 50), ("valid", 55), ("test", 60)]:
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "good.mid").write_bytes(midi(tune(base=base)))
    (folder / "train" / name).write_bytes(data)
    return read(Recipe(data=str(folder), **fields))


REFUSED = {
    "drums alone": (midi(tune(channel=9)), "has no pitched notes, drums alone"),
    "above the range": (
        midi(tune(base=112)),
        "has no pitched notes that last, of MIDI pitches 21 to 108",
    ),
    "below the range": (
        midi(tune(base=3)),
        "has no pitched notes that last, of MIDI pitches 21 to 108",
    ),
    "drums, and above": (midi(tune(channel=9), tune(base=112)), "has no pitched notes that last"),
    "notes of no length": (midi(tune(length=0)), "has no pitched notes"),
    "notes that never end": (midi([on(60, 99), on(61, 99)]), "has no notes, none that ends"),
    "an empty track": (midi([]), "has no notes"),
    "no track": (midi(), "has no notes"),
    "division 0": (midi(tune(), division=0), "has a division of 0"),
    "frames": (midi(tune(), division=0xE728), r"counts frames \(SMPTE\)"),
    "a wrong division": (midi(tune(), division=1), "14,880 quarter notes' time for 32 notes"),
    "a long wait": (midi([(MOST, b"\xff\x01\x00"), *tune()]), "559,271 quarter notes' time"),
    "a longer wait": (midi([(MOST, b"\xff\x01\x00")] * 12 + tune()), "beyond 2"),
    "one late note": (midi([on(60, MOST), off(60, 1)], division=1), "268,435,455 quarter notes"),
    "several tunes": (midi(tune(), tune(), form=2), r"holds 2 independent tunes \(format 2\)"),
    "format 7": (midi(tune(), form=7), "is not a MIDI file that can be read"),
    "cut short": (midi(tune())[:-9], "can be read: track 1 of 1 is 9 bytes short"),
    "cut between tracks": (midi(tune(), said=2), "can be read: it has 1 of its 2 tracks"),
    "a foreign chunk for a track": (
        midi(tune(), said=2) + b"XFIH" + struct.pack(">I", 0),
        "can be read: it has 1 of its 2 tracks",
    ),
    "cut in the header": (midi(tune())[:12], "is not a MIDI file that can be read"),
    "nothing": (b"", "is not a MIDI file that can be read"),
    "text": (b"a letter, not a tune" * 9, "it does not begin with MThd"),
    "another RIFF": (riff(midi(tune()), b"WAVE"), "it does not begin with MThd"),
    "pitch 200": (midi([(0, b"\x90\xc8\x50"), *tune()]), "is not a MIDI file that can be read"),
    "tracks": (midi(*[[] for _ in range(1000)], tune()), "has 1,001 tracks; at most 1,000"),
    "time signatures": (
        midi([(1, meter(3 + i % 2, 2)[1]) for i in range(2000)] + tune()),
        "changes its time signature 2,000 times",
    ),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_refuses_by_name(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        read_all(tmp_path, data)
    assert caught.value.path == str(tmp_path / "train" / "odd.mid")
    assert read_all(tmp_path, data, skip_bad_rows=True).skipped == 1


PLAIN = midi(tune())
THE_SAME = {
    "format 0": midi(tune(), form=0),
    "format 2, one tune": midi(tune(), form=2),
    "RIFF": riff(PLAIN),
    "no end of track": PLAIN[:14] + track(tune(), ended=False),
    "an empty track": midi([], tune()),
    "division 1": midi(tune(length=1), division=1),
    "division 32767": midi(tune(length=32767), division=32767),
    "tempo 0": midi([(0, b"\xff\x51\x03\0\0\0"), *tune()]),
    "a name in Latin 1": midi([(0, b"\xff\x03\x02\xe9\xff"), *tune()]),
    "drums beside": midi(tune(), tune(channel=9)),
    "what is behind": PLAIN + b"\0" * 99,
    "a foreign chunk": PLAIN[:14] + b"XFIH" + struct.pack(">I", 2) + b"ab" + PLAIN[14:],
    "note on without velocity": midi([(wait, bytes([0x90, m[1], m[2]])) for wait, m in tune()]),
    "a note off without a note": midi([off(99), *tune()]),
}


@pytest.mark.parametrize("data", THE_SAME.values(), ids=THE_SAME)
def test_reads_the_same(data: bytes, tmp_path: Path) -> None:
    expected = read_one(tmp_path, PLAIN)
    found = read_one(tmp_path, data)
    assert expected.tokens is not None
    assert found.tokens is not None
    assert len(expected.tokens) == 8 * 2 + 32 * 3
    assert found.tokens.tolist() == expected.tokens.tolist()
    assert (found.key, found.mode) == (expected.key, expected.mode)


@pytest.mark.parametrize("name", ["a.MID", "a.midi", "a.MIDI", "a.rmi", "a.kar", "ä b.mid"])
def test_names_of_midi_files(name: str, tmp_path: Path) -> None:
    assert read_one(tmp_path, PLAIN, name).where.endswith(name)


TOLD = {
    "outside": (midi(tune(7, 105) + tune(base=60)), "MIDI pitches 21 to 108, left out: 3"),
    "silent": (midi(tune(5, length=0) + tune()), "notes that last no time, left out: 5"),
    "endless": (midi([*tune(), on(90, 480), on(91, 480)]), "notes that never end, left out: 2"),
    "meter": (midi([meter(9, 3), *tune()]), r"has no token.*\.mid: 9/8\)"),
    "no meter": (midi([meter(4, 255), *tune()]), r"has no token.*\.mid: 4/0\)"),
}


@pytest.mark.parametrize(("data", "line"), TOLD.values(), ids=TOLD)
def test_what_is_left_out_is_told(
    data: bytes, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_one(tmp_path, data)
    told = [one for one in capsys.readouterr().err.splitlines() if "by the names of" not in one]
    assert len(told) == 1
    assert "odd.mid" in told[0]
    assert re.search(line, told[0])
    read_one(tmp_path, PLAIN)
    assert "left out" not in capsys.readouterr().err


def test_overlapping_notes_end_in_the_order_of_their_beginnings(tmp_path: Path) -> None:
    first = [on(60), on(60, 480), off(60, 960), off(60, 480)]
    notes = Notes()
    score = notes.decode(read_one(tmp_path, midi(first)).tokens.tolist())
    beats = [(n.time / score.tpq, n.duration / score.tpq) for n in score.tracks[0].notes]
    assert beats == [(0, 3), (1, 3)]


def test_what_the_tokenizer_cannot_do_has_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Notes.encode

    def fail(self: Notes, score: Any, limit: int | None = None) -> list[int]:
        if score.tracks[0].notes[0].pitch == 71:
            raise KeyError("Pitch_71")
        return encode(self, score, limit)

    monkeypatch.setattr(Notes, "encode", fail)
    data = midi(tune(base=71))
    with pytest.raises(DataError, match=r"odd\.mid: cannot be written as tokens: KeyError"):
        read_all(tmp_path, data)
    assert read_all(tmp_path, data, skip_bad_rows=True).skipped == 1


def within_limits(run: Callable[[], Any], seconds: float, megabytes: int) -> None:
    """Run with so much more memory than is in use now, and see how long it takes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    began = time.process_time()
    try:
        run()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - began < seconds


COSTLY = {
    "few bytes": midi([on(60, MOST), off(60, 1)], division=1),
    "a note of years": midi([on(60), off(60, MOST), *tune()], division=480),
    "a note of years alone": midi([on(60), off(60, MOST)], division=1),
    "notes": midi(
        [on(60 + i % 40) for i in range(100_000)] + [off(60 + i % 40, 1) for i in range(100_000)]
    ),
    "meters": midi([meter(3 + i % 2, 2) for i in range(60_000)] + tune()),
    "meters in turn": midi([(1, meter(3 + i % 2, 2)[1]) for i in range(60_000)] + tune()),
    "tempi": midi([(1, b"\xff\x51\x03\0\0\1") for _ in range(60_000)] + tune()),
    "tracks": midi(*[[] for _ in range(60_000)], tune()),
    "fewer tracks": midi(*[[] for _ in range(999)], tune()),
}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
@pytest.mark.parametrize("data", COSTLY.values(), ids=COSTLY)
def test_what_a_file_costs_is_bounded(data: bytes, tmp_path: Path) -> None:
    read_one(tmp_path, PLAIN, "plain.mid")  # what is imported and built once
    within_limits(lambda: read_all(tmp_path, data, skip_bad_rows=True), seconds=2, megabytes=400)


def test_no_more_notes_are_written_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    notes, counts = Notes(), []
    tokenizer = notes.tokenizer

    def count(score: Any) -> Any:
        counts.append(score.note_num())
        return tokenizer(score)

    monkeypatch.setattr(notes, "tokenizer", count)
    monkeypatch.setattr(count, "time_signatures", tokenizer.time_signatures, raising=False)
    score = symusic.Score.from_midi(PLAIN)
    assert len(notes.encode(score, 10)) == 10
    assert len(notes.encode(score)) == 112
    assert counts == [10, 32]


def test_nothing_to_write_is_no_token() -> None:
    notes = Notes()
    for data in (midi(), midi(tune(channel=9)), midi(tune(base=112)), midi(tune(length=0))):
        assert notes.encode(symusic.Score.from_midi(data)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_beginning_is_the_beginning_of_the_whole(seed: int) -> None:
    chance, notes = random.Random(seed), Notes()
    score = symusic.Score(480)
    for _ in range(2):
        voice, at = symusic.Track(), 0
        for _ in range(60):
            at += chance.choice([0, 0, 120, 480, 5000])
            voice.notes.append(
                symusic.Note(at, chance.randint(1, 9000), chance.randint(21, 108), 80)
            )
        score.tracks.append(voice)
    score.time_signatures.append(symusic.TimeSignature(0, 3, 4))
    whole = notes.encode(score)
    assert len(whole) > 300
    for limit in (1, 2, 50, 101, len(whole), 9999):
        assert notes.encode(score, limit) == whole[:limit]
