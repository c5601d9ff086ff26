"""A series that is watched: how unusual each step is, and since when there is an alarm."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.codecs.streams.alarms import Alarming, Numbers
from recurra.tasks.codecs.watch import WatchCodec
from recurra.tasks.watch import Watchman


class Alarms(Alarming):
    """Score and alarm of each step, as a `Watch` tells them.

    Args:
        network: that foretells.
        codec: its own.
        recipe: how it smooths and rests.
    """

    def __init__(self, network: Watchman, codec: WatchCodec, recipe: Any) -> None:
        size, limit = network.output.distribution.size, network.limit(recipe.threshold)
        super().__init__(codec, recipe, limit, size, self._losses)
        self.layer, self.embed, self.network = network.body, network.embed, network

    def head(self, y: Tensor) -> Tensor:
        """Return what is said of each channel's next move."""
        raw = self.network.output.raw(self.network.head(y))
        told = self.network.output.distribution
        return told.middle(raw) if self.kind == "error" else raw

    def _losses(self, said: Numbers, moved: Numbers) -> NDArray[Any]:
        raw = torch.tensor(said)  # a copy: an array that was stored may be read only
        found = self.network.errors(raw, torch.from_numpy(moved), "likelihood")
        losses: NDArray[Any] = found.detach().double().numpy()
        return losses
