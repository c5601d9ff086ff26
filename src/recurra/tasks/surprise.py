"""How much a text surprises a model, and models that only count."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recurra.data.passages import Passage
from recurra.data.units import END
from recurra.tasks.codecs.prose import ProseCodec
from recurra.tasks.ngram import MOST, NGrams
from recurra.topologies.language_model import LanguageModel
from recurra.training.recipe import Recipe

STEPS = 2048  # of all rows, that are read at a time: a large vocabulary has many logits
LANE = 2048  # units that a lane has, at least
PIECE = 1 << 20


def figures(nats: float, units: int, letters: int) -> dict[str, float]:
    """Return the figures of a text.

    Args:
        nats: −log p of all of it.
        units: how many were foretold.
        letters: its characters, whatever the units are.
    """
    loss = nats / max(units, 1)
    return {
        "bits_per_character": nats / math.log(2) / max(letters, 1),
        "perplexity": math.exp(min(loss, 50.0)),
        "loss": loss,
    }


def validate(
    network: LanguageModel, codec: ProseCodec, rows: Sequence[Passage], recipe: Recipe
) -> dict[str, float]:
    """Return the figures, from lanes that begin afresh side by side: soon, and nearly exact."""
    stream = codec.kept(rows)
    nats = in_lanes(network, stream, recipe.batch_size)
    return figures(nats, len(stream) - 1, characters(rows))


def evaluate(
    network: LanguageModel, codec: ProseCodec, rows: Sequence[Passage], recipe: Recipe
) -> dict[str, float]:
    """Return bits per character, perplexity per unit, and nats per unit.

    The text is read once from its beginning to its end, the state carried all the way. Between
    two texts stands `<end>`, which is foretold like a unit, and is no character.
    """
    stream = codec.kept(rows)
    nats = sum(float(part.double().sum()) for part in surprise(network, stream))
    return figures(nats, len(stream) - 1, characters(rows))


def baseline(
    codec: ProseCodec, train: Sequence[Passage], test: Sequence[Passage], recipe: Recipe
) -> dict[str, float]:
    """Return the figures of each unit's frequency in training, one added to each count."""
    seen, asked = (_counts(codec.kept(rows)[1:], len(codec.units)) for rows in (train, test))
    nats = -(asked * np.log((seen + 1) / (seen.sum() + len(seen)))).sum()
    return figures(float(nats), int(asked.sum()), characters(test))


def _counts(stream: Tensor, size: int) -> NDArray[np.int64]:
    found = np.zeros(size, np.int64)
    for part in torch.split(stream, PIECE):
        found += np.bincount(part.numpy(), minlength=size)
    return found


def peers(
    codec: ProseCodec, train: Sequence[Passage], test: Sequence[Passage], recipe: Recipe
) -> dict[str, dict[str, float]]:
    """Return the figures of n-grams: of six characters or bytes, four subwords, or three words."""
    order = {"words": 3, "subwords": 4}.get(codec.units.name, 6)
    stream = codec.kept(test)
    model = NGrams(codec.kept(train)[-MOST:].long().numpy(), len(codec.units), order)
    nats = 0.0
    for start in range(1, len(stream), PIECE):
        first = max(start - model.order + 1, 0)  # the histories of the first ones
        part = stream[first : start + PIECE].long().numpy()
        nats += float(model.nats(part)[start - first :].sum())
    return {f"{model.order}-grams": figures(nats, len(stream) - 1, characters(test))}


def surprise(
    network: LanguageModel, stream: Integer[Tensor, "time"]
) -> Iterator[Float[Tensor, "part"]]:
    """Yield −log p in nats of all units but the first, given all before, part by part."""
    yield from (part[0] for part in _read(network, stream[None, :-1], stream[None, 1:]))


def in_lanes(network: LanguageModel, stream: Integer[Tensor, "time"], most: int) -> float:
    """Return the sum of −log p in nats, from up to `most` lanes that each begin afresh.

    A lane has 2,048 units or more, so of a short text there is one, and the sum is exact.
    """
    steps = len(stream) - 1
    lanes = max(min(most, steps // LANE), 1)
    size = -(-steps // lanes)
    beyond = lanes * size - steps  # what the last lane reads there does not count
    x, y = (
        torch.cat([part, part.new_full((beyond,), END)]).view(lanes, size)
        for part in (stream[:-1], stream[1:])
    )
    x[:, 0] = END
    total, at = 0.0, 0
    for part in _read(network, x, y):
        live = max(size - beyond - at, 0)
        total += float(part[:-1].double().sum() + part[-1, :live].double().sum())
        at += part.shape[1]
    return total


def _read(
    network: LanguageModel, x: Integer[Tensor, "rows time"], y: Integer[Tensor, "rows time"]
) -> Iterator[Float[Tensor, "rows part"]]:
    training, state = network.training, None
    network.eval()
    device = next(network.parameters()).device
    size = max(1, STEPS // len(x))
    for read, wanted in zip(torch.split(x, size, 1), torch.split(y, size, 1), strict=True):
        with torch.no_grad():
            logits, state = network.read(read.long().to(device), state)
            nats = functional.cross_entropy(
                logits.transpose(1, 2), wanted.long().to(device), reduction="none"
            )
        yield nats.cpu()
    network.train(training)


def characters(passages: Sequence[Passage]) -> int:
    """Return how many characters there are, line ends included."""
    count = 0
    for passage in passages:
        for start in range(0, len(passage.text), PIECE):
            part = passage.text[start : start + PIECE]
            count += int(((part & 0xC0) != 0x80).sum())
    return count
