"""Sound is made by what is installed, here programs of our own: right, failing, hanging, silent."""

import sys
import time
import wave
from pathlib import Path

import pytest

from recurra.errors import RecurraError
from recurra.tasks.pieces import synthesiser
from recurra.tasks.pieces.synthesiser import Synthesiser, find, places, soundfont

WRITES = """
import sys, wave
with wave.open(sys.argv[sys.argv.index({flag!r}) + 1], "w") as file:
    file.setparams((1, 2, 44100, 0, "NONE", "none"))
    file.writeframes({frames})
open({log!r}, "w").write("\\n".join(sys.argv[1:]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of programs, and nothing else on the path."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("SOUNDFONT", raising=False)
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    return tmp_path


def program(folder: Path, name: str, code: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


def writes(folder: Path, name: str, flag: str, frames: str = "b'\\\\1\\\\2' * 99") -> None:
    code = WRITES.format(flag=flag, frames=frames.replace("\\\\", "\\"), log=str(folder / "log"))
    program(folder, name, code)


def font(folder: Path, name: str = "a.sf2") -> Path:
    home = folder / "fonts"
    home.mkdir(exist_ok=True)
    (home / name).write_bytes(b"RIFF")
    return home


def test_nothing_is_found_where_nothing_is_installed(folder: Path):
    assert find([]) is None
    writes(folder, "fluidsynth", "-F")
    assert find([folder / "none"]) is None  # a program without a font
    assert find([font(folder)]) is not None


def test_fluidsynth_is_given_the_font_and_the_files(folder: Path):
    writes(folder, "fluidsynth", "-F")
    writes(folder, "timidity", "-o")
    found = find([font(folder)])
    wav = found.render(folder / "tune.mid", folder / "tune.wav")
    with wave.open(str(wav)) as file:
        assert file.getnframes() == 99
    told = (folder / "log").read_text().splitlines()
    assert told[0] == "-ni"
    assert told[-2:] == [str(folder / "fonts" / "a.sf2"), str(folder / "tune.mid")]
    assert [path.name for path in folder.glob(".*")] == []


def test_timidity_is_taken_where_fluidsynth_has_no_font(folder: Path):
    writes(folder, "fluidsynth", "-F")
    writes(folder, "timidity", "-o")
    found = find([])
    assert found == (str(folder / "bin" / "timidity"), None)
    found.render(folder / "tune.mid", folder / "tune.wav")
    told = (folder / "log").read_text().splitlines()
    assert told[0] == "-Ow"
    assert told[-1] == str(folder / "tune.mid")
    assert (folder / "tune.wav").exists()


def test_no_name_is_taken_for_an_option_or_by_a_shell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    writes(folder, "timidity", "-o")
    name = "-x; touch stolen $(touch taken).mid"
    (folder / name).write_bytes(b"MThd")
    find([]).render(Path(name), Path("out.wav"))
    assert (folder / "log").read_text().splitlines()[-1] == str(folder / name)
    assert not (folder / "stolen").exists()
    assert not (folder / "taken").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; print('bad font', file=sys.stderr); sys.exit(3)", "no sound of .*: bad font"),
        ("", "no sound of"),  # it says that all is well, and writes nothing
        (
            "import sys; open(sys.argv[sys.argv.index('-o') + 1], 'w').write('half'); sys.exit(1)",
            "no sound of",
        ),
    ],
    ids=["fails", "writes nothing", "writes half"],
)
def test_what_fails_says_why_and_leaves_nothing(folder: Path, code: str, message: str):
    program(folder, "timidity", code)
    with pytest.raises(RecurraError, match=message):
        find([]).render(folder / "tune.mid", folder / "tune.wav")
    assert sorted(path.name for path in folder.iterdir()) == ["bin", "tune.mid"]


@pytest.mark.parametrize("frames", ["bytes(2 * 99)", "b''"])
def test_silence_is_no_sound(folder: Path, frames: str):
    writes(folder, "fluidsynth", "-F", frames)
    with pytest.raises(RecurraError, match=r"only silence of .*is .*a.sf2 a soundfont\?"):
        find([font(folder)]).render(folder / "tune.mid", folder / "tune.wav")
    assert not (folder / "tune.wav").exists()


def test_a_program_that_hangs_is_ended(folder: Path):
    program(folder, "timidity", "import time\ntime.sleep(60)")
    began = time.monotonic()
    with pytest.raises(RecurraError, match=r"over 0\.5 s"):
        find([]).render(folder / "tune.mid", folder / "tune.wav", seconds=0.5)
    assert time.monotonic() - began < 20


def test_a_program_that_cannot_be_started(folder: Path):
    with pytest.raises(RecurraError, match="gone cannot be used: No such file"):
        Synthesiser(str(folder / "gone"), None).render(folder / "tune.mid", folder / "a.wav")


def test_the_font_that_is_named_comes_first_then_a_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    home = font(folder, "a.sf2")
    assert soundfont([folder / "none", home]) == str(home / "a.sf2")
    font(folder, "default-GM.sf3")
    assert soundfont([home]) == str(home / "default-GM.sf3")
    monkeypatch.setenv("SOUNDFONT", str(home / "a.sf2"))
    assert soundfont([home]) == str(home / "a.sf2")
    monkeypatch.setenv("SOUNDFONT", str(home / "b.sf2"))
    with pytest.raises(RecurraError, match=r"SOUNDFONT: .*b\.sf2 is no file"):
        soundfont([home])
    assert any(path == Path("/usr/share/sounds/sf2") for path in places())
    assert synthesiser.SECONDS > 1
