"""Words that come, and the tag of each."""

from __future__ import annotations

import torch
from torch import Tensor

from recurra.codecs.streams.tags import Path, Tagging
from recurra.tasks.codecs.tags import TagCodec
from recurra.tasks.streams.causal import checked
from recurra.topologies import CRF, ManyToManyEqual


class Tags(Tagging):
    """The tag of each word, as soon as it can be known.

    Args:
        network: that reads words one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a sentence or document.
    """

    def __init__(self, network: ManyToManyEqual, codec: TagCodec) -> None:
        super().__init__(codec, path_of(network))
        self.layer, self.embed, self.scores = checked(network.body), network.embed, network.head

    def head(self, y: Tensor) -> Tensor:
        """Return each word's likeliest tag; for a CRF, the scores."""
        scores: Tensor = self.scores(y)
        return scores if self.path else scores.argmax(-1)


@torch.no_grad()
def path_of(network: ManyToManyEqual) -> Path | None:
    """Return the best path of a CRF, which has no step yet; None: the network has no CRF."""
    if not isinstance(network.output, CRF):
        return None
    start, moves, end = (part.cpu().numpy() for part in network.output.constrained())
    return Path(start, moves, end)
