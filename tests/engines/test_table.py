"""The table of measurements: read, checked, ignored where it does not fit."""

import json
from pathlib import Path

import pytest
import torch

from recurra.cells import CELLS, LSTM
from recurra.engines import PREFERENCE, adopt, choose, reread
from recurra.engines.table import Table, here, in_force, read, user_file, write

SHAPES = (1, 2, 64), (32, 512, 64)
FASTER = {("LSTM", "forward", SHAPES[1]): "vendor", ("GRU", "train", SHAPES[0]): "loop"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = Table("2.10", "amd", "avx2", 2, SHAPES, FASTER)
    write(tmp_path / "new" / "table.json", table)
    assert read(tmp_path / "new" / "table.json") == table
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["table.json"]


def test_near_is_by_ratio() -> None:
    table = Table("", "", "", 1, SHAPES, FASTER)
    assert table.engine("GRU", "train", (1, 2, 64)) == "loop"
    assert table.engine("GRU", "train", (5, 8, 700)) == "loop"
    assert table.engine("GRU", "train", (6, 64, 64)) is None
    assert table.engine("GRU", "forward", (1, 2, 64)) is None
    assert table.engine("LSTM", "forward", (10_000, 10_000, 1)) == "vendor"
    assert Table("", "", "", 1, (), {}).engine("LSTM", "forward", (1, 1, 1)) is None


def test_the_package_has_a_table_of_its_own_cells_and_engines(nothing_measured: Table) -> None:
    user_file().unlink()
    reread()
    table, source, ignored = in_force(torch.get_num_threads())
    assert (source, ignored) == ("the package's", None)
    assert len(table.shapes) > 3
    engines = {engine.name for engine in PREFERENCE}
    cells = {kind.__name__ for kind in CELLS}
    for (cell, _, _), engine in table.faster.items():
        assert cell in cells
        assert engine in engines


GOOD = {
    "version": 2,
    "torch": "2",
    "maker": "",
    "isa": "avx2",
    "threads": 2,
    "shapes": [],
    "faster": [],
}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("\x00", "no JSON"),
        ("[]", "no table of engines"),
        ("{}", "no table of engines"),
        (json.dumps({**GOOD, "threads": "2"}), "no table of engines"),
        (json.dumps({**GOOD, "threads": True}), "no table of engines"),
        (json.dumps({**GOOD, "version": 1}), "of version 1"),
        (json.dumps({**GOOD, "shapes": [[1, 2]]}), "no batch, time and width"),
        (json.dumps({**GOOD, "shapes": [[1, 2, 0]]}), "no batch, time and width"),
        (json.dumps({**GOOD, "shapes": [[1, 2, 1.5]]}), "no batch, time and width"),
        (json.dumps({**GOOD, "faster": [3]}), "no cell, mode, batch"),
        (json.dumps({**GOOD, "faster": [["LSTM", "train", 1, 2, 3, "loop"]]}), "does not list"),
        (json.dumps({**GOOD, "faster": [["LSTM", "run", 1, 2, 3, "loop"]]}), "no cell, mode"),
        (json.dumps(GOOD), "torch 2, and here it is"),
    ],
)
def test_what_does_not_fit_is_ignored_and_told(
    nothing_measured: Table, content: str, text: str
) -> None:
    user_file().write_text(content)
    reread()
    _, source, ignored = in_force(torch.get_num_threads())
    assert source == "the package's"
    assert ignored is not None
    assert ignored.startswith(str(user_file()))
    assert text in ignored
    assert "\n" not in ignored
    assert choose(LSTM(2, 3), torch.zeros(1, 9, 2)).name


def test_another_number_of_threads_has_no_table_yet(nothing_measured: Table) -> None:
    threads = torch.get_num_threads()
    faster = {("LSTM", "train", (1, 9, 3)): "loop"}
    adopt(nothing_measured._replace(shapes=((1, 9, 3),), faster=faster))
    assert in_force(threads).source == "your own"
    other = in_force(threads + 1)
    assert other.source == "the package's"
    assert other.ignored is not None
    assert f"threads {threads}, and here it is {threads + 1}" in other.ignored


def test_a_gpu_has_a_table_of_its_own(nothing_measured: Table) -> None:
    one, other = "NVIDIA H200", "NVIDIA A100-SXM4"
    assert in_force(2, one).source == "no"
    table = Table(*here(2, one), SHAPES, FASTER)
    path = adopt(table)
    assert path.name == "engines-NVIDIA_H200.json"
    assert table[1:4] == (one, "cuda", 0)
    assert in_force(2, one) == in_force(3, one) == (table, "your own", None)
    assert in_force(2, other) == (Table(*here(2, other), (), {}), "no", None)
    assert in_force(torch.get_num_threads()).table == nothing_measured
    adopt(table._replace(torch="1.0"))
    found = in_force(2, one)
    assert found.source == "no"
    assert found.ignored is not None
    assert "torch 1.0, and here" in found.ignored
