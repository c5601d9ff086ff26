"""The model of recurra's sentiment task, as one writes it in plain PyTorch: packed, and padded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recurra.layers import Bidirectional, to_torch
from recurra.training.recipe import Recipe

KINDS: dict[str, Callable[..., nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


class Classifier(nn.Module):
    """Embedding, bidirectional recurrence, attention over the row's own steps, linear head."""

    def __init__(self, vocabulary: int, classes: int, recipe: Recipe) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, recipe.embedding, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        size = 2 * recipe.hidden
        self.hidden, self.to_score = nn.Linear(size, size), nn.Linear(size, 1, bias=False)
        self.head, self.dropout = nn.Linear(size, classes), nn.Dropout(recipe.dropout)

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return what both directions say at every step; beyond lengths, anything finite."""
        raise NotImplementedError

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits."""
        y = self.read(self.dropout(self.table(x)), lengths)
        scores = self.to_score(torch.tanh(self.hidden(y)))[..., 0]
        scores = scores.masked_fill(torch.arange(y.shape[1]) >= lengths[:, None], -torch.inf)
        logits: Tensor = self.head(self.dropout((scores.softmax(1)[:, None] @ y)[:, 0]))
        return logits

    def copy_from(self, network: Any) -> None:
        """Take over the weights of recurra's network of the same recipe."""
        self.table.load_state_dict(network.embed.table.state_dict())
        self.hidden.load_state_dict(network.pool.hidden.state_dict())
        self.to_score.load_state_dict(network.pool.to_score.state_dict())
        self.head.load_state_dict(network.head[1].state_dict())
        self.copy_layer(network.body.layers[0])

    def copy_layer(self, layer: Bidirectional) -> None:
        """Take over the weights of recurra's layer."""
        raise NotImplementedError


class Packed(Classifier):
    """One bidirectional module on a PackedSequence, which knows where each row ends."""

    def __init__(self, vocabulary: int, classes: int, recipe: Recipe) -> None:
        super().__init__(vocabulary, classes, recipe)
        self.rnn = KINDS[recipe.cell](
            recipe.embedding, recipe.hidden, batch_first=True, bidirectional=True
        )

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Pack, read, unpack."""
        rows = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        y: Tensor = pad_packed_sequence(self.rnn(rows)[0], batch_first=True)[0]
        return y

    def copy_layer(self, layer: Bidirectional) -> None:
        """Take over the weights of recurra's layer."""
        self.rnn.load_state_dict(to_torch(layer).state_dict())


class Padded(Classifier):
    """Two modules over all steps; the second reads each row in reverse within its own length.

    `bidirectional=True` would begin to read backward in the padding, and say at a row's last word
    something else in every batch.
    """

    def __init__(self, vocabulary: int, classes: int, recipe: Recipe) -> None:
        super().__init__(vocabulary, classes, recipe)
        kind = KINDS[recipe.cell]
        self.ahead = kind(recipe.embedding, recipe.hidden)
        self.back = kind(recipe.embedding, recipe.hidden)

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Read with time first, which `torch.nn` is quickest at."""
        batch, time = vectors.shape[:2]
        vectors = vectors.transpose(0, 1).reshape(time * batch, -1)
        steps = torch.arange(time)[:, None]
        turned = torch.where(steps < lengths, lengths - 1 - steps, steps)
        lines = (turned * batch + torch.arange(batch)).flatten()
        shape = time, batch, -1
        ahead = self.ahead(vectors.view(shape))[0]
        back = self.back(vectors.index_select(0, lines).view(shape))[0]
        back = back.flatten(0, 1).index_select(0, lines).view(shape)
        return torch.cat([ahead, back], 2).transpose(0, 1)

    def copy_layer(self, layer: Bidirectional) -> None:
        """Take over the weights of recurra's layer."""
        for module, half in ((self.ahead, layer.forward_layer), (self.back, layer.backward_layer)):
            module.load_state_dict(to_torch(half).state_dict())


class PaddedThrough(Packed):
    """One bidirectional module over all steps: backward it reads the padding first."""

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Read all steps."""
        y: Tensor = self.rnn(vectors)[0]
        return y
