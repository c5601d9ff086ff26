"""The page's modules in Node.js, where it is installed."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recurra.onnx.web import PAGE

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Return what asks a call of calls.js."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed, and the page's modules are JavaScript")
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    shutil.copy(Path(__file__).parent / "calls.js", folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def asked(name: str, *given: Any) -> Any:
        done = subprocess.run(
            [node, "calls.js"],
            input=json.dumps({name: given}),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)[name]

    return asked
