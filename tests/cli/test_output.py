"""What `predict` writes: one answer or one error beside each input, through any pipe."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from recurra.cli.answers import TOGETHER, answers, shown
from recurra.cli.lines import Line, lines
from tests.tasks.conftest import TINY, write_reviews

TEXTS = [f"the room was {'fine' if i % 3 else 'awful'} " + "so " * (i * 7 % 11) for i in range(40)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("reviews")
    fields = {**TINY, "epochs": 4, "learning_rate": 0.03, "out": str(folder / "run")}
    recurra.train("sentiment", data=write_reviews(folder), **fields)
    return str(folder / "run")


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def told(
    argv: list[str], capsys: pytest.CaptureFixture[str], code: int
) -> tuple[list[dict[str, object]], str]:
    """Run predict with --as-json; return its lines and the one of standard error."""
    capsys.readouterr()
    assert main(["predict", *argv, "--as-json"]) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == (1 if code else 0), err
    return [json.loads(line) for line in out.splitlines()], err


BAD = b"fine\n\n  \r\nawful\r\ncaf\xe9\nf\0ne\n" + b"x" * 100_001 + b"\nthe last"


def test_every_line_of_a_file_has_an_answer_or_an_error(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"\xef\xbb\xbf" + BAD)
    found, err = told([bundle, "--file", str(path)], capsys, 2)
    assert [line.get("text") for line in found] == [
        "fine", None, None, "awful", None, None, None, "the last",
    ]  # fmt: skip  # read as a table
    for row, says in [(2, "empty"), (3, "empty"), (5, "0xe9"), (6, "NUL"), (7, "100,000")]:
        assert set(found[row - 1]) == {"error"}
        assert f"lines.txt:{row}: " in str(found[row - 1]["error"])
        assert says in str(found[row - 1]["error"])
    assert "5 of 8 inputs have no answer" in err
    assert "lines.txt:2" in err


def test_standard_input_and_arguments_too(
    bundle: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stdin(monkeypatch, BAD)
    found, err = told([bundle], capsys, 2)
    assert ["error" in line for line in found] == [
        False, True, True, False, True, True, True, False,
    ]  # fmt: skip  # read as a table
    assert "standard input:2: is empty" in err
    found, err = told([bundle, "fine", "", "awful"], capsys, 2)
    assert [line.get("text") for line in found] == ["fine", None, "awful"]
    assert found[1] == {"error": "input 2: is empty"}
    assert "1 of 3 inputs has no answer; input 2: is empty" in err


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"one\rtwo\rthree\r", ["one", "two", "three"]),
        (b"one\rtwo\nthree", ["one\rtwo", "three"]),
        (b"one\n\n", ["one", ""]),
        (b"\n", [""]),
        (b"one\x0btwo\xc2\x85three\n", ["one\x0btwo\x85three"]),
    ],
)
def test_what_ends_a_line(tmp_path: Path, content: bytes, texts: list[str]):
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    assert [line.text for line in lines(path)] == texts


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_file_that_says_its_encoding_is_read(tmp_path: Path, encoding: str):
    path = tmp_path / "lines.txt"
    path.write_bytes("fine\r\n\nin 東京 🙂\n".encode(encoding))
    assert [line.text for line in lines(path)] == ["fine", "", "in 東京 🙂"]


@pytest.mark.parametrize("content", ["fine".encode("utf-16") + b"!", b"\xff\xfe", b""])
def test_what_is_no_list_of_lines_is_refused_as_a_whole(
    bundle: str, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    assert told([bundle, "--file", str(path)], capsys, 2)[0] == []


def test_answers_stand_in_the_order_of_the_inputs(bundle: str):
    model = recurra.load(bundle)
    texts = TEXTS * (TOGETHER // len(TEXTS) + 1)
    texts[7] = texts[TOGETHER + 3] = ""
    found = [one for some in answers(model, [Line("", text) for text in texts]) for one in some]
    assert len(found) == len(texts)
    alone = {text: model.predict([text])[0].label for text in TEXTS[:12]}
    for text, answer in zip(texts, found, strict=True):
        if not text:
            assert isinstance(answer, recurra.RecurraError)
        else:
            assert answer.text == text
            assert answer.label == alone.get(text, answer.label)


def test_an_input_that_a_model_refuses_takes_no_other_with_it(bundle: str):
    model = recurra.load(bundle)
    texts = ["fine", "half \udc80", "awful", "fine", "\ud800"]
    found = [one for some in answers(model, [Line("here", text) for text in texts]) for one in some]
    kinds = [isinstance(one, recurra.RecurraError) for one in found]
    assert kinds == [False, True, False, False, True]
    assert str(found[1]).startswith("here: holds half a character")


def test_a_line_of_output_is_one_line():
    class Wide:
        def __str__(self) -> str:
            return "one\ntwo\u2028three\x85four\rfive"

        def asdict(self) -> dict[str, str]:
            return {"text": str(self)}

    assert shown(Wide(), as_json=False) == "one two three four five"
    line = shown(Wide(), as_json=True)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"text": str(Wide())}
    assert shown(recurra.RecurraError("a\nb"), as_json=False) == "error: a b"


def through(encoding: str, argv: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run a command with both streams in an encoding; return its code and what came out."""
    raw = io.BytesIO(), io.BytesIO()
    with monkeypatch.context() as patch:
        for name, file in zip(("stdout", "stderr"), raw, strict=True):
            patch.setattr(sys, name, io.TextIOWrapper(file, encoding=encoding))
        code = main(argv)
        sys.stderr.flush()
        return code, "".join(file.getvalue().decode(encoding) for file in raw)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
