"""Why a model does not learn: `recurra.diagnose`, of any PyTorch model or of a trained one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from recurra.data.windows import Stretches
from recurra.diagnostics.diagnose import measure
from recurra.diagnostics.losses import one_number
from recurra.diagnostics.report import Report
from recurra.diagnostics.untouched import untouched
from recurra.errors import InputTypeError, RecurraError
from recurra.tasks.model import Model
from recurra.topologies.carry import carrying
from recurra.training.batches import Batches, lengths, placed
from recurra.training.checkpoint import RunFolder

ROWS, BATCHES = 16, 4  # rows that are measured; batches whose gradients are held against `clip`


def diagnose(
    model: nn.Module | Model,
    batch: Any = None,
    loss_fn: Callable[..., Any] | None = None,
    *,
    data: str | None = None,
    learning_rate: float | None = None,
    clip: float | None = None,
    trained: bool | None = None,
    every: int | None = None,
    probes: int = 4,
    count: int = 3,
    seed: int = 0,
) -> Report:
    """Return why a recurrent network does not learn: measures by layer, verdicts, cures.

    The model may be any with `nn.RNN`, `nn.LSTM`, `nn.GRU`, their cells in a loop of its own, or
    layers and cells of recurra; fused kernels are run in chunks, and the states between kept. It is
    afterwards as it was: weights, gradients, mode, hooks, random generators. Dropout and batch
    norm are measured as in evaluation.

    Args:
        model: the network; or a `Model`, from `load` or `train`, which brings data and loss.
        batch: what `loss_fn` reads; of a recurra network, what its `loss` reads.
        loss_fn: (model, batch) → loss; or, of inputs and a target, (output, target) → loss, as
            `nn.CrossEntropyLoss()`. None: `model.loss(batch)`.
        data: of a `Model`: file or folder, as for `evaluate`; none: its training part.
        learning_rate: for the size of updates; None: a model's own, or 0.001.
        clip: norm at which gradients are clipped, 0: none; None: a model's own, or 1.
        trained: whether it should have learned already, and so use its memory; None: of a `Model`
            that was tested, yes.
        every: steps of a chunk; None: one, or as many as keep 512 states of a sequence.
        probes: random directions of a gradient that are followed back.
        count: Lyapunov exponents.
        seed: of the directions.
    Raises:
        TypeError, ValueError: an argument is of another kind or range.
        RecurraError: there is no recurrent layer, or the loss or the data cannot be used.
    """
    options: dict[str, Any] = {"every": every, "probes": probes, "count": count, "seed": seed}
    if isinstance(model, Model):
        if batch is not None or loss_fn is not None:
            raise InputTypeError(
                "a Model brings its own batch and loss; give data=, or its network"
            )
        return _of_model(model, data, learning_rate, clip, trained, options)
    if data is not None:
        raise InputTypeError("data is of a Model, from recurra.load; give a batch")
    return measure(
        model,
        batch,
        loss_fn,
        learning_rate=1e-3 if learning_rate is None else learning_rate,
        clip=1.0 if clip is None else clip,
        trained=bool(trained),
        **options,
    )


def _of_model(
    model: Model,
    data: str | None,
    learning_rate: float | None,
    clip: float | None,
    trained: bool | None,
    options: dict[str, Any],
) -> Report:
    recipe, network = model.recipe, model.network
    batches = batches_of(model, data)
    clip = recipe.clip if clip is None else clip
    report = measure(
        network,
        batches[0],
        loss,
        learning_rate=recipe.learning_rate if learning_rate is None else learning_rate,
        clip=clip,
        trained=bool(model.metrics) if trained is None else trained,
        of_recipe=True,
        **options,
    )
    if clip and report.clipped is not None:
        norms = gradient_norms(network, batches[1:])
        if norms:
            report.clipped = sum(norm > clip for norm in norms) / len(norms)
    log = [] if model.folder is None else RunFolder(model.folder).entries()
    shares = [entry["clipped"] for entry in log if isinstance(entry.get("clipped"), float)]
    report.acted = sum(shares) / len(shares) if shares else None
    where = model.folder or model.task.name
    report.title = f"{where}: {model.task.name}, cell {recipe.cell}, hidden {recipe.hidden}"
    return report


def loss(network: Any, batch: Any) -> Any:
    """Return a network's loss of a batch that begins afresh."""
    with carrying(network):
        return network.loss(batch)


def batches_of(model: Model, data: str | None) -> list[Any]:
    """Return one small batch to be measured, and some of the recipe's size.

    Raises:
        RecurraError: the data cannot be used, or have no rows.
    """
    if data is None:
        recipe = model.recipe
        examples: Sequence[Any] = model.task.read(recipe).train
    else:
        recipe, examples = model.asked(data)
    items = model.task.items(model.codec, examples, recipe)
    if not len(items):
        raise RecurraError(f"{data or 'the training part'} has no rows to be diagnosed on")
    if isinstance(items, Stretches):  # the first stretch of each sequence: none goes on
        firsts = [items.of(k)[0] for k in range(len(items.counts)) if items.counts[k]]
        groups = [
            firsts[k : k + recipe.batch_size] for k in range(0, len(firsts), recipe.batch_size)
        ]
    else:
        groups = list(Batches(lengths(items), recipe.batch_size, recipe.seed).order(0))
    chosen = [groups[0][:ROWS], *groups[:BATCHES]]
    made = [model.codec.collate([items[row] for row in group]) for group in chosen]
    return [placed(batch, model.network) for batch in made]


def gradient_norms(network: nn.Module, batches: Sequence[Any]) -> list[float]:
    """Return the norm of the whole gradient of each batch's mean loss."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    norms = []
    with untouched(network):
        for batch in batches:
            total = one_number(loss(network, batch))
            if not weights or not total.requires_grad:
                return []
            found = torch.autograd.grad(total, weights, allow_unused=True)
            squares = [g.double().square().sum() for g in found if g is not None]
            norms.append(float(torch.stack(squares).sum().sqrt()))
    return norms
