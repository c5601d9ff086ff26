"""What a user hands in, checked before anything is computed from it and any memory is touched.

One place for every entry (`unroll`, layers, pools, attention, topologies, streams), and cheap: a
value that fits costs a few microseconds. A graph that is being traced is not looked into where it
would be frozen by that.
"""

from recurra.inputs.memory import (
    impure,
    jit_traced,
    readable,
    transformed,
)
from recurra.inputs.states import (
    parts,
    state,
    structure,
)
from recurra.inputs.values import (
    Count,
    count,
    fields,
    lengths,
    mask,
    numbers,
    ragged,
    sequence,
    share,
    short,
    taken,
    tensor,
    weight,
    whole,
    within,
)

__all__ = [
    "Count",
    "count",
    "fields",
    "impure",
    "jit_traced",
    "lengths",
    "mask",
    "numbers",
    "parts",
    "ragged",
    "readable",
    "sequence",
    "share",
    "short",
    "state",
    "structure",
    "taken",
    "tensor",
    "transformed",
    "weight",
    "whole",
    "within",
]
