"""One JSON list, as the page and other programs read it."""

import json
from pathlib import Path

import pytest

from recurra.benchmarks.results import merge, read, write
from recurra.errors import RecurraError
from tests.benchmarks.rows import row

FIELDS = {"question", "cell", "shape", "threads", "engine", "peer", "ratio", "spread"}
FIELDS |= {"ours_ms", "peer_ms"}


def test_the_file_is_a_list_of_objects(tmp_path: Path):
    path = tmp_path / "results" / "speed.json"
    write(path, [row(), row(cell="GRU", error=1e-7)])
    objects = json.loads(path.read_text())
    assert [value["cell"] for value in objects] == ["LSTM", "GRU"]
    assert all(value.keys() >= FIELDS for value in objects)
    assert read(path) == [row(), row(cell="GRU", error=1e-7)]


def test_newer_rows_take_the_places_of_older_ones():
    old = [row(cell="GRU"), row(ratio=1.0), row(peer="packed"), row(question="ragged")]
    assert merge(old, [row(ratio=2.0)], whole=False) == [old[0], old[2], old[3], row(ratio=2.0)]
    # of a part that was answered whole, nothing older stays
    assert merge(old, [row(ratio=2.0)], whole=True) == [old[3], row(ratio=2.0)]


@pytest.mark.parametrize("text", ["{", "{}", '[{"question": "classic"}]'])
def test_a_file_of_somebody_else_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "speed.json"
    path.write_text(text)
    with pytest.raises(RecurraError):
        read(path)


@pytest.mark.parametrize(
    ("ratio", "must", "aim", "verdict"),
    [
        (0.9, None, None, "LOST"),
        (1.1, None, None, "won"),
        (1.1, 1.3, 1.6, "MISSED"),
        (1.3, 1.3, 1.6, "reached"),
        (1.6, 1.3, 1.6, "aim"),
        (0.7, 0.55, 0.8, "reached"),
    ],
)
def test_verdicts(ratio: float, must: float | None, aim: float | None, verdict: str):
    assert row(ratio=ratio, must=must, aim=aim).verdict == verdict
