"""Text files in the encodings and with the line ends that people's programs write."""

import codecs
from pathlib import Path

import pytest

from recurra.data.readers import parallel, tabular
from recurra.data.readers.encoding import names
from recurra.data.readers.text import Rows, lines
from recurra.errors import DataError, InputError, RecurraError
from tests.every import Every as Recipe

SENTENCES = {
    "cp1252": "Le café était très bon, à l’hôtel\nIt’s £1000 – “now”",
    "cp1250": "Zażółć gęślą jaźń, świetny film\nNie polecam, było źle",
    "cp1251": "Очень хороший фильм, всем советую\nПлохой отель и грязный номер",
    "koi8-r": "Очень хороший фильм, всем советую\nПлохой отель и грязный номер",
    "cp1253": "Η ταινία ήταν πολύ καλή\nΤο ξενοδοχείο ήταν χάλια",
    "cp1256": "كان الفيلم جيدا جدا\nكان الفندق سيئا",
    "gb18030": "这个酒店非常好，房间很干净\n服务态度很差，不会再来",
    "big5": "這個酒店非常好，房間很乾淨\n服務態度很差，不會再來",
    "shift-jis": "この映画はとても面白かったです\nホテルは最悪でした、二度と行きません",
    "euc-jp": "この映画はとても面白かったです\nホテルは最悪でした、二度と行きません",
    "euc-kr": "이 영화는 정말 재미있었어요\n호텔은 최악이었습니다",
    "utf-8-sig": "Le café était très bon\nIt’s £1000",
    "utf-16": "Le café était très bon\n一 “now” 这个酒店",
    "utf-16-le": "Le café était très bon\n一 “now” 这个酒店",
    "utf-16-be": "Le café était très bon\n一 “now” 这个酒店",
    "utf-32": "Le café était très bon\n这个酒店",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_the_encoding_is_detected(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes(SENTENCES[encoding].encode(encoding))
    assert [line for _, line in lines(path, Rows())] == SENTENCES[encoding].split("\n")
    told = capsys.readouterr().err
    if encoding in ("utf-8-sig", "utf-16", "utf-32"):  # marked: nothing was assumed
        assert told == ""
    else:
        assert told.startswith(f"{path}: ")
        assert told.endswith("(--encoding changes it)\n")
        assert told.count("\n") == 1


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_of_either_order(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "rows.txt"
    name = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    path.write_bytes(mark + "naïve\r\n\u0a0d 一".encode(name))
    assert list(lines(path, Rows())) == [(1, "naïve"), (2, "\u0a0d 一")]


def test_few_letters_beyond_ascii_are_western(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    for text in ("ÿ", "Win £1000 now", "A fine film – really", "Das Hotel war schön", "naïve"):
        path.write_bytes(f"plain\n{text}\nplain".encode("cp1252"))
        assert [line for _, line in lines(path, Rows())][1] == text


def test_a_stray_byte_in_utf_8_is_told_with_its_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "reviews.csv"
    rows = [f'"Café {i}, déjà vu",{"positive" if i % 2 else "negative"}' for i in range(40)]
    content = "\n".join(["review,sentiment", *rows]).encode()
    path.write_bytes(content.replace(b"7, d", b"7 \x96 d"))
    splits = tabular.read(Recipe(data=str(path)))
    assert sum(map(len, splits.parts)) == 40
    found = {row.text for part in splits.parts for row in part}
    assert {"Café 7 – déjà vu", "Café 6, déjà vu"} < found
    told = capsys.readouterr().err
    assert told.count("byte 0x96 is not UTF-8, as the rest is; such bytes are read as cp1252") == 1
    assert f"{path}:9: byte" in told
    with pytest.raises(DataError, match=r"reviews\.csv:9: is not UTF-8 \(byte 0x96\)"):
        tabular.read(Recipe(data=str(path), encoding="utf-8"))


def test_what_is_named_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes("naïve Ωμέγα".encode("cp1253", "replace").replace(b"?", b"\xef"))
    assert list(lines(path, Rows(encoding="cp1253"))) == [(1, "naοve Ωμέγα")]
    path.write_bytes("naïve".encode())
    assert list(lines(path, Rows(encoding="latin-1"))) == [(1, "naÃ¯ve")]
    assert capsys.readouterr().err.endswith("as --encoding says; it is UTF-8\n")
    path.write_bytes(b"fine\n\x81\n")
    with pytest.raises(DataError, match=r"rows\.txt:2: is not CP1252 \(byte 0x81\)"):
        list(lines(path, Rows(encoding="windows-1252")))
    path.write_bytes("half \ud83d pair\n".encode("utf-16-le", "surrogatepass"))
    with pytest.raises(DataError, match=r"rows\.txt:1: is not UTF-16-LE"):
        list(lines(path, Rows(encoding="utf-16-le")))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("cp1225", "unknown encoding 'cp1225'; did you mean cp125"),
        ("utf9", "unknown encoding 'utf9'; did you mean utf"),
        ("nonsense", "unknown encoding 'nonsense'; give one such as utf-8 or cp1252"),
        ("rot13", "unknown encoding 'rot13'"),
        ("base64", "unknown encoding 'base64'"),
        ("cp1252,utf-8", "allowed is a name, or utf-8,NAME"),
        ("a\0b", "unknown encoding"),
    ],
)
def test_a_wrong_name_is_refused(given: str, error: str) -> None:
    with pytest.raises(InputError, match=error):
        names(given)
    with pytest.raises(RecurraError, match=error):
        Recipe.of({"encoding": given})


def test_arguments_that_are_no_text_are_refused() -> None:
    for field in ("data", "out", "label_column", "encoding", "cell"):
        with pytest.raises(
            RecurraError, match=rf"{field}: received 'caf.udce9', which is not UTF-8"
        ):
            Recipe.of({field: "caf\udce9"})


def test_one_guess_for_all_files_of_a_run(tmp_path: Path) -> None:
    # By itself the second file could be many things.
    (tmp_path / "train.tsv").write_bytes(
        "".join(f"Очень хороший фильм {i}\tда\nПлохой отель {i}\tнет\n" for i in range(9)).encode(
            "koi8-r"
        )
    )
    (tmp_path / "dev.tsv").write_bytes("ужас\tда\nрай\tнет\n".encode("koi8-r"))
    (tmp_path / "test.tsv").write_text("ужас\tда\nрай\tнет\n")
    splits = tabular.read(Recipe(data=str(tmp_path)))
    assert [row[:2] for row in splits.valid] == [row[:2] for row in splits.test]
    assert splits.encoding == "utf-8,koi8-r"
    (tmp_path / "train.tsv").write_bytes((tmp_path / "dev.tsv").read_bytes())
    again = tabular.read(Recipe(data=str(tmp_path), encoding=splits.encoding))
    assert [row[:2] for row in again.train] == [row[:2] for row in splits.test]


def test_the_guess_travels_with_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import recurra
    from recurra.cli import main

    path, run = tmp_path / "spam.csv", str(tmp_path / "run")
    words = "Очень хороший фильм", "Плохой грязный номер"
    rows = [f"{'spam' if i % 2 else 'ham'},{words[i % 2]} {i}" for i in range(40)]
    path.write_bytes("\n".join(["label,text", *rows]).encode("koi8-r"))
    recurra.train("sentiment", str(path), out=run, epochs=1, hidden=4, embedding=4)
    model = recurra.load(run)
    assert model.recipe.encoding == "utf-8,koi8-r"
    assert model.evaluate(str(path))["accuracy"] >= 0
    lines = tmp_path / "lines.txt"
    for text, encoding, option in [
        ("дом\nмир", "koi8-r", []),  # too little to guess from
        ("дом\nмир", "utf-8", []),
        ("дом\nмир", "cp1251", ["--encoding", "cp1251"]),
        ("дом\r\nмир", "utf-16", []),
    ]:
        lines.write_bytes(text.encode(encoding))
        capsys.readouterr()
        assert main(["predict", run, "--file", str(lines), *option]) == 0
        out = capsys.readouterr().out.splitlines()
        assert [line.rsplit(maxsplit=1)[1] for line in out] == ["дом", "мир"]
    assert main(["predict", run, "--file", str(lines), "--encoding", "koi9"]) == 2
    assert "unknown encoding 'koi9'" in capsys.readouterr().err
    assert main(["evaluate", run, "--data", str(path), "--label-column", "3"]) == 2
    assert "has no column '3'" in capsys.readouterr().err


ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


@pytest.mark.parametrize("last", ["", "end"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_line_ends(tmp_path: Path, end: str, last: str, encoding: str) -> None:
    path = tmp_path / "rows.txt"
    text = end.join(["a\u2028b", "", "c\x85d"]) + (end if last else "")
    path.write_bytes(text.encode(encoding))
    assert list(lines(path, Rows())) == [(1, "a\u2028b"), (2, ""), (3, "c\x85d")]


def test_mixed_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_bytes(
        b"".join(b"good %d\t1\r\nbad %d\t0\nfine %d\t1\r" % (i, i, i) for i in range(9))
    )
    splits = tabular.read(Recipe(data=str(path)))
    assert sum(map(len, splits.parts)) == 27
    for name in "ab":
        (tmp_path / name).write_bytes(b"".join(b"%d\r\n%d\n%d\r" % (i, i, i) for i in range(9)))
    pairs = parallel.read_files(tmp_path / "a", tmp_path / "b", Rows())
    assert len(pairs) == 27


def test_a_carriage_return_within_a_sentence_shifts_no_pair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = tmp_path / "a.en", tmp_path / "b.de"
    a.write_bytes(b"one\rand more\ntwo\nthree\n")
    b.write_bytes(b"eins\nzwei\rund mehr\r\ndrei\n")
    pairs = parallel.read_files(a, b, Rows())
    assert [pair[:2] for pair in pairs] == [
        ("one and more", "eins"),
        ("two", "zwei und mehr"),
        ("three", "drei"),
    ]
    assert "carriage return" in capsys.readouterr().err
    b.write_bytes(b"eins\rzwei\rdrei\r")  # of an old Macintosh, beside one with line feeds
    a.write_bytes(b"one\ntwo\nthree\n")
    assert [pair[:2] for pair in parallel.read_files(a, b, Rows())][2] == ("three", "drei")
