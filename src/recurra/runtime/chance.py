"""Numbers drawn by chance, the same as torch draws of the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS, PRIME = 624, 1812433253  # of the state, and of its first filling
FRACTION = (1 << 53) - 1


class Chance:
    """The Mersenne twister, as `torch.Generator().manual_seed(seed)` sets it.

    Matsumoto and Nishimura 1998, https://doi.org/10.1145/272991.272995, with the initialisation
    of their code of 2002, which NumPy keeps for its older generators alone.

    Args:
        seed: its lower 32 bits count.
    """

    def __init__(self, seed: int) -> None:
        key = [seed & 0xFFFFFFFF]
        for i in range(1, WORDS):
            key.append((PRIME * (key[-1] ^ (key[-1] >> 30)) + i) & 0xFFFFFFFF)
        self.bits = np.random.MT19937()
        state = {"key": np.array(key, np.uint32), "pos": WORDS}
        told: Any = {"bit_generator": "MT19937", "state": state}
        self.bits.state = told

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Return numbers of [0, 1), as `torch.rand` draws them in 64 bits."""
        high, low = self.bits.random_raw(2 * int(np.prod(shape))).reshape(-1, 2).T
        drawn = (high << np.uint64(32) | low) & np.uint64(FRACTION)
        found: NDArray[np.float64] = (drawn / (FRACTION + 1)).reshape(shape)
        return found

    def single(self, *shape: int) -> NDArray[np.float32]:
        """Return numbers of [0, 1), as `torch.rand` draws them in 32 bits."""
        drawn = self.bits.random_raw(int(np.prod(shape))) & np.uint64((1 << 24) - 1)
        found: NDArray[np.float32] = (drawn / (1 << 24)).astype(np.float32).reshape(shape)
        return found
