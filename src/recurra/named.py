"""Things that a user names by where they are: `package.module:name` or `path/to/file.py:name`.

Only what a user types is looked up this way, never a name read from a saved model.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from recurra.errors import RecurraError


def named(kind: str, name: str) -> Any:
    """Return what a module or file has by this name; None where it has no such.

    Args:
        kind: what it is, for the error's text.
        name: module or file, a colon, the name in it.
    Raises:
        RecurraError: it does not import.
    """
    module_name, own = name.rsplit(":", 1)
    try:
        module = (
            _load(Path(module_name))
            if module_name.endswith(".py")
            else importlib.import_module(module_name)
        )
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise RecurraError(f"{kind} {name} does not import: {reason}") from error
    return getattr(module, own, None)


def _load(path: Path) -> ModuleType:
    # named by its path, which clashes with no module and is found again by `named`
    name = str(path.resolve())
    spec = importlib.util.spec_from_file_location(name, name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass in the file looks its module up
    try:
        spec.loader.exec_module(module)
    except BaseException:  # the file is the user's: it may raise anything
        del sys.modules[name]
        raise
    return module
