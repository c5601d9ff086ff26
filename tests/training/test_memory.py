"""Freed memory is kept on glibc, unless the user says otherwise."""

import platform
import subprocess
import sys

import pytest

from recurra.training.memory import OWN, keep

FAULTS = """
import resource, torch
from recurra.training.memory import keep
{}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(1 << 20), torch.ones(1 << 19)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


def faults(call: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(call)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is another C library here")
def test_arrays_of_a_step_are_no_new_pages_in_the_next(monkeypatch: pytest.MonkeyPatch):
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    assert faults("assert keep()") < 100


def test_a_users_own_settings_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not keep()


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep()
