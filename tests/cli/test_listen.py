"""`recurra listen`: its table, its folder, its sound, and one line for what is wrong."""

import json
import stat
import sys
from pathlib import Path

import pytest

import recurra
from recurra.cli import main
from recurra.tasks.pieces import listen
from tests.tasks.conftest import TINY, write_midi, write_reviews


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("music")
    (home / "tunes").mkdir()
    fields = {**TINY, "max_length": 40, "out": str(home / "run")}
    recurra.train("music_generation", data=write_midi(home / "tunes"), **fields)
    return home / "run"


@pytest.fixture(autouse=True)
def no_synthesiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("SOUNDFONT", raising=False)


def test_a_table_and_a_folder(bundle: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["listen", str(bundle), "--pieces", "3", "--seed", "2", "--top-k", "5"]) == 0
    said = capsys.readouterr().out
    for word in ("written", "test", "training", "repeated bars", "ending in a circle"):
        assert word in said
    assert "3 pieces (.mid), listen.json, listen.html; no sound: install fluidsynth" in said
    home = bundle / "listen"
    assert sorted(path.name for path in home.iterdir()) == [
        "listen.html",
        "listen.json",
        *(f"piece-{number}.mid" for number in (1, 2, 3)),
    ]
    told = json.loads((home / "listen.json").read_text())
    model = recurra.load(bundle)
    assert told == listen(model, 3, seed=2, top_k=5).asdict() != listen(model, 3, seed=2).asdict()
    assert f"{told['sets']['written']['notes']:,}" in said
    longest = told["sets"]["written"]["copied"]["same_pitch"]["longest"]
    assert longest is None or longest["source"] in "".join(said.splitlines())


def test_as_json_is_one_object(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    arguments = ["listen", str(bundle), "--pieces", "2", "--as-json", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == json.loads((out / "listen.json").read_text())
    assert "no sound" in said.err


def test_the_first_pieces_are_made_into_sound(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    program = tmp_path / "bin" / "timidity"
    program.write_text(
        f"#!{sys.executable}\nimport sys, wave\n"
        "with wave.open(sys.argv[sys.argv.index('-o') + 1], 'w') as file:\n"
        "    file.setparams((1, 2, 44100, 0, 'NONE', 'none'))\n"
        "    file.writeframes(b'12' * 9)\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    out = tmp_path / "out"
    arguments = ["listen", str(bundle), "--pieces", "3", "--out", str(out)]
    assert main([*arguments, "--sounds", "2"]) == 0
    assert "2 of them as sound (.wav)" in capsys.readouterr().out
    assert sorted(path.name for path in out.glob("*.wav")) == ["piece-1.wav", "piece-2.wav"]
    for path in out.glob("*.wav"):
        path.unlink()
    assert main([*arguments, "--sounds", "0"]) == 0
    assert not list(out.glob("*.wav"))
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no patches')\n")
    assert main(arguments) == 0  # figures and files are there; why there is no sound is told
    assert "no patches" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pieces", "0"], "pieces: received 0"),
        (["--pieces", "2.5"], "2.5"),
        (["--sounds", "-1"], "sounds: received -1"),
        (["--seed", "-3"], "seed: received -3"),
        (["--top-p", "2"], "top_p: received 2.0"),
        (["--length", "9"], "length: music_generation has no use for it"),
        (["--beam", "2"], "--beam"),  # of no task of music
        (["--data", "/no/such/place"], "/no/such/place"),
        (["--out", "/dev/null/x"], "/dev/null/x cannot be written"),
    ],
    ids=str,
)
def test_one_line_says_what_is_wrong(
    bundle: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    few = [] if "--pieces" in arguments else ["--pieces", "1"]
    assert main(["listen", str(bundle), *few, *arguments]) == 2
    *_, error = capsys.readouterr().err.strip().splitlines()
    assert error.startswith("recurra: ")
    assert message in error


def test_a_bundle_of_another_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_reviews(tmp_path)
    recurra.train("sentiment", data=data, out=str(tmp_path / "run"), **TINY)
    capsys.readouterr()
    assert main(["listen", str(tmp_path / "run")]) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert said.startswith("recurra: a sentiment model plays no music; music_generation and poly")
    assert main(["listen", str(tmp_path / "nothing")]) == 2
