"""Keys foretold step by step, of pieces that are read in other keys while they are learned."""

import torch
from torch import Tensor, nn

from recurra.data.batch import Aligned, Continued
from recurra.data.rolls import KEYS
from recurra.topologies import ManyToManyEqual
from recurra.topologies.loss import Loss
from recurra.topologies.sets import Sets


class NextFrame(ManyToManyEqual):
    """A `ManyToManyEqual` that reads each piece of a batch in another key, while it is trained.

    Args:
        embed: keys of a step → input of the body.
        body: the recurrent layers.
        head: their outputs → scores.
        output: which keys sound.
        transpose: half tones, up or down, at most; what would leave the keyboard is not moved.
    """

    def __init__(
        self,
        embed: nn.Module,
        body: nn.Module,
        head: nn.Module,
        output: Sets,
        transpose: int,
    ) -> None:
        super().__init__(embed, body, head, output)  # type: ignore[arg-type]  # a Layer, as body() says
        self.transpose = transpose

    def loss(self, batch: Aligned | Continued, smoothing: float = 0.0) -> Loss:
        """Return the output's loss; it counts live steps."""
        if self.training and self.transpose and isinstance(batch, Aligned):
            batch = batch._replace(**dict(zip("xy", self._moved(batch.x, batch.y), strict=True)))
        return super().loss(batch, smoothing)

    def _moved(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, each row moved by as many keys as still fit."""
        held = torch.maximum(x, y).amax(1) > 0  # [batch keys]
        keys = torch.arange(KEYS, device=x.device)
        lowest = torch.where(held, keys, KEYS).amin(1)
        highest = torch.where(held, keys, -1).amax(1)
        by = torch.randint(-self.transpose, self.transpose + 1, (len(x),), device=x.device)
        by = torch.where((lowest + by >= 0) & (highest + by < KEYS), by, 0)
        place = ((keys - by[:, None]) % KEYS)[:, None].expand_as(x)
        return x.gather(2, place), y.gather(2, place)
