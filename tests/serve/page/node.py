"""Modules of the page, run by node."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import recurra.serve

HERE = Path(__file__).parent
PAGE = Path(recurra.serve.__file__).parent / "page"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node runs the modules")


def run(folder: Path, script: str, before: str | None = None, options: Sequence[str] = ()) -> Any:
    """Return what a script tells by `tell(value)`, once; it imports from `./page`.

    Args:
        folder: an empty one.
        script: the text of a module.
        before: a file beside this one, whose text stands before it.
        options: of node.
    """
    page = folder / "page"
    shutil.copytree(PAGE, page)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    head = "const tell = (value) => console.log(JSON.stringify(value));\n"
    head += "" if before is None else (HERE / before).read_text(encoding="utf-8")
    (folder / "script.js").write_text(head + script, encoding="utf-8")
    found = subprocess.run(
        ["node", *options, "script.js"], cwd=folder, capture_output=True, text=True, timeout=20
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)
