"""The chorales: the conversion of one, the parts, and the cache."""

from pathlib import Path
from zipfile import ZipFile

import pytest
import symusic

from recurra.data.readers.midi import key_of, melody
from recurra.data.samples import chorales
from recurra.data.samples.cache import replaced
from recurra.data.samples.chorales import Piece
from recurra.errors import MissingExtra
from tests.every import Every as Recipe


def pieces(count: int) -> list[Piece]:
    made = []
    for i in range(count):
        score = symusic.Score(480)
        score.tracks.append(symusic.Track())
        score.tracks[0].notes.append(symusic.Note(0, 480 + i, 60 + i % 12, 80))
        made.append(Piece(f"bwv{i}", score.dumps_midi(), f"title {i // 2}", f"opening {i}"))
    return made


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls: list[int] = []

    def convert_all() -> list[Piece]:
        calls.append(1)
        return pieces(60)

    monkeypatch.setattr(chorales, "_convert_all", convert_all)
    return calls


def test_one_chorale_keeps_its_voices_and_key() -> None:
    from music21 import converter, corpus

    path = next(p for p in corpus.getComposer("bach") if p.name == "bwv66.6.mxl")
    score = converter.parse(path, forceSource=True, storePickle=False)
    piece = chorales.convert(score, "bwv66.6")
    assert piece is not None
    written = symusic.Score.from_midi(piece.data)
    assert [track.name for track in written.tracks] == list(chorales.VOICES)
    assert key_of(written) == (6, "minor")  # three sharps, and it ends on F sharp
    soprano, bass = written.tracks[0].notes, written.tracks[3].notes
    assert [note.pitch for note in soprano][:4] == [73, 71, 69, 71]
    assert [note.start for note in soprano][:4] == [0, 240, 480, 960]
    assert bass[-1].pitch % 12 == 6
    assert piece.opening.startswith("-2 -2 2")
    score.remove(score.parts[0])
    assert chorales.convert(score, "three voices") is None


def test_the_second_load_reads_the_cache(corpus: list[int], tmp_path: Path) -> None:
    first = chorales.load(Recipe())
    assert [len(part) for part in first.parts] == [48, 6, 6]
    second = chorales.load(Recipe())
    assert [t.where for t in first.train] == [t.where for t in second.train]
    assert len(corpus) == 1
    assert [path.name for path in (tmp_path / "recurra").iterdir()] == ["chorales.zip"]


@pytest.mark.parametrize("damage", ["cut", "flip", "version", "empty"])
def test_a_damaged_cache_is_written_anew(corpus: list[int], tmp_path: Path, damage: str) -> None:
    first = chorales.load(Recipe())
    path = tmp_path / "recurra" / "chorales.zip"
    content = bytearray(path.read_bytes())
    if damage == "version":
        with ZipFile(path, "a") as archive:
            archive.comment = b"another"
    else:
        content[60] ^= 0xFF  # inside the first tune
        cut = {"cut": len(content) // 2, "flip": len(content), "empty": 0}[damage]
        path.write_bytes(content[:cut])
    second = chorales.load(Recipe())
    assert len(corpus) == 2
    assert [melody(t.score) for t in first.test] == [melody(t.score) for t in second.test]


def test_settings_of_one_melody_stay_together() -> None:
    parts = chorales._parts(
        [piece._replace(opening=f"opening {i // 3}") for i, piece in enumerate(pieces(60))]
    )
    assert sum(map(len, parts.values())) == 60
    for told in ("title", "opening"):
        kinds = [{getattr(piece, told) for piece in part} for part in parts.values()]
        assert sum(map(len, kinds)) == len(set().union(*kinds))


def test_a_file_is_replaced_wholly_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with replaced(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(FileNotFoundError), replaced(path) as temporary:
        temporary.with_name("missing").read_text()
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_music21_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(chorales, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="music21"):
        chorales.load(Recipe())


@pytest.mark.slow
def test_the_whole_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    splits = chorales.load(Recipe())
    assert sum(len(part) for part in splits.parts) > 300
    openings = [
        {
            tuple(n.pitch - t.score.tracks[0].notes[0].pitch for n in t.score.tracks[0].notes[:9])
            for t in part
        }
        for part in splits.parts
    ]
    assert sum(map(len, openings)) == len(set().union(*openings))
    assert {t.mode for t in splits.test} == {"major", "minor"}
