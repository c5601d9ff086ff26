"""What a network is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recurra.training.recipe import Recipe
from recurra.training.values import AMOUNT, COUNT, DEPTH, NAME, SHARE, SIZE, STEPS, option


@dataclass(frozen=True, kw_only=True)
class Layers(Recipe):
    """Recurrent layers."""

    engine: str | None = option(
        "model", None, "engine by name; none: the fastest that takes the cell", NAME
    )
    layers: int = option("model", 1, "recurrent layers, one on another", DEPTH)
    residual: bool = option("model", False, "pre-norm residual layers")
    variational: bool = option(
        "regularisation", False, "one dropout mask per sequence, not per step"
    )
    weight_drop: float = option("regularisation", 0.0, "dropout on recurrent weights", SHARE)
    clip_state: float = option(
        "optimisation",
        0.0,
        "largest norm of the gradient that flows back into a state, every 16 steps; 0: no clipping",
        AMOUNT,
    )
    checkpoint_every: int = option(
        "run",
        0,
        "steps between states kept for the gradient, the rest computed again; 0: all, -1: √steps",
        STEPS,
    )


@dataclass(frozen=True, kw_only=True)
class Body(Layers):
    """Recurrent layers over a sequence as long as it comes."""

    max_length: int = option("data", 512, "longest sequence, in steps; longer ones are cut", SIZE)


@dataclass(frozen=True, kw_only=True)
class TwoWay(Body):
    """The layers may see what comes later."""

    bidirectional: bool = option("model", False, "read backward too (where the type allows it)")
    lookahead: int = option(
        "model", 0, "steps of right context a one-directional model may see", COUNT
    )


@dataclass(frozen=True, kw_only=True)
class Pooled(TwoWay):
    """A sequence is made one vector."""

    pool: Literal["last", "mean", "max", "attention"] = option(
        "model", "attention", "many-to-one pooling"
    )


@dataclass(frozen=True, kw_only=True)
class Attended(Recipe):
    """A decoder looks back at an encoder's outputs."""

    attention: Literal["additive", "multiplicative"] = option(
        "model", "additive", "decoder's attention"
    )
    input_feeding: bool = option(
        "model", False, "feed the attention's last context to the decoder's step"
    )
    tied: bool = option("model", False, "the output's weights are the embeddings'")
