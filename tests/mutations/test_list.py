"""The list of faults fits the source as it is: what changes there is changed here too."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.mutations.catalogue import LISTS, ROOT, Fault, faults
from tests.mutations.report import Result, verdict

FAULTS = faults()
PACKAGE = ROOT / "src" / "recurra"


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def functions(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(text_of(path)))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("folder", sorted({fault.folder for fault in FAULTS}))
def test_each_text_occurs_once_and_the_changed_file_still_parses(folder: str) -> None:
    for fault in (fault for fault in FAULTS if fault.folder == folder):
        text = text_of(ROOT / fault.file)
        changed = fault.apply(text)
        assert changed != text, fault.title
        if fault.file.endswith(".py"):
            compile(changed, fault.file, "exec")
        else:
            for one, other in ("()", "[]", "{}"):
                assert changed.count(one) - text.count(one) == changed.count(other) - text.count(
                    other
                ), fault.title


def test_the_tests_that_must_notice_exist() -> None:
    for fault in FAULTS:
        assert fault.tests, fault.title
        for test in fault.tests:
            name, _, function = test.partition("::")
            path = ROOT / "tests" / name
            assert path.suffix == ".py", f"{fault.title}: {test} is no file"
            assert path.exists(), f"{fault.title}: there is no {test}"
            if function:
                found = function.partition("[")[0]
                assert found in functions(path), f"{fault.title}: there is no {test}"


def test_every_folder_of_the_source_has_faults() -> None:
    assert len(FAULTS) >= 150
    touched = {Path(fault.file).parent for fault in FAULTS}
    bare = [
        path.parent.relative_to(ROOT)
        for path in PACKAGE.rglob("__init__.py")
        if any(name.name != "__init__.py" for name in path.parent.glob("*.py"))
        and path.parent.relative_to(ROOT) not in touched
    ]
    assert not bare
    assert Path("native/src") in touched


def test_no_fault_is_listed_twice() -> None:
    changes = Counter((fault.file, fault.before, fault.after) for fault in FAULTS)
    assert max(changes.values()) == 1
    places = {path.stem for path in LISTS.glob("*.toml")}
    for fault in FAULTS:
        assert re.fullmatch(r"[a-z0-9-]+", fault.name), fault.title
        own = fault.folder.replace("/", "_")
        assert own in places


def fault(number: int, survives: str = "") -> Fault:
    return Fault("cells", f"f{number}", "a.py", "x", "y", ("test_a.py",), survives)


def test_a_survivor_needs_a_reason_and_95_in_100_must_be_noticed() -> None:
    noticed, survived = Result("noticed", "t", 1.0), Result("survived", "", 1.0)
    good = [(fault(i), noticed) for i in range(19)]
    assert verdict(good) == 0
    assert verdict([*good, (fault(19, "it is the same"), survived)]) == 0
    assert verdict([*good, (fault(19), survived)]) == 1
    assert verdict([*good, (fault(19), Result("error", "", 0.0))]) == 1
    assert verdict([*good[:10], (fault(19, "it is the same"), survived)]) == 1
