"""`recurra limits`: what is asked for is run, what is wrong is one line."""

from pathlib import Path

import pytest

from recurra.cli import main
from recurra.limits import Experiment
from tests.cli.test_cli import refused
from tests.limits.test_frame import LIMIT, names


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int, int]]:
    """Two experiments that only say what they were told."""
    from dataclasses import replace

    from recurra.limits import experiments

    told: list[tuple[bool, int, int]] = []

    def made(name: str) -> Experiment:
        def run(case):
            told.append((case.quick, case.seeds, case.threads))
            return replace(LIMIT, name=name)

        return Experiment(name, "weakness", f"About {name}", 60, 7, run)

    monkeypatch.setattr(experiments, "EXPERIMENTS", (made("one"), made("two")))
    return told


def test_all_or_those_that_are_named(
    asked: list[tuple[bool, int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path), "--threads", "1"]
    assert main(["limits", "two", "two", "--quick", "--seeds", "4", *out]) == 0
    assert asked == [(True, 4, 1)]
    assert names(tmp_path) == ["two"]
    printed = capsys.readouterr()
    assert f"{tmp_path / 'limits.html'} shows what was found" in printed.out
    assert printed.err == ""  # no terminal, no progress
    assert main(["limits", *out]) == 0
    assert asked[1:] == [(False, 0, 1)] * 2
    assert names(tmp_path) == ["one", "two"]


def test_a_list_runs_nothing(
    asked: list[tuple[bool, int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["limits", "--list", "--out", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "one            weakness    60 s  About one",
        "two            weakness    60 s  About two",
    ]
    assert main(["limits", "--list", "--quick", "two"]) == 0
    assert capsys.readouterr().out.split()[2:4] == ["7", "s"]
    assert not asked
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["vanishin"], "unknown experiment 'vanishin'; did you mean 'vanishing'?"),
        (["--seeds", "101"], "--seeds is 101; allowed: 0 to 100"),
        (["--seeds", "-1"], "allowed: 0 to 100"),
        (["--seeds", "1.5"], "allowed is a whole number"),
        (["--threads", "99999"], "from 0 to 1024"),
        (["--no-quick"], "limits --help tells more"),
    ],
)
def test_what_is_wrong_is_one_line(
    flags: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(["limits", *flags, "--out", str(tmp_path / "out")], capsys)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    asked: list[tuple[bool, int, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below"):
        assert "cannot be written" in refused(["limits", "--out", str(out)], capsys)
    (tmp_path / "limits.json").write_text("mine")
    assert "holds no findings" in refused(["limits", "--out", str(tmp_path)], capsys)
    assert not asked
