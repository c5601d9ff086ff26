"""A vector or an image in, a sequence out."""

from jaxtyping import Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.layers import Mean, within
from recurra.topologies.base import Writer
from recurra.topologies.decoder import Decoder, DecoderState


class OneToMany(Writer):
    """Write a sequence from a context of fixed size.

    An encoder that returns a grid of positions is attended to; its mean is what every step is
    told. Vinyals et al. 2015, https://arxiv.org/abs/1411.4555 (vector); Xu et al. 2015,
    https://arxiv.org/abs/1502.03044, section 3 (grid with attention).

    Args:
        encoder: context → vector [batch context_size] or grid [batch positions context_size].
        decoder: what writes; its attention's memory is the grid.
    """

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        super().__init__(decoder)
        self.encoder = encoder
        self.mean = Mean()

    def start(
        self,
        context: Shaped[Tensor, "batch *context"],
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> DecoderState:
        """Return the state before the first token.

        Args:
            context: what the encoder takes.
            context_lengths: real positions of each row's grid; None: all.
        Raises:
            ValueError: the encoder returned neither a vector nor a grid per row.
        """
        inputs.tensor("OneToMany", "context", context)
        inputs.taken("OneToMany", "context", self.encoder, context)
        encoded: Tensor = self.encoder(context)
        grid = encoded[:, None] if encoded.dim() == 2 else encoded
        if grid.dim() != 3 or grid.shape[2] != self.decoder.context_size:
            raise ValueError(
                f"the encoder returned {list(encoded.shape)}; it must be [batch "
                f"{self.decoder.context_size}] or [batch positions {self.decoder.context_size}]"
            )
        mask = None
        if context_lengths is not None:
            mask = within(context_lengths.to(grid.device), grid.shape[1])
        return self.decoder.start(self.mean(grid, context_lengths), grid, mask)
