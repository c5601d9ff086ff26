"""Batches for evaluation, and the two losses that every task reports."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recurra.data.readers.source import place
from recurra.errors import DataError
from recurra.tasks.task import Codec
from recurra.topologies.loss import Loss, cross_entropy
from recurra.training.batches import placed


def batches(
    network: nn.Module, codec: Codec, examples: Sequence[Any], size: int
) -> Iterator[tuple[list[int], Any]]:
    """Yield (positions, batch) over all examples, neighbours in length together."""
    items = [codec.encode(example) for example in examples]
    order = sorted(range(len(items)), key=lambda i: len(items[i][0]))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, placed(codec.collate([items[i] for i in rows]), network)


@torch.inference_mode()
def mean_loss(
    network: nn.Module, codec: Codec, examples: Sequence[Any], size: int = 64
) -> dict[str, float]:
    """Return {"loss": mean negative log likelihood per row or token, in nats}."""
    training = network.training
    network.eval()
    total, count = 0.0, 0.0
    for _, batch in batches(network, codec, examples, size):
        # every topology has `loss`; nn.Module does not say so
        loss = network.loss(batch)  # type: ignore[operator]
        total, count = total + float(loss.total), count + float(loss.count)
    network.train(training)
    return {"loss": total / max(count, 1.0)}


@torch.inference_mode()
def classified(
    network: nn.Module, codec: Codec, examples: Sequence[Any], logits: Any, size: int = 64
) -> tuple[list[list[float]], dict[str, float]]:
    """Return every example's probabilities, and {"loss": …}, from one pass over them.

    Args:
        network: a classifier.
        codec: its codec, whose batches have the classes as `y`.
        examples: with labels that the codec knows.
        logits: batch → the network's scores of its rows.
        size: rows of a batch.
    """
    losses: list[Loss] = []

    def run(batch: Any) -> list[list[float]]:
        scores = logits(batch)
        losses.append(cross_entropy(scores, batch.y))
        found: list[list[float]] = scores.softmax(-1).tolist()
        return found

    found = collect(network, codec, examples, run, size)
    total, count = (
        sum(float(loss.total) for loss in losses),
        sum(int(loss.count) for loss in losses),
    )
    return found, {"loss": total / max(count, 1)}


def evaluate_labels(
    network: nn.Module, codec: Any, rows: Sequence[Any], recipe: Any
) -> dict[str, float]:
    """Return accuracy and loss of a network that labels sequences.

    Raises:
        DataError: a row's label was not trained on.
    """
    known(codec.labels, rows)
    found, loss = classified(network, codec, rows, lambda batch: network(batch.x, batch.lengths))
    return {"accuracy": label_accuracy(codec.labels, rows, found), **loss}


@torch.inference_mode()
def collect(
    network: nn.Module, codec: Codec, examples: Sequence[Any], run: Any, size: int = 64
) -> list[Any]:
    """Return `run(batch)`'s rows, in the order of the examples."""
    training = network.training
    network.eval()
    results: list[Any] = [None] * len(examples)
    for rows, batch in batches(network, codec, examples, size):
        for row, result in zip(rows, run(batch), strict=True):
            results[row] = result
    network.train(training)
    return results


def known(labels: Sequence[str], rows: Sequence[Any]) -> None:
    """Refuse rows whose label the model was not trained on.

    Raises:
        DataError: with the first such row.
    """
    for row in rows:
        if row.label not in labels:
            path, number = place(row)
            listed = ", ".join(labels[:20])
            raise DataError(path, f"label {row.label!r} is unknown to this model: {listed}", number)


def prior_loss(train: Iterable[Hashable], test: Sequence[Hashable]) -> float:
    """Return the mean negative log likelihood of `test` under `train`'s frequencies, in nats.

    Add-one smoothed over the symbols of both: the loss of a model that ignores its input.
    """
    counts = Counter(train)
    symbols = len(set(counts) | set(test))
    total = sum(counts.values()) + symbols
    return -sum(math.log((counts[y] + 1) / total) for y in test) / max(len(test), 1)


def unigram_loss(codec: Codec, train: Sequence[Any], test: Sequence[Any]) -> float:
    """Return the loss per token of a writer that knows token frequencies alone, in nats.

    Codecs of written sequences encode the target as their second tensor.
    """
    seen, asked = (
        [token for row in rows for token in codec.encode(row)[1].tolist()] for rows in (train, test)
    )
    return prior_loss(seen, asked)


def majority(train: Iterable[Hashable], test: Sequence[Hashable]) -> float:
    """Return the accuracy of always answering `train`'s most frequent label."""
    label = Counter(train).most_common(1)[0][0]
    return sum(y == label for y in test) / max(len(test), 1)


def pad(rows: Sequence[Tensor], value: int = 0) -> Tensor:
    """Return rows of different lengths as one tensor, batch first."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=value)


def lengths(rows: Sequence[Tensor]) -> Tensor:
    """Return the rows' lengths."""
    return torch.tensor([len(row) for row in rows])


def label_accuracy(
    labels: Sequence[str], rows: Sequence[Any], probabilities: Sequence[Sequence[float]]
) -> float:
    """Return the share of rows whose likeliest label is their own."""
    answers = [max(zip(p, labels, strict=True))[1] for p in probabilities]
    right: int = sum(answer == row.label for answer, row in zip(answers, rows, strict=True))
    return right / max(len(rows), 1)


def label_baseline(
    codec: Any, train: Sequence[Any], test: Sequence[Any], recipe: Any
) -> dict[str, float]:
    """Return what the most frequent label reaches, and the loss of the labels' frequencies."""
    seen, asked = [row.label for row in train], [row.label for row in test]
    return {"accuracy": majority(seen, asked), "loss": prior_loss(seen, asked)}
