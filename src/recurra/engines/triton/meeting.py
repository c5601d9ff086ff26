"""Programs of one launch that wait for each other: all of them must have a processor at once."""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def arrive(counter):
    """Tell the team that what this program wrote is there."""
    tl.debug_barrier()  # one thread speaks for all of them
    tl.atomic_add(counter, 1, sem="release", scope="gpu")


@triton.jit
@no_type_check  # as above
def wait(counter, arrivals):
    """Wait until the team has arrived so many times; see what it wrote before."""
    while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < arrivals:
        pass
    tl.debug_barrier()
