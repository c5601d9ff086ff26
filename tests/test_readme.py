"""The README's Python runs, and prints what the README says."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n```text\n(.*?)```)?", TEXT, re.DOTALL)
TRAINING = [block for block, _ in BLOCKS if "recurra.train" in block]


@pytest.mark.parametrize(
    ("code", "printed"),
    [(c, p) for c, p in BLOCKS if c not in TRAINING],
    ids=["sequence", "cell", "stream"],
)
def test_examples(code: str, printed: str, capsys: pytest.CaptureFixture[str]):
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == printed


@pytest.mark.slow
def test_the_training_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(TRAINING[0], "README.md", "exec"), names)
    assert "positive" in capsys.readouterr().out
    assert (tmp_path / "runs/reviews/model.safetensors").exists()
