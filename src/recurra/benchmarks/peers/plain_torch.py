"""A whole training run as a good engineer writes it in plain PyTorch, without recurra's loop."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from recurra.benchmarks.peers.classifier import Classifier, Packed, Padded, PaddedThrough
from recurra.training.optimiser import learning_rate
from recurra.training.recipe import Recipe

Item = tuple[Tensor, Tensor]

TOGETHER = 50  # batches among which rows are sorted by length
EVALUATED = 64  # rows of a batch without gradients


class Loop(NamedTuple):
    """One way to write it.

    Args:
        name: as in the results.
        model: packed or padded.
    """

    name: str
    model: type[Classifier]


LOOPS = (
    Loop("plain PyTorch, packed, bucketed", Packed),
    Loop("plain PyTorch, padded, bucketed", Padded),
    Loop("plain PyTorch, padded, bucketed, bidirectional=True", PaddedThrough),
)


def collate(items: Sequence[Item]) -> tuple[Tensor, Tensor, Tensor]:
    """Return padded ids, lengths, labels."""
    texts, labels = zip(*items, strict=True)
    lengths = torch.tensor([len(text) for text in texts])
    return pad_sequence(list(texts), batch_first=True), lengths, torch.stack(labels)


def buckets(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Return an epoch's batches of row numbers, each row once.

    Rows of a batch are near in length: sorted within parts of the shuffled epoch.
    """
    rows = torch.randperm(len(lengths)).tolist()
    parts = [rows[i : i + TOGETHER * size] for i in range(0, len(rows), TOGETHER * size)]
    rows = [row for part in parts for row in sorted(part, key=lengths.__getitem__)]
    batches = [rows[i : i + size] for i in range(0, len(rows), size)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def accuracy(model: nn.Module, items: Sequence[Item]) -> float:
    """Return the share of rows labelled rightly; neighbours in length share a batch."""
    model.eval()
    items = sorted(items, key=lambda item: len(item[0]))
    right = 0
    with torch.inference_mode():
        for start in range(0, len(items), EVALUATED):
            x, lengths, labels = collate(items[start : start + EVALUATED])
            right += int((model(x, lengths).argmax(-1) == labels).sum())
    return right / len(items)


def train(
    loop: Loop,
    recipe: Recipe,
    sizes: tuple[int, int],
    rows: Sequence[Item],
    valid: Sequence[Item],
    test: Sequence[Item],
) -> float:
    """Train by recurra's recipe (AdamW, fused, cosine, clipping), and return the test accuracy.

    Args:
        loop: which way.
        recipe: rates, sizes, epochs.
        sizes: words of the vocabulary, classes.
        rows: to train on.
        valid: choose the best epoch.
        test: tell the accuracy.
    """
    model = loop.model(*sizes, recipe)
    optimiser = torch.optim.AdamW(
        model.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    lengths = [len(row[0]) for row in rows]
    best, kept, step = -1.0, model.state_dict(), 0
    for _ in range(recipe.epochs):
        model.train()
        batches = buckets(lengths, recipe.batch_size)
        for x, sizes_of_rows, labels in _collated(rows, batches):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(recipe, (step + 0.5) / (recipe.epochs * len(batches)))
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(x, sizes_of_rows), labels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            step += 1
        found = accuracy(model, valid)
        if found > best:
            best, kept = found, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return accuracy(model, test)


def _collated(
    rows: Sequence[Item], batches: Sequence[Sequence[int]]
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield batches; all is in memory, and a DataLoader would only cost time."""
    for batch in batches:
        yield collate([rows[i] for i in batch])
