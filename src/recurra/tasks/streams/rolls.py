"""Music that is played: which keys are likely to sound next."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.data.rolls import HIGHEST, KEYS, LOWEST
from recurra.errors import RecurraError
from recurra.tasks.streams.causal import checked
from recurra.tasks.streams.classes import rounded
from recurra.tasks.streams.streamed import Memory
from recurra.topologies import NADE, ManyToManyEqual

Frames = NDArray[np.float32]
LEAST = 0.05  # probability from which a key is told


class Rolls:
    """The keys that are likely at the next step, the likeliest first.

    Where keys depend on those below them (NADE), the probability of one is that beside the
    likeliest of these.

    Args:
        network: that foretells keys.
    """

    unit: str = "step"
    says: str = "notes"
    seconds: float | None = None

    def __init__(self, network: ManyToManyEqual) -> None:
        self.layer, self.embed = checked(network.body), network.embed
        self.scores, self.output = network.head, network.output

    def begin(self) -> Memory:
        """Return the memory of a piece's beginning."""
        return {"step": 0}

    def read(self, memory: Memory, given: Any) -> Frames:
        """Return the keys of one step, of its MIDI numbers."""
        if not isinstance(given, list) or len(given) > KEYS:
            raise RecurraError(
                f"a frame is a {type(given).__name__}; give a list of the notes that sound, "
                f"MIDI numbers, at most {KEYS}"
            )
        if wrong := [one for one in given if type(one) is not int or not LOWEST <= one <= HIGHEST]:
            raise RecurraError(
                f"a frame holds {repr(wrong[0])[:40]}; give MIDI numbers from {LOWEST} to {HIGHEST}"
            )
        keys = np.zeros((1, KEYS), np.float32)
        keys[0, np.array(given, np.int64) - LOWEST] = 1
        return keys

    def rest(self, memory: Memory) -> Frames:
        """Return nothing: no step waits."""
        return np.zeros((0, KEYS), np.float32)

    def head(self, y: Tensor) -> Tensor:
        """Return the probability of each key at the next step, to six digits."""
        scores: Tensor = self.scores(y)
        if not isinstance(self.output, NADE):
            return rounded(scores.sigmoid())
        found = beside_the_likeliest(self.output, scores.flatten(0, -2))
        return rounded(found.view(*scores.shape[:-1], KEYS))

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step and likely keys of each."""
        answers = []
        for step, p in enumerate(scores, memory["step"] + 1):
            keys = np.flatnonzero(p >= LEAST)
            ranked = keys[np.argsort(-p[keys], kind="stable")]
            likely = [
                [key + LOWEST, q]
                for key, q in zip(ranked.tolist(), p[ranked].tolist(), strict=True)
            ]
            answers.append({"step": step, "likely": likely})
        memory["step"] += len(answers)
        return answers


def beside_the_likeliest(output: NADE, scores: Tensor) -> Tensor:
    """Return p(y_i = 1 | ŷ_<i) of each thing [steps count], where ŷ are the likeliest.

    From one thing that holds to the next, all are told at once: as many rounds as hold, and one.
    """
    bias, total = scores[:, : output.count], scores[:, output.count :]
    table = torch.cat([output.read, output.read.new_zeros(1, output.hidden)])
    places = torch.arange(output.count, device=scores.device)
    begin, found = places.new_zeros(len(scores)), bias
    while bool((begin < output.count).any()):
        p = torch.sigmoid(torch.sigmoid(total) @ output.write.T + bias)
        open_ = places >= begin[:, None]
        found = torch.where(open_, p, found)
        held = open_ & (p > 0.5)
        first = torch.where(held.any(-1), held.int().argmax(-1), output.count)
        total, begin = total + table[first], first + 1
    return found
