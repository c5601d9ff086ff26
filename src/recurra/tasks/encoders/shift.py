"""Pictures that training moves a little: what they show does not depend on where it stands."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Shift(nn.Module):
    """Each picture of a batch moved up or down and left or right, in training only.

    What is moved out is lost, and what comes in is 0. Simard et al. 2003,
    https://doi.org/10.1109/ICDAR.2003.1227801, section 2.

    Args:
        share: of a side that a picture is moved by at most, in whole pixels.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch height width channels"]:
        """Return the pictures, moved."""
        if not self.training:
            return x
        for axis in (1, 2):
            most = int(self.share * x.shape[axis])
            if most:
                x = self._moved(x, axis, most)
        return x

    @staticmethod
    def _moved(x: Tensor, axis: int, most: int) -> Tensor:
        size = x.shape[axis]
        by = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        source = torch.arange(size, device=x.device) - by  # [batch size]
        shape = [len(x), 1, 1, 1]
        shape[axis] = size
        inside = ((source >= 0) & (source < size)).view(shape)
        index = source.clamp(0, size - 1).view(shape).expand_as(x)
        return x.gather(axis, index) * inside
