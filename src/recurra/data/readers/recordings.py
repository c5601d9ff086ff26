"""Lists of recordings with their texts: tables, LibriSpeech's folders, Kaldi's folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from recurra.data.readers.columns import Column, choose_text, find, plain, unusable, words
from recurra.data.readers.sound import SOUNDS
from recurra.data.readers.table import Table, open_table
from recurra.data.readers.text import Rows, lines
from recurra.errors import DataError

LOOK = 50  # rows that show which column names files
PATH_NAMES = ("path", "audio", "file", "wav", "sound", "recording", "filename", "filepath")
TEXT_NAMES = ("text", "sentence", "transcript", "transcription", "words", "normalized", "utterance")
SPEAKER_NAMES = ("speaker", "client")
FOLDERS = ("", "clips", "wavs", "wav", "audio")  # Common Voice's, LJ Speech's, and the like
ENDINGS = ("", ".wav", ".flac")


class Recording(NamedTuple):
    """A sound file, what is said in it, who speaks ("": nobody knows), and the row that says so."""

    path: Path
    text: str
    speaker: str
    listed: Path
    row: int


def manifest(
    path: Path, rows: Rows, path_column: str | None = None, text_column: str | None = None
) -> Iterator[Recording]:
    """Yield the recordings of a table; paths are relative to it, or to a folder beside it.

    Raises:
        DataError: no column names files, or it cannot be told which one has the texts.
    """
    table = open_table(path, rows, [path_column, text_column], header=_is_header)
    at = _path_column(table, path_column, rows)
    text = _text_column(table, text_column, at)
    who = next((i for i, c in enumerate(table.columns) if set(c.words) & set(SPEAKER_NAMES)), None)
    told = f"files are in {table.called(at)}, texts in {table.called(text)}"
    if who is not None:
        told += f", speakers in {table.called(who)}"
    rows.note(path, f"{table.form}: {told} (--path-column, --text-column)")
    for row, cells in table.read(rows):
        name, said, speaker = (plain(cells[i]) if i is not None else "" for i in (at, text, who))
        if not name.strip():
            rows.bad(path, "names no file", row)
        elif reason := unusable(said):
            rows.bad(path, f"has {reason} as its text", row)
        else:
            yield Recording(placed(path.parent, name), said, speaker.strip(), path, row)


def librispeech(folder: Path, rows: Rows) -> Iterator[Recording]:
    """Yield the recordings of `*.trans.txt` files: an id and its words; ID.flac lies beside.

    The speaker is the first part of an id: 19-198-0001 is said by 19.
    """
    for path in sorted(folder.rglob("*.trans.txt")):
        for row, name, text in _named(path, rows):
            speaker = name.split("-")[0] if "-" in name else ""
            yield Recording(placed(path.parent, name), text, speaker, path, row)


def kaldi(folder: Path, rows: Rows) -> Iterator[Recording]:
    """Yield the recordings of `wav.scp` (id, path), whose words `text` has (id, words).

    Who speaks is told by `utt2spk`, where there is one. A command in wav.scp is never run.

    Raises:
        DataError: a file is missing, or has `segments` beside it.
    """
    if (folder / "segments").exists():
        raise DataError(folder / "segments", "is not read; cut the recordings into files first")
    texts = {name: text for _, name, text in _named(folder / "text", rows)}
    spoken = folder / "utt2spk"
    speakers = {name: who for _, name, who in _named(spoken, rows)} if spoken.is_file() else {}
    listed = folder / "wav.scp"
    for row, name, place in _named(listed, rows):
        if place.endswith("|") or place.startswith("|"):
            reason = f"has a command for {name}; none is run: write its sound to a file"
            rows.bad(listed, reason, row)
        elif name not in texts:
            rows.bad(listed, f"has {name}, of which {folder / 'text'} has no words", row)
        else:
            yield Recording(
                placed(folder, place), texts.pop(name), speakers.get(name, ""), listed, row
            )
    for name in texts:
        rows.bad(folder / "text", f"has {name}, which wav.scp does not have")


def placed(folder: Path, name: str) -> Path:
    """Return where a file is that a list in a folder names; the plainest place if nowhere."""
    name = name.strip().replace("\\", "/")
    endings = ENDINGS[:1] if name.lower().endswith(SOUNDS) else ENDINGS
    places = [folder / inner / f"{name}{ending}" for inner in FOLDERS for ending in endings]
    return next((place for place in places if there(place)), places[0])


def there(path: Path) -> bool:
    """Return whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _named(path: Path, rows: Rows) -> Iterator[tuple[int, str, str]]:
    """Yield row, first word and the rest of each line; a name that comes again is a bad row."""
    seen: set[str] = set()
    for row, line in lines(path, rows):
        name, _, rest = line.strip().partition(" ")
        if "\t" in name:
            name, _, rest = line.strip().partition("\t")
        if name in seen:
            rows.bad(path, f"has {name} twice", row)
        elif name:
            seen.add(name)
            yield row, name, rest.strip()


def _is_header(first: Sequence[str], columns: Sequence[Column]) -> bool:
    """Whether the first row names the columns: no file of sound, and a name that is usual."""
    if any(cell.strip().lower().endswith(SOUNDS) for cell in first):
        return False
    usual = {*PATH_NAMES, *TEXT_NAMES}
    return any(set(words(cell)) & usual and len(cell.split()) < 3 for cell in first)


def _path_column(table: Table, given: str | None, rows: Rows) -> int:
    path = Path(table.path)
    if given is not None:
        return find(table.path, table.columns, given, header=table.header)
    sample = [cells for _, cells in islice(table.read(rows.unheard()), LOOK)]

    def rank(i: int) -> tuple[int, int, bool, int]:
        cells = [plain(cells[i]).strip() for cells in sample]
        named = [cell for cell in cells if cell]
        files = sum(there(placed(path.parent, cell)) for cell in named)
        sounds = sum(cell.lower().endswith(SOUNDS) for cell in named)
        return files, sounds, bool(set(table.columns[i].words) & set(PATH_NAMES)), -i

    best = max(range(len(table.columns)), key=rank)
    if not any(rank(best)[:3]):
        listed = ", ".join(table.called(i) for i in range(len(table.columns)))
        raise DataError(path, f"has no column of sound files ({listed}); --path-column names one")
    return best


def _text_column(table: Table, given: str | None, at: int) -> int:
    if given is not None:
        found = find(table.path, table.columns, given, header=table.header)
        if found == at:
            raise DataError(table.path, f"{table.called(at)} cannot be both path and text")
        return found
    others = [i for i in range(len(table.columns)) if i != at]
    if not others:
        raise DataError(table.path, "has one column; a path and a text are needed in each row")

    def called(i: int) -> int:
        found = [TEXT_NAMES.index(word) for word in table.columns[i].words if word in TEXT_NAMES]
        return min(found, default=len(TEXT_NAMES))

    best = min(others, key=called)
    return best if called(best) < len(TEXT_NAMES) else choose_text(table.columns, at)
