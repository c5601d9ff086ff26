"""The average of a network's weights over the steps of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from recurra import bundle


class Average:
    """An exponential moving average of all that a network keeps: weights and running statistics.

        a_0 = w_0,    a_n = d_n a_{n−1} + (1 − d_n) w_n,    d_n = min(d, (1 + n) / (10 + n))

    Polyak and Juditsky 1992, https://doi.org/10.1137/0330046, averages over all steps; the moving
    one forgets the first. The share d_n rises, so that a short run forgets them as well.

    Args:
        network: whose weights the optimiser moves; in validation they are the average's.
        decay: d, at least 0 and below 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.kept = {name: own.detach().clone() for name, own in network.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights that step n has led to."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        alike: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
        for name, own in self.network.state_dict().items():
            kept, new = alike.setdefault(own.dtype, ([], []))
            kept.append(self.kept[name])
            new.append(own)
        for kind, (kept, new) in alike.items():
            if kind.is_floating_point or kind.is_complex:
                torch._foreach_lerp_(kept, new, share)
            else:  # counts are not averaged
                torch._foreach_copy_(kept, new)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Have the network hold the average, and afterwards its own weights again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, own in self.network.state_dict().items():
            kept = self.kept[name]
            self.kept[name] = own.clone()
            own.copy_(kept)

    def load(self, kept: Mapping[str, Tensor], source: Path) -> None:
        """Go on from an average that was saved.

        Raises:
            BundleError: it is another network's.
        """
        bundle.compare(self.network, kept, source)
        self.kept = {name: kept[name].to(own.device, copy=True) for name, own in self.kept.items()}
