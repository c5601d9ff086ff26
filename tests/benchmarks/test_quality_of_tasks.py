"""Exams on small files of the same form as their data: recurra's answer and each peer's."""

import random
from pathlib import Path

import pytest

from recurra.benchmarks.quality.exam import Case
from recurra.benchmarks.quality.exams.sst2 import METRIC, SST2


@pytest.fixture
def opinions(tmp_path: Path) -> Path:
    """Training and dev files that one word decides, and a test file that is wrong in a quarter."""
    draw = random.Random(0)
    for part, count, wrong in [("train", 120, 0), ("dev", 40, 0), ("test", 40, 10)]:
        rows = []
        for i in range(count):
            good = i % 2
            word = ("dull", "lovely")[good if i >= wrong else 1 - good]
            noun = draw.choice(["film", "plot", "cast", "score", "scene"])
            rows.append(f"a {word} {noun} number {part} {i}\t{good}\n")
        (tmp_path / f"{part}.tsv").write_text("".join(rows))
    return tmp_path


def test_sst2(opinions: Path, tmp_path: Path):
    case = Case(opinions, tmp_path / "place", seed=0, threads=1, quick=True)
    found = SST2.sit(case)
    assert found.others["loss"] > 0
    assert found.value in {100 * k / 40 for k in range(41)}
    assert found.parameters > 1000
    (peer,) = SST2.peers.values()
    assert peer(case) == {METRIC: 75.0}