@pytest.mark.parametrize(
    "argv",
    [["tasks"], ["cells"], ["engines"], ["train", "translation", "--help"], ["predict", "--help"],
     ["bench", "speed", "--help"], ["bench", "speed", "--question", "東京"], ["évaluer"],
     ["evaluate", "東京"], ["predict", "東京\udce9", "x"], ["check", "東京:É"],
     ["demo", "--only", "é"],
     ["train", "sentiment", "--data", "東京\udce9.tsv"], ["generate", "東京", "\udcff"]],
    ids=lambda argv: argv[0],
)  # fmt: skip  # read as a table
def test_a_pipe_of_any_encoding(encoding: str, argv: list[str], monkeypatch: pytest.MonkeyPatch):
    code, out = through(encoding, argv, monkeypatch)
    assert "internal error" not in out
    assert out.strip()
    refusal = any(ord(letter) > 127 for word in argv for letter in word)
    assert code == (2 if refusal else 0)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_answers_arrive_in_any_encoding(
    bundle: str, encoding: str, monkeypatch: pytest.MonkeyPatch
):
    texts = ["ein schönes Zimmer", "in 東京 🙂", "fine"]
    code, out = through(encoding, ["predict", bundle, *texts, "--as-json"], monkeypatch)
    assert code == 0
    assert [json.loads(line)["text"] for line in out.splitlines()] == texts
    code, out = through(encoding, ["predict", bundle, *texts], monkeypatch)
    assert code == 0
    expected = [text.encode(encoding, "backslashreplace").decode(encoding) for text in texts]
    assert [line.split("%   ")[1] for line in out.splitlines()] == expected


def test_undecodable_arguments_are_read_as_utf_8(bundle: str, capsys: pytest.CaptureFixture[str]):
    as_ascii = "schön".encode().decode("ascii", "surrogateescape")
    found, _ = told([bundle, as_ascii, "caf\udce9"], capsys, 2)
    assert found[0]["text"] == "schön"
    assert found[1] == {"error": "input 2: is not UTF-8 (byte 0xe9); save it as UTF-8"}


def test_real_pipes(bundle: str):
    """A reader that leaves after one line, in a locale without Unicode."""
    script = (
        f"(echo 'schön in 東京'; yes fine | head -3000) "
        f"| {sys.executable} -m recurra predict {bundle} | head -1; echo ${{PIPESTATUS[1]}}\n"
    )
    bare = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, env=bare)
    assert done.stderr == b""
    first, code = done.stdout.decode("ascii").splitlines()
    assert first.endswith(r"sch\xf6n in \u6771\u4eac")
    assert code == "0"


def test_no_output_at_all_and_a_full_disk(
    bundle: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert main(["predict", bundle, "fine"]) == 0
        assert main(["cells"]) == 0
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    capfd.readouterr()
    with monkeypatch.context() as patch, Path("/dev/full").open("w", encoding="utf-8") as full:
        patch.setattr(sys, "stdout", full)
        assert main(["predict", bundle, "fine"]) == 2
    assert capfd.readouterr().err == (
        "recurra: the output cannot be used: No space left on device\n"
    )
