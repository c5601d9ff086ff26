"""Memory of a step that is gone stays with the process: the next step wants as much again."""

import ctypes
import os
import platform

TRIM, MMAP = -1, -3  # of glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
LARGEST = 1 << 25  # bytes: glibc takes no larger threshold; larger arrays go back at once
KEPT = 1 << 28  # bytes at the heap's end that are not given back
OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep() -> bool:
    """Let glibc's malloc keep what is freed; return whether it was told so.

    Else every array of some 100 kB is pages from the system, and hundreds of page faults in each
    step. The user's own settings are left alone, as are other C libraries.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in OWN):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(MMAP, LARGEST)) and bool(mallopt(TRIM, KEPT))
