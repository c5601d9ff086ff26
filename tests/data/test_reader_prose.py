"""Running text from files, folders and rows; what is refused; and how much memory it takes."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from recurra.data.readers import prose
from recurra.data.splits import Splits
from recurra.errors import DataError
from recurra.training.options import RunningText as Recipe

BOOK = "".join(f"line {i} of a book\n" for i in range(200))


def read(data: Path | str, **fields: object) -> Splits[prose.Passage]:
    return prose.read(Recipe.of({"data": str(data), **fields}))


def text(part: list[prose.Passage]) -> str:
    return "".join(passage.text.tobytes().decode() for passage in part)


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def whole(splits: Splits[prose.Passage]) -> str:
    return "".join(map(text, splits.parts))


@pytest.mark.parametrize(
    "raw",
    [
        BOOK.encode(),
        BOOK.replace("\n", "\r\n").encode(),
        gzip.compress(BOOK.encode()),
        BOOK.encode("utf-16"),
        BOOK.encode("utf-8-sig"),
    ],
    ids=["plain", "crlf", "gzip", "utf-16", "mark"],
)
def test_a_file_is_its_text(raw: bytes, tmp_path: Path):
    found = read(write(tmp_path / "book.txt", raw))
    assert whole(found) == BOOK
    assert [len(part) for part in found.parts] == [1, 1, 1]
    sizes = [len(text(part)) for part in found.parts]
    assert sizes[1] == pytest.approx(sizes[2], abs=1) == pytest.approx(len(BOOK) / 20, abs=1)


def test_what_is_guessed_of_the_encoding_is_told(tmp_path: Path, capsys: pytest.CaptureFixture):
    found = read(write(tmp_path / "old.txt", ("la fête est à nous\n" * 30).encode("cp1252")))
    assert whole(found) == "la fête est à nous\n" * 30
    assert "read as cp1252 (--encoding changes it)" in capsys.readouterr().err
    assert found.encoding == "utf-8,cp1252"
    read(write(tmp_path / "wide.txt", BOOK.encode("utf-16-le")))
    assert "read as utf-16-le (--encoding changes it)" in capsys.readouterr().err


def test_cuts_are_between_characters(tmp_path: Path):
    found = read(write(tmp_path / "a.txt", "日本語" * 111), valid_share=0.301, test_share=0.203)
    assert whole(found) == "日本語" * 111


def test_parts_in_a_folder_are_those_parts(tmp_path: Path):
    for name in ("train", "valid", "test"):
        write(tmp_path / f"ptb.{name}.txt.gz", gzip.compress(f"{name} {BOOK}".encode()))
    found = read(tmp_path)
    assert [text(part)[:5] for part in found.parts] == ["train", "valid", "test "]
    assert len(text(found.train)) == len(BOOK) + 6


def test_a_folder_is_its_files_in_order(tmp_path: Path, capsys: pytest.CaptureFixture):
    for i in range(20):
        write(tmp_path / f"{i // 10}" / f"{i:02}.txt", f"chapter {i:02}. " + "so it goes " * 9)
    write(tmp_path / "README.md", "about these files")
    write(tmp_path / "cover.png", b"\x89PNG\0")
    write(tmp_path / ".hidden.txt", "not this")
    found = read(tmp_path)
    assert [passage.text[8:10].tobytes().decode() for part in found.parts for passage in part] == [
        f"{i:02}" for i in range(20)
    ]
    assert [len(part) for part in found.parts] == [18, 1, 1]  # cut between chapters
    assert "2 files are no text by their names" in capsys.readouterr().err


def test_one_missing_part_is_cut_off_the_training_part(tmp_path: Path):
    book, test = write(tmp_path / "a.txt", BOOK), write(tmp_path / "b.txt", "another book")
    found = read(book, test=str(test), valid_share=0.1)
    assert text(found.test) == "another book"
    assert text(found.train) + text(found.valid) == BOOK
    assert len(text(found.valid)) == pytest.approx(len(BOOK) / 10, abs=1)


def test_rows_are_texts(tmp_path: Path, capsys: pytest.CaptureFixture):
    rows = [{"title": "t", "body": f"the body of text {i}"} for i in range(20)]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    for name, content in [("a.jsonl", lines), ("b.json", json.dumps(rows))]:
        found = read(write(tmp_path / name, content))
        assert [len(part) for part in found.parts] == [18, 1, 1]
        assert text(found.train[:1]) == "the body of text 0"
    assert "text read from 'body' (--text-column changes it)" in capsys.readouterr().err
    long = json.dumps({"text": "long " * 50_000})
    assert len(whole(read(write(tmp_path / "c.jsonl", f"{long}\n{long}\n")))) == 500_000


TRUNCATED = gzip.compress("".join(map(str, range(50_000))).encode())[:20_000]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "a.txt: is empty"),
        ("a.txt", bytes(range(256)) * 99, "a.txt: is not text"),
        ("a.txt", b"abc\n" * 3000 + b"a\0b", r"a.txt:3001: holds a NUL character"),
        ("a.txt.gz", TRUNCATED, "a.txt.gz: cannot be read: .*end-of-stream"),
        ("a.txt", b"ab", "has 2 bytes, .* give more text, lower valid_share"),
        ("a.jsonl", b'{"text": "a b"}\n{"words": "c"}\n', r"a.jsonl:2: has no key 'text'"),
        ("a.jsonl", b'{"text": "a b"}\n{"text": ["c"]}\n', r"a.jsonl:2: holds an array"),
        ("a.jsonl", b'{"text": "a b"}\n{"text": " "}\n', r"a.jsonl:2: has no text in 'text'"),
        ("a.jsonl", b'{"n": 3}\n', r"a.jsonl:1: has no text among its keys: n"),
        ("a.jsonl", b'{"text": \n', r"a.jsonl:1: is not JSON"),
        ("folder/picture.png", b"x", "folder: has no text file"),
        ("folder/a.txt", b"", "a.txt: is empty"),
    ],
)  # fmt: skip  # read as a table
def test_what_is_no_text_is_refused(name: str, content: bytes, message: str, tmp_path: Path):
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message):
        read(path.parent if name.startswith("folder") else path)


def test_bytes_of_another_encoding_are_refused_with_their_line(tmp_path: Path):
    path = write(tmp_path / "a.txt", BOOK.encode() + b"caf\xe9\n" + BOOK.encode())
    with pytest.raises(DataError, match=r"a.txt:201: is not UTF-8 \(byte 0xe9\)"):
        read(path, encoding="utf-8")
    found = read(path, encoding="utf-8", skip_bad_rows=True)
    assert whole(found) == BOOK + "caf\n" + BOOK
    assert found.skipped == 1


SCRIPT = """
import resource, sys
import numpy as np
from recurra.tasks.language_model import LANGUAGE_MODEL as task
from recurra.tasks.run import check_parts, complete
from recurra.tasks.resume import fingerprint
recipe = complete(task, {"data": sys.argv[1], "vocabulary": 500})
now = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((now + 28 * 1024) * 1024,) * 2)
splits = task.read(recipe)
check_parts(splits, recipe)
fingerprint(splits)
codec = task.fit(splits.train, recipe)
items = task.items(codec, splits.train, recipe)
print(len(items), items.sequences[0][0].dtype)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory there is")
def test_memory_is_bounded_whatever_the_length_of_a_text(tmp_path: Path):
    path = write(tmp_path / "long.txt", BOOK * 9_000)  # 33 MB, with 28 MiB to spend
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[1] == "torch.uint8"
