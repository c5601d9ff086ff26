"""`recurra export`: what it prints and writes, and what it says of what it cannot use."""

import json
from pathlib import Path

import pytest

from recurra.cli import main
from tests.onnx.test_models import model

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sentiment")
    return str(model("sentiment", folder).save(folder / "run"))


def test_a_bundle_becomes_a_folder_of_graphs(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", bundle, "--to", str(tmp_path / "out"), "--rows", "3", "--int8"]) == 0
    said = capsys.readouterr().out
    assert "sequence.onnx" in said
    assert "sequence  whole         largest difference" in said
    assert "accuracy" in said
    assert "by ONNX Runtime" in said
    assert "\nint8          0." in said
    assert (tmp_path / "out" / "sequence.int8.onnx").exists()
    assert said.endswith(f"3 examples; written: {tmp_path / 'out'}\n")
    told = json.loads((tmp_path / "out" / "export.json").read_text())
    assert told["parity"]["metrics"]["loss"]["graphs"] == pytest.approx(
        told["parity"]["metrics"]["loss"]["network"], rel=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{tmp}/none", "--to", "{tmp}/out"], "none"),
        (["{bundle}"], "--to"),
        (["{bundle}", "--to", "{tmp}/out", "--rows", "0"], "at least 1 example"),
        (["{bundle}", "--to", "{tmp}/out", "--data", "{tmp}/gone.tsv"], "gone.tsv"),
        (["{bundle}", "--to", "{tmp}/file", "--rows", "2"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(
    bundle: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    given = [one.format(bundle=bundle, tmp=tmp_path) for one in arguments]
    assert main(["export", *given]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert not (tmp_path / "out").exists()
