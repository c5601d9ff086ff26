from pathlib import Path

import pytest

from recurra.cells import CELLS


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_witness(cell):
    witness = Path(__file__).with_name(f"test_{cell.__name__.lower()}.py")
    assert witness.exists(), f"{cell.__name__} needs an outside authority: write {witness.name}"
    assert f"{cell.__name__}(" in witness.read_text(encoding="utf-8")
    assert "agrees_with_" in witness.read_text(encoding="utf-8")
