"""What one writes first with PyTorch alone, for six applications: its modules as they are made.

`nn.LSTM` is taken over with its own weights (`from_torch`, which computes the same), so that both
networks are asked by the same topologies, on the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recurra.data.batch import Single
from recurra.data.rolls import KEYS
from recurra.layers import Last, Layer
from recurra.layers.conversion import from_torch
from recurra.topologies import (
    Bernoulli,
    Decoder,
    ManyToManyEqual,
    ManyToManyUnequal,
    ManyToOne,
    Softmax,
)
from recurra.topologies.loss import Loss, cross_entropy

EMBEDDING, HIDDEN = 64, 128
RATE, ROWS = 1e-3, 32  # Adam's own, and a usual batch


def lstm(size: int) -> Layer:
    """Return `nn.LSTM` as it is made."""
    return from_torch(nn.LSTM(size, HIDDEN, batch_first=True))


class Pixels(nn.Module):
    """The rows of a picture as steps, and the class from the last output."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.layer, self.head = lstm(width), nn.Linear(HIDDEN, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.head(self.layer(x.flatten(2))[0][:, -1])
        return logits

    def loss(self, batch: Single, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over rows."""
        return cross_entropy(self(batch.x), batch.y, smoothing=smoothing)


class Words(nn.Embedding):
    """Vectors of words alone: of a word's columns the first is read."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the vectors."""
        return super().forward(x[..., 0])


def image_classification(codec: Any) -> nn.Module:
    """Return the network of the usual example for digits."""
    _, width, channels = codec.shape
    return Pixels(width * channels, len(codec.labels))


def sentiment(codec: Any) -> nn.Module:
    """Return embedding, LSTM, and the class from the last output."""
    embed = nn.Embedding(len(codec.vocabulary), EMBEDDING)
    return ManyToOne(embed, lstm(EMBEDDING), Last(), nn.Linear(HIDDEN, len(codec.labels)))


def signal_classification(codec: Any) -> nn.Module:
    """Return an LSTM over the channels, and the class from the last output."""
    head = nn.Linear(HIDDEN, len(codec.labels))
    return ManyToOne(nn.Identity(), lstm(codec.features), Last(), head)


def ner(codec: Any) -> nn.Module:
    """Return embedding, LSTM, and a tag from each output."""
    embed = Words(len(codec.words), EMBEDDING)
    return ManyToManyEqual(embed, lstm(EMBEDDING), nn.Linear(HIDDEN, len(codec.tags)), Softmax())


def translation(codec: Any) -> nn.Module:
    """Return an encoder whose last output a decoder is told."""
    embed = nn.Embedding(codec.source.get_vocab_size(), EMBEDDING)
    words = codec.target.get_vocab_size()
    decoder = Decoder(words, EMBEDDING, lstm(EMBEDDING + HIDDEN), context_size=HIDDEN)
    return ManyToManyUnequal(embed, lstm(EMBEDDING), decoder)


def polyphonic_music(codec: Any) -> nn.Module:
    """Return an LSTM over the keys, and each key's chance from each output."""
    return ManyToManyEqual(nn.Identity(), lstm(KEYS), nn.Linear(HIDDEN, KEYS), Bernoulli(KEYS))


NETWORKS: Mapping[str, Callable[[Any], nn.Module]] = {
    build.__name__: build
    for build in (
        image_classification,
        sentiment,
        signal_classification,
        ner,
        translation,
        polyphonic_music,
    )
}


def train(network: nn.Module, items: Any, codec: Any, go_on: Callable[[], bool]) -> float:
    """Train as a first script does, while one may: Adam at its own rate, without clipping.

    Returns:
        The passes over the items.
    """
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    done = 0
    while True:
        for rows in torch.randperm(len(items)).split(ROWS):  # type: ignore[no-untyped-call]  # torch's
            if done and not go_on():
                return done / len(items)
            # every topology has `loss`; nn.Module does not say so
            loss = network.loss(codec.collate([items[i] for i in rows.tolist()]))  # type: ignore[operator]
            mean = loss.total / loss.count
            optimiser.zero_grad()
            mean.backward()
            optimiser.step()
            done += len(rows)
            if not math.isfinite(mean.item()):
                return done / len(items)
