"""Every example runs, and learns what it says."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PRINTED = {
    "one_to_one": r"inside or outside: 9\d% right\n",
    "one_to_many": r"greedy ab abcde abcdefgh\nsampled ab abcde abcdefgh\n",
    "many_to_one": r"which came first: (9\d|100)% right\n",
    "many_to_many_equal": r"([01]+ [OBI]+\n){3}",
    "many_to_many_unequal": r"([\d ]{11} -> [2468 0]* \(log probability -0\.\d\d\)\n){3}",
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert re.fullmatch(PRINTED[path.stem], printed), printed
    if path.stem == "many_to_many_unequal":
        for line in printed.splitlines():
            source, found = line.split("(")[0].split("->")
            assert found.split() == [digit for digit in source.split() if int(digit) % 2 == 0]


def test_every_example_is_listed() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(PRINTED) == set(re.findall(r"\((\w+)\.py\)", text))
    assert set(PRINTED) == {path.stem for path in EXAMPLES.glob("*.py")}
