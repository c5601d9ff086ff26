"""A text classifier and its training as one writes them in plain PyTorch, with packing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

from recurra.training.optimiser import learning_rate
from recurra.training.recipe import Recipe

Item = tuple[Tensor, Tensor]


class Classifier(nn.Module):
    """The model of recurra's sentiment task: embedding, recurrence, attention, linear head."""

    def __init__(self, vocabulary: int, classes: int, recipe: Recipe) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, recipe.embedding, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        kind = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}[recipe.cell]
        both = recipe.bidirectional
        self.rnn = kind(recipe.embedding, recipe.hidden, batch_first=True, bidirectional=both)
        size = recipe.hidden * (1 + both)
        self.hidden, self.to_score = nn.Linear(size, size), nn.Linear(size, 1, bias=False)
        self.head, self.dropout = nn.Linear(size, classes), nn.Dropout(recipe.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits."""
        vectors = self.dropout(self.table(x))
        rows = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.rnn(rows)[0], batch_first=True)
        scores = self.to_score(torch.tanh(self.hidden(y)))[..., 0]
        scores = scores.masked_fill(torch.arange(y.shape[1]) >= lengths[:, None], -torch.inf)
        logits: Tensor = self.head(self.dropout((scores.softmax(1)[:, None] @ y)[:, 0]))
        return logits


def collate(items: Sequence[Item]) -> tuple[Tensor, Tensor, Tensor]:
    """Return padded ids, lengths, labels."""
    texts, labels = zip(*items, strict=True)
    lengths = torch.tensor([len(text) for text in texts])
    return pad_sequence(list(texts), batch_first=True), lengths, torch.stack(labels)


def accuracy(model: nn.Module, items: Sequence[Item]) -> float:
    """Return the share of rows labelled rightly."""
    model.eval()
    right = 0
    with torch.inference_mode():
        for x, lengths, labels in DataLoader(items, 256, collate_fn=collate):  # type: ignore[arg-type]  # a list is a Dataset too
            right += int((model(x, lengths).argmax(-1) == labels).sum())
    return right / len(items)


def train(
    recipe: Recipe, codec: Any, train_items: list[Item], valid: list[Item], test: list[Item]
) -> float:
    """Train by recurra's recipe (AdamW, fused, cosine, clipping), and return the test accuracy."""
    model = Classifier(len(codec.vocabulary), len(codec.labels), recipe)
    optimiser = torch.optim.AdamW(
        model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    loader: Any = DataLoader(train_items, recipe.batch_size, shuffle=True, collate_fn=collate)  # type: ignore[arg-type]  # as above
    steps = recipe.epochs * len(loader)
    best, kept, step = -1.0, model.state_dict(), 0
    for _ in range(recipe.epochs):
        model.train()
        for x, lengths, labels in loader:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(recipe, (step + 0.5) / steps)
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(x, lengths), labels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            step += 1
        found = accuracy(model, valid)
        if found > best:
            best, kept = found, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return accuracy(model, test)
