"""Where MIDI files lie: folders, zips, links and pipes, and what only looks like a tune."""

import os
import random
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from recurra.data.readers.midi import read
from recurra.errors import DataError
from tests.data.test_midi_files import midi, tune
from tests.every import Every as Recipe


def names(path: Path, **fields: bool) -> list[str]:
    splits = read(Recipe(data=str(path), **fields))
    return sorted({Path(t.where.partition(",")[0]).name for part in splits.parts for t in part})


def test_folders_and_shadows_are_no_tunes(tmp_path: Path) -> None:
    (tmp_path / "album.mid").mkdir()
    (tmp_path / "album.mid" / "a.mid").write_bytes(midi(tune()))
    (tmp_path / "._a.mid").write_bytes(b"\0\5\x16\7")
    (tmp_path / "notes.txt").write_text("about them")
    assert names(tmp_path) == ["a.mid"]
    assert names(tmp_path / "album.mid") == ["a.mid"]


@pytest.mark.parametrize("kind", ["link", "pipe", "large"])
def test_what_cannot_be_read_is_a_bad_row(tmp_path: Path, kind: str) -> None:
    bad = tmp_path / "b.mid"
    if kind == "link":
        bad.symlink_to(tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(bad)
    else:
        with bad.open("wb") as file:
            file.truncate((16 << 20) + 1)
    (tmp_path / "a.mid").write_bytes(midi(tune()))
    with pytest.raises(DataError, match=r"b\.mid: is (not a file that can be read|over 16 MiB)"):
        read(Recipe(data=str(tmp_path)))
    assert names(tmp_path, skip_bad_rows=True) == ["a.mid"]
    if kind != "link":
        with pytest.raises(DataError, match=r"b\.mid: is (not a file|over 16 MiB)"):
            read(Recipe(data=str(bad)))


def test_a_zip_with_damage_and_shadows(tmp_path: Path) -> None:
    events = tune(400)
    random.Random(0).shuffle(events)  # so that it takes room in the zip
    path = tmp_path / "all.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._a.mid", b"\0\5\x16\7")
        archive.writestr("folder.mid/", b"")
        archive.writestr("b.mid", midi(events))
        archive.writestr("sub/A.MID", midi(tune()))
        at = archive.getinfo("b.mid").header_offset + 80
    data = bytearray(path.read_bytes())
    data[at : at + 200] = b"\xff" * 200
    path.write_bytes(data)
    for source in (path, tmp_path):
        with pytest.raises(DataError, match=r"all\.zip/b\.mid: cannot be unpacked"):
            read(Recipe(data=str(source)))
        assert names(source, skip_bad_rows=True) == ["A.MID"]
