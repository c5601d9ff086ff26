"""The best output of a trained generator, for as many examples as there are."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor

from recurra.decoding import Hypothesis, beam, greedy, sample
from recurra.tasks.evaluation import collect
from recurra.tasks.task import Codec
from recurra.topologies import Writer
from recurra.training.options import Searched


class Bounds(TypedDict):
    """What all ways to decode are given."""

    start: int
    end: int
    max_steps: int
    no_repeat: int


def decode(
    network: Writer,
    codec: Codec,
    rows: Sequence[Any],
    recipe: Searched,
    context: Callable[[Any], tuple[Tensor, ...]],
    *,
    start: int,
    end: int,
    max_steps: int,
) -> list[Hypothesis]:
    """Return one hypothesis per example: the best, or with a beam of 0 a sample.

    Args:
        network: a topology with `start` and `advance`.
        codec: encodes the examples.
        rows: the examples.
        recipe: its `beam` decides, and its `no_repeat` what may not be written again; a beam takes
            its length_penalty, a sample its seed, temperature, top_k and top_p.
        context: a batch → what `start` takes.
        start: token that begins an output.
        end: token that ends it.
        max_steps: tokens that are written, at most.
    """
    device = next(network.parameters()).device
    randomness = torch.Generator(device).manual_seed(recipe.seed)
    common = Bounds(start=start, end=end, max_steps=max_steps, no_repeat=recipe.no_repeat)

    def run(batch: Any) -> list[Hypothesis]:
        if recipe.beam == 0:
            return sample(
                network,
                context(batch),
                temperature=recipe.temperature,
                top_k=recipe.top_k,
                top_p=recipe.top_p,
                generator_seed=randomness,
                **common,
            )
        if recipe.beam == 1:
            return greedy(network, context(batch), **common)
        ranked = beam(
            network,
            context(batch),
            width=recipe.beam,
            length_penalty=recipe.length_penalty,
            **common,
        )
        return [best[0] for best in ranked]

    return collect(network, codec, rows, run)
