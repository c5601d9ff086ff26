"""Which keys sound: how well they were named, and how often they are counted to."""

from collections.abc import Sequence

import numpy as np

from recurra.data.rolls import KEYS, Roll
from recurra.tasks.codecs.rolls import RollCodec

SEEN = 1.0  # of each answer, before any was counted


def answer_of(steps: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the frames in which these keys sound."""
    frames = np.zeros((len(steps), KEYS), np.float32)
    for time, keys in enumerate(steps):
        frames[time, list(keys)] = 1
    return frames


def accuracy(said: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """Return Σ hits / Σ (hits + false + missed), over all steps.

    The accuracy of Bay, Ehmann and Downie, ISMIR 2009.
    """
    hits = sum(float(np.minimum(a, b).sum()) for a, b in zip(said, wanted, strict=True))
    either = sum(float(np.maximum(a, b).sum()) for a, b in zip(said, wanted, strict=True))
    return hits / max(either, 1.0)


def chances(codec: RollCodec, train: Sequence[Roll], *, after: bool) -> np.ndarray:
    """Return p(a key sounds) [2 keys]: after a step in which it did not, and after one it did.

    Counted, with one more of each answer; without `after`, both are the same.
    """
    counts = np.full((2, 2, KEYS), SEEN)  # before, now
    for row in train:
        x, y = (part.numpy() for part in codec.encode(row))
        for before in (0, 1):
            for now in (0, 1):
                counts[before, now] += ((x == before) & (y == now)).sum(0)
    if not after:
        counts[:] = counts.sum(0)
    found: np.ndarray = counts[:, 1] / counts.sum(1)
    return found


def by_chances(codec: RollCodec, chance: np.ndarray, test: Sequence[Roll]) -> dict[str, float]:
    """Return the figures of keys that sound by these chances, each on its own."""
    total, count, said, wanted = 0.0, 0, [], []
    for row in test:
        x, y = (part.numpy() for part in codec.encode(row))
        p = np.where(x > 0, chance[1], chance[0])
        total -= float(np.log(np.where(y > 0, p, 1 - p)).sum())
        count += len(y)
        said.append((p > 0.5).astype(np.float32))
        wanted.append(y)
    nll = total / max(count, 1)
    return {"nll": nll, "accuracy": accuracy(said, wanted), "loss": nll}
