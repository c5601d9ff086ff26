"""The shapes of a batch, one per family of topologies. Padded: batch first, then time."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


class Single(NamedTuple):
    """One input, one output: OneToOne."""

    x: Shaped[Tensor, "batch *input"]
    y: Int[Tensor, "batch"]


class Labelled(NamedTuple):
    """A sequence with one label: ManyToOne."""

    x: Shaped[Tensor, "batch time *input"]
    lengths: Int[Tensor, "batch"]
    y: Int[Tensor, "batch"]


class Aligned(NamedTuple):
    """A sequence with one label per step, or a number of each channel: ManyToManyEqual."""

    x: Shaped[Tensor, "batch time *input"]
    lengths: Int[Tensor, "batch"]
    y: Shaped[Tensor, "batch time *output"]


class Continued(NamedTuple):
    """Stretches of long sequences, each of which goes on where the row's last one stopped.

    fresh: the row begins a new sequence, and its state is the initial one.
    """

    x: Shaped[Tensor, "batch time *input"]
    lengths: Int[Tensor, "batch"]
    y: Shaped[Tensor, "batch time *output"]
    fresh: Bool[Tensor, "batch"]


class Foretold(NamedTuple):
    """A stretch of numbers and the one that follows: Forecaster. NaN where one is missing.

    known: covariates of both stretches, for they are known ahead.
    """

    past: Float[Tensor, "batch past channels"]
    known: Float[Tensor, "batch time covariates"]
    future: Float[Tensor, "batch future channels"]


class Paired(NamedTuple):
    """A context and a sequence written from it: OneToMany, ManyToManyUnequal.

    x is the target shifted right (it begins with the start token), y the target itself (it ends
    with the end token); both have `lengths` steps. The context is a sequence with lengths of its
    own (translation), or an image or attributes without (`context_lengths` is None).
    """

    context: Shaped[Tensor, "batch *context"]
    x: Int[Tensor, "batch time"]
    y: Int[Tensor, "batch time"]
    lengths: Int[Tensor, "batch"]
    context_lengths: Int[Tensor, "batch"] | None = None


class Transcribed(NamedTuple):
    """A sequence and what was said in it, step by step unknown: CTC. No y is 0, the blank."""

    x: Float[Tensor, "batch time input"]
    lengths: Int[Tensor, "batch"]
    y: Int[Tensor, "batch symbols"]
    y_lengths: Int[Tensor, "batch"]
