"""A sequence in, another sequence out: encoder and decoder."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.layers import Last, Mean, aligned, within, zero_beyond
from recurra.layers.base import Layer
from recurra.topologies.base import Writer
from recurra.topologies.decoder import Decoder, DecoderState


class Bridge(nn.Module):
    """What the decoder is told of the whole source.

        v = tanh(W [mean_t y_t ; y_T] + b)

    Args:
        size: features of the encoder's outputs.
        context_size: length of v.
    """

    def __init__(self, size: int, context_size: int) -> None:
        super().__init__()
        self.mean, self.last = Mean(), Last()
        self.summarise = nn.Linear(2 * size, context_size)

    def forward(
        self, y: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch context"]:
        """Return v; of a source without steps it is tanh(b)."""
        both = torch.cat([self.mean(y, lengths), self.last(y, lengths)], dim=-1)
        return torch.tanh(self.summarise(both))


class ManyToManyUnequal(Writer):
    """Write one sequence from another (encoder–decoder, with attention if the decoder has it).

        y = encoder(embed(source))    v = bridge(y)    decoder(v, memory = y)

    Sutskever, Vinyals and Le 2014, https://arxiv.org/abs/1409.3215; Bahdanau, Cho and Bengio
    2015, https://arxiv.org/abs/1409.0473. Differs from them: the summary v is told at every step
    instead of being the decoder's initial state, so the two may have different cells.

    Args:
        embed: source → [batch time input] of the encoder, step by step.
        encoder: the recurrent layers that read; they may read backward too.
        decoder: what writes; its attention's memory is the encoder's outputs.
    """

    def __init__(self, embed: nn.Module, encoder: Layer, decoder: Decoder) -> None:
        super().__init__(decoder)
        self.embed, self.encoder = embed, encoder
        self.bridge = Bridge(encoder.output_size, decoder.context_size)

    def start(
        self,
        context: Shaped[Tensor, "batch positions *input"],
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> DecoderState:
        """Read the source; return the state before the first token."""
        inputs.ragged("ManyToManyUnequal", context, context_lengths)
        x = zero_beyond(context, context_lengths)
        inputs.taken("ManyToManyUnequal", "context", self.embed, x)
        y = aligned(self.encoder, self.embed(x), context_lengths)
        mask = None
        if context_lengths is not None:
            mask = within(context_lengths.to(y.device), y.shape[1])
        return self.decoder.start(self.bridge(y, context_lengths), y, mask)
