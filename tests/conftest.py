"""The table of measurements as a test wants it; Triton's kernels where there is no GPU."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests import interpreter

if not torch.cuda.is_available():
    interpreter.switch_on()

# no test starts a process that measures; processes that tests start inherit it
os.environ["RECURRA_MEASURE"] = "0"

from recurra.engines import adopt, reread
from recurra.engines.table import Table, here


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, where annotations are checked, what is marked so."""
    if config.getoption("--jaxtyping-packages", None):
        for item in items:
            if mark := item.get_closest_marker("unchecked"):
                item.add_marker(pytest.mark.skip(reason=mark.args[0]))


@pytest.fixture
def nothing_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """Yield the user's own table, empty and in force, in a cache of the test's own."""
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        table = Table(*here(torch.get_num_threads()), (), {})
        adopt(table)
        yield table
    reread()
