"""The tutorial's Python runs from top to bottom, and prints what the tutorial says."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent.parent / "docs/tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n```text\n(.*?)```)?", TEXT, re.DOTALL)


@pytest.mark.unchecked("it exports a graph, whose sizes are no numbers yet")
def test_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for code, expected in BLOCKS:
        exec(compile(code, "tutorial.md", "exec"), names)
        printed = capsys.readouterr().out
        if "reviews.tsv" in code:
            assert re.fullmatch(r"good .*a kind cook bad .*a cold bath", printed.splitlines()[-1])
        else:
            assert printed.endswith(expected) if "recurra.train" in code else printed == expected
    assert (tmp_path / "runs/reviews/model.safetensors").exists()
