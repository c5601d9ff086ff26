"""The tutorial's Python runs from top to bottom, and prints what the tutorial says."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent.parent / "docs/tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n```text\n(.*?)```)?", TEXT, re.DOTALL)


def test_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for code, expected in BLOCKS:
        exec(compile(code, "tutorial.md", "exec"), names)
        printed = capsys.readouterr().out
        if '"audio_classification"' in code or '"speech_recognition"' in code:
            assert printed.splitlines()[-1] + "\n" == expected
        elif "recurra.train" in code:
            assert re.fullmatch(r"good .*a kind cook bad .*a cold bath", printed.splitlines()[-1])
        else:
            assert printed == expected
    assert (tmp_path / "runs/reviews/model.safetensors").exists()
