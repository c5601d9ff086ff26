import sys

import pytest

from recurra.cells import CELLS, LSTM, find
from recurra.errors import RecurraError

GOOD = """
from dataclasses import dataclass
from recurra.cells import LSTM

@dataclass
class Options:
    size: "int" = 3

class Mine(LSTM):
    pass

class Other:
    pass

nothing = 3
"""

UNFINISHED = """
from recurra.cells import Cell

class Mine(Cell):
    pass
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="my_cell.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_by_name_in_any_case(cell):
    name = cell.__name__
    assert find(name) is find(name.lower()) is find(name.upper()) is cell


def test_by_module():
    assert find("recurra.cells.lstm:LSTM") is LSTM


def test_in_a_file(written):
    path = written(GOOD)
    mine = find(f"{path}:Mine")
    assert mine.__name__ == "Mine"
    assert issubclass(mine, LSTM)
    assert find(f"{mine.__module__}:Mine").__name__ == "Mine"


def test_a_file_takes_no_modules_name(written):
    before = sys.modules["torch"]
    find(f"{written(GOOD, name='torch.py')}:Mine")
    assert sys.modules["torch"] is before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lstmm", "unknown cell 'lstmm'; did you mean 'lstm'?"),
        ("MinGRUU", "did you mean 'mingru'?"),
        ("transformer", "unknown cell 'transformer'; known: elman, "),
        ("", "unknown cell ''"),
        ("no.such.module:X", "cell no.such.module:X does not import: ModuleNotFoundError"),
        ("no_such_file.py:X", "cell no_such_file.py:X does not import: FileNotFoundError"),
        (":X", "cell :X does not import: ValueError"),
        ("recurra.cells:Nothing", "recurra.cells has no class Nothing derived from recurra.Cell"),
        ("recurra.cells:find", "recurra.cells has no class find derived from recurra.Cell"),
        ("recurra.cells:Cell", "cell recurra.cells:Cell does not define initial_state, step"),
    ],
)
def test_one_clear_error(name, message):
    with pytest.raises(RecurraError) as caught:
        find(name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("class Mine(:\n", "Mine", "does not import: SyntaxError"),
        ("raise RuntimeError('no luck')", "Mine", "does not import: RuntimeError: no luck"),
        ("1 / 0", "Mine", "does not import: ZeroDivisionError"),
        ("raise ValueError('two\\nlines')", "Mine", "does not import: ValueError: two lines"),
        ("import no_such_module_at_all", "Mine", "does not import: ModuleNotFoundError"),
        (GOOD, "Other", "has no class Other derived from recurra.Cell"),
        (GOOD, "nothing", "has no class nothing derived from recurra.Cell"),
        (GOOD, "", "has no class  derived from recurra.Cell"),
        (UNFINISHED, "Mine", "does not define initial_state, step"),
    ],
    ids=["syntax", "raises", "divides", "lines", "import", "other", "number", "empty", "abstract"],
)
def test_a_file_that_is_no_cell_is_one_clear_error(written, text, name, message):
    path = written(text)
    with pytest.raises(RecurraError) as caught:
        find(f"{path}:{name}")
    assert message in str(caught.value)
    assert "my_cell.py" in str(caught.value)
    assert "\n" not in str(caught.value)
    if "does not import" in message:
        assert str(path) not in sys.modules
