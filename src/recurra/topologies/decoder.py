"""What writes a sequence token by token: shared by one-to-many and many-to-many unequal."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.errors import InputTypeError
from recurra.layers import Attention
from recurra.layers.base import Layer
from recurra.layers.dropout import Dropout
from recurra.layers.linear import Linear
from recurra.topologies.tied import Tied


class DecoderState(NamedTuple):
    """Where a `Decoder` stands. Without attention the memory has no positions.

    Args:
        body: state of the recurrent layers.
        context: what is told at every step.
        fed: the last attentional vector, with input feeding (else of width 0).
        memory: what is attended to.
        keys: the memory as the attention compares it, computed once.
        mask: which positions are real.
        weights: where the last step attended to.
    """

    body: Any
    context: Float[Tensor, "batch context"]
    fed: Float[Tensor, "batch fed"]
    memory: Float[Tensor, "batch positions memory"]
    keys: Float[Tensor, "batch positions keys"]
    mask: Bool[Tensor, "batch positions"]
    weights: Float[Tensor, "batch positions"]


class Decoder(nn.Module):
    """A recurrent language model with a context, and attention if there is a memory to look at.

        h_t = body([E x_t ; v ; h̃_{t−1}])       h̃_{t−1}: with input feeding only
        c_t, α_t = attention(h_t, memory)       h̃_t = tanh(W [h_t ; c_t])
        logits = U h̃_t                          without attention: h̃_t = h_t

    Luong, Pham and Manning 2015, https://arxiv.org/abs/1508.04025, equations 5 and 6 (attentional
    vector), section 3.3 (input feeding). Differs from it: the context v is told at every step
    instead of being the initial state, which works with every cell.

    Tied, U is E (`Tied`), whose entries begin at variance 1/d, d its width, and √d E x_t is read:
    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.4.

    Args:
        vocabulary: tokens that can be read and written.
        embedding: width of E.
        body: causal layers; they take embedding + context_size features, and output_size more
            with input feeding.
        context_size: width of v.
        attention: where to look; its queries are the body's outputs.
        input_feeding: tell each step where the last one looked. Training then goes step by
            step; without it a whole sequence is one call of the body, on any engine.
        tied: write with the embeddings that are read.
        dropout: rate of dropout on embeddings and before the logits.
    Raises:
        ValueError: the parts do not fit each other, or the body does not stream.
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int,
        body: Layer,
        *,
        context_size: int,
        attention: Attention | None = None,
        input_feeding: bool = False,
        tied: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        width = body.output_size
        needed = embedding + context_size + (width if input_feeding else 0)
        if body.input_size != needed:
            raise ValueError(
                f"the decoder's body takes {body.input_size} features; embedding, context"
                f"{' and fed vector' if input_feeding else ''} are {needed}: make them equal"
            )
        if body.delay or not body.streams:
            raise ValueError("the decoder's body looks ahead; what is unwritten cannot be read")
        if attention is not None and attention.query_size != width:
            raise ValueError(
                f"the attention takes queries of {attention.query_size} features; the decoder's "
                f"body gives {width}: make them equal"
            )
        self.context_size, self.input_feeding = context_size, input_feeding
        self.embed = nn.Embedding(vocabulary, embedding)
        self.gain = embedding**0.5 if tied else 1.0
        self.body = body
        self.attention = attention
        if attention is not None:
            self.combine = Linear(width + attention.memory_size, width, bias=False)
        self.dropout = Dropout(dropout)
        self.to_logits: nn.Module = Linear(width, vocabulary)
        if tied:
            nn.init.normal_(self.embed.weight, std=1 / self.gain)
            self.to_logits = Tied(self.embed, width)

    def start(
        self,
        context: Float[Tensor, "batch context"],
        memory: Float[Tensor, "batch positions memory"] | None = None,
        mask: Bool[Tensor, "batch positions"] | None = None,
    ) -> DecoderState:
        """Return the state before the first token.

        Args:
            context: v.
            memory: what to attend to; without attention it is left aside.
            mask: which of its positions are real; None: all.
        Raises:
            ValueError: there is attention but no memory.
        """
        like = self.embed.weight
        inputs.numbers("Decoder", "context", context, ("batch", self.context_size), like)
        batch, nowhere = context.shape[0], context.new_zeros(context.shape[0], 0)
        if self.attention is None:
            memory, keys = context.new_zeros(batch, 0, 1), context.new_zeros(batch, 0, 1)
            mask = nowhere.bool()
        elif memory is None:
            raise ValueError("a decoder with attention needs a memory to attend to")
        else:
            sizes = batch, "positions", self.attention.memory_size
            inputs.numbers("Decoder", "memory", memory, sizes, like)
            if mask is not None:
                inputs.mask("Decoder", mask, tuple(memory.shape[:2]))
            if mask is None:
                mask = memory.new_ones(memory.shape[:2], dtype=torch.bool)
            memory = memory.masked_fill(~mask[..., None], 0)
            keys = self.attention.from_memory(memory)
        fed = context.new_zeros(batch, self.body.output_size) if self.input_feeding else nowhere
        weights = context.new_zeros(mask.shape)
        body = self.body.initial_state(batch)
        return DecoderState(body, context, fed, memory, keys, mask, weights)

    def forward(
        self, x: Int[Tensor, "batch time"], state: DecoderState
    ) -> tuple[Float[Tensor, "batch time vocabulary"], DecoderState]:
        """Return the logits of what follows each token, and the state after the last."""
        x = self._checked(x, state, ("batch", "time"))
        if x.shape[1] == 0:
            return state.context.new_zeros(x.shape[0], 0, self.embed.num_embeddings), state
        if not self.input_feeding:
            return self._stretch(x, state)
        logits = []
        for token in x.unbind(1):
            step, state = self._stretch(token[:, None], state)
            logits.append(step[:, 0])
        return torch.stack(logits, dim=1), state

    def advance(
        self, token: Int[Tensor, "batch"], state: DecoderState
    ) -> tuple[Float[Tensor, "batch vocabulary"], DecoderState]:
        """Take one step."""
        token = self._checked(token, state, ("batch",))
        logits, state = self._stretch(token[:, None], state)
        return logits[:, 0], state

    def _checked(self, x: Tensor, state: DecoderState, sizes: tuple[str, ...]) -> Tensor:
        """Return tokens as they are looked up, of a state of as many rows."""
        inputs.whole("Decoder", "x", x, sizes)
        inputs.within("Decoder", "x", x, self.embed.num_embeddings)
        inputs.fields("Decoder", "the state", state, DecoderState)
        if state.body is None:
            raise InputTypeError("state body is None; begin with the state that `start` returns")
        fed = self.body.output_size if self.input_feeding else 0
        like = self.embed.weight
        context = x.shape[0], self.context_size
        inputs.numbers("Decoder", "state context", state.context, context, like)
        inputs.numbers("Decoder", "state fed", state.fed, (x.shape[0], fed), like)
        return x.long()

    def _stretch(self, x: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Run over tokens that all see the same fed vector: one of them, or all without feeding."""
        told = torch.cat([state.context, state.fed], dim=-1)[:, None].expand(-1, x.shape[1], -1)
        read = self.dropout(self.gain * self.embed(x))
        y, body = self.body(torch.cat([read, told], dim=-1), state.body)
        state = state._replace(body=body)
        if self.attention is not None:
            found, weights = self.attention(y, state.memory, state.mask, keys=state.keys)
            y = torch.tanh(self.combine(torch.cat([y, found], dim=-1)))
            state = state._replace(weights=weights[:, -1])
        if self.input_feeding:
            state = state._replace(fed=y[:, -1])
        logits: Tensor = self.to_logits(self.dropout(y))
        return logits, state
