"""Runs tests in a child of its own, again and again: what all runs import is imported once.

One request a line on the standard input, one answer a line on the standard output, both JSON.
recurra itself is imported by the children only, so each of them sees the source as it is then.
"""

import importlib
import json
import os
import signal
import sys
import time
from contextlib import suppress

import pytest

from tests import interpreter

# nothing of these starts a thread, which a child would not have
SHARED = """torch hypothesis numpy jaxtyping safetensors.torch tokenizers cyclopts rich.progress
  lightning_fabric torchdata.stateful_dataloader PIL.Image sklearn seqeval.metrics sacrebleu
  symusic miditok matplotlib xml.etree.ElementTree"""
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow", "--tb=short"]


class First:
    """Remembers the first test that failed, and how many ran."""

    name = ""
    ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at a test."""
        self.ran += report.when == "call" and not report.skipped
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Look at a file."""
        if report.failed and not self.name:
            self.name = report.nodeid


def main() -> None:
    """Answer until the input ends."""
    interpreter.switch_on()  # Triton may be imported by what all runs import
    for name in SHARED.split():
        with suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(name)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


def answer(tests: list[str], log: str, limit: float, stop: bool = True) -> dict[str, object]:
    """Run tests in a child, and return its exit code, the first failure and the seconds."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(tests, log, OPTIONS if stop else OPTIONS[1:])
    code: int | None = None
    while code is None and time.monotonic() - began < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.02)
    with suppress(ProcessLookupError):  # its own children too
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    found = {"first": "", "ran": 0}
    # not by pathlib, as where it is written
    with suppress(OSError, ValueError), open(f"{log}.json") as file:  # noqa: PTH123
        found = json.load(file)
    return {"code": code, "seconds": time.monotonic() - began, **found}


def _shrink_nothing() -> None:
    """Let hypothesis stop at the first failure: looking for the smallest takes most of the time."""
    with suppress(ImportError):  # not installed: no test uses it then
        from hypothesis import Phase, settings

        settings.register_profile("mutations", phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutations")


def _run(tests: list[str], log: str, options: list[str]) -> None:
    """Run tests, and end this process."""
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _shrink_nothing()
    first = First()
    code = 3
    try:
        code = int(pytest.main([*options, *tests], plugins=[first]))
    finally:
        # not by pathlib: a fault may have changed what that does
        with open(f"{log}.json", "w") as file:  # noqa: PTH123
            json.dump({"first": first.name, "ran": first.ran}, file)
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
