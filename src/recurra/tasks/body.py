"""The recurrent body that a recipe describes: the same for every task and every cell."""

import inspect
from typing import Any

import torch
from torch import nn

from recurra import init
from recurra.cells import CELLS, Cell, find
from recurra.errors import RecurraError
from recurra.layers import (
    AdditiveAttention,
    Attention,
    AttentionPool,
    Bidirectional,
    Last,
    Layer,
    LookAhead,
    Max,
    Mean,
    MultiplicativeAttention,
    Recurrent,
    Residual,
    Stack,
)
from recurra.training.options import Attended, Layers, Pooled, TwoWay
from recurra.training.recipe import Recipe


def cell(recipe: Recipe, input_size: int) -> Cell[Any]:
    """Return a new cell of the recipe's kind and width.

    Raises:
        RecurraError: there is no such cell, or it does not take these sizes or a time scale.
    """
    kind = find(recipe.cell)
    if recipe.time_scale is not None and not _has_time_scale(kind):
        able = ", ".join(other.__name__.lower() for other in CELLS if _has_time_scale(other))
        raise RecurraError(
            f"time_scale: cell {recipe.cell} has none; leave it out, or choose one of {able}"
        )
    options: dict[str, Any] = {} if recipe.time_scale is None else {"time_scale": recipe.time_scale}
    try:
        made = kind(input_size, recipe.hidden, **options)
    except (TypeError, ValueError) as error:
        raise RecurraError(
            f"cell {recipe.cell} refuses input {input_size}, hidden {recipe.hidden}, "
            f"{options or 'no options'}: {error}"
        ) from error
    start(recipe, made)
    return made


def start(recipe: Recipe, made: Cell[Any]) -> None:
    """Set a new cell's recurrent weights as the recipe's `init` says.

    Raises:
        RecurraError: the cell has no such weights, or time_scale says the same otherwise.
    """
    if recipe.init == "default":
        return
    if recipe.init == "ring" and recipe.time_scale is not None:
        raise RecurraError("init=ring and time_scale both say how long it remembers: give one")
    try:
        {"orthogonal": init.orthogonal, "identity": init.identity, "ring": init.ring}[recipe.init](
            made
        )
    except RecurraError as error:
        raise RecurraError(f"init: cell {recipe.cell}: {error}; choose another") from error


def _has_time_scale(kind: type[Cell[Any]]) -> bool:
    return "time_scale" in inspect.signature(kind).parameters


def check(recipe: Recipe) -> None:
    """Run the recipe's cell on its engine for a few steps, before any data is read.

    Raises:
        RecurraError: the cell is unknown or fails, or its engine refuses it.
    """
    try:
        if isinstance(recipe, Layers):
            layer = recurrent(recipe, recipe.embedding)
        else:
            layer = Recurrent(cell(recipe, recipe.embedding))
        like = torch.zeros(2, 5, recipe.embedding)
        if recipe.device != "cpu" and torch.cuda.is_available():
            layer, like = layer.cuda(), like.cuda()
        with torch.no_grad():
            y, _ = layer(like)
    except RecurraError:
        raise
    except Exception as error:  # whatever the user's own code raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise RecurraError(
            f"cell {recipe.cell} fails on a batch of 2 rows, 5 steps: {reason}; "
            f"recurra check {recipe.cell} tells more"
        ) from error
    if y.shape != (2, 5, layer.output_size):
        raise RecurraError(
            f"cell {recipe.cell} answers 2 rows, 5 steps of {recipe.hidden} with {list(y.shape)}; "
            f"recurra check {recipe.cell} tells more"
        )


def body(recipe: Layers, input_size: int, *, bidirectional: bool | None = None) -> Layer:
    """Return the recipe's recurrent layers on inputs of this size.

    Args:
        recipe: cell, hidden, layers, bidirectional, residual, lookahead, dropout, weight_drop.
        input_size: length of the input features.
        bidirectional: other than the recipe's (decoders read one way only).
    """
    free = recipe if bidirectional is None and isinstance(recipe, TwoWay) else None
    both = bidirectional or (free is not None and free.bidirectional)
    layers: list[Layer] = []
    try:
        for _ in range(recipe.layers):
            layer: Layer = recurrent(recipe, input_size)
            if both:
                layer = Bidirectional(layer, recurrent(recipe, input_size))
            if recipe.residual and layer.input_size == layer.output_size:
                layer = Residual(layer)
            layers.append(layer)
            input_size = layer.output_size
        if free is not None and free.lookahead:
            layers.append(LookAhead(input_size, free.lookahead))
    except ValueError as error:
        raise RecurraError(f"this recipe makes no model: {error}") from error
    return Stack(*layers, dropout=recipe.dropout, variational=recipe.variational)


def recurrent(recipe: Layers, input_size: int) -> Recurrent:
    """Return one recurrent layer of the recipe's cell.

    Raises:
        RecurraError: there is no such cell, or it does not take the recipe's options.
    """
    step = cell(recipe, input_size)
    try:
        return Recurrent(
            step,
            engine=recipe.engine,
            weight_drop=recipe.weight_drop,
            checkpoint_every=recipe.checkpoint_every,
            clip_state=recipe.clip_state,
        )
    except ValueError as error:
        raise RecurraError(f"this recipe makes no model: {error}") from error


def pool(recipe: Pooled, size: int) -> nn.Module:
    """Return the recipe's pooling over features of this size.

    Raises:
        RecurraError: the last output of a bidirectional body has read one step backward only.
    """
    if recipe.pool == "last" and recipe.bidirectional:
        raise RecurraError(
            "pool=last with bidirectional=true: the last output has read a single step backward; "
            "choose pool mean, max or attention"
        )
    if recipe.pool == "attention":
        return AttentionPool(size)
    return {"last": Last, "mean": Mean, "max": Max}[recipe.pool]()


def attention(recipe: Attended, query_size: int, memory_size: int) -> Attention:
    """Return the recipe's attention of a decoder over an encoder's outputs."""
    if recipe.attention == "additive":
        return AdditiveAttention(query_size, memory_size, recipe.hidden)
    return MultiplicativeAttention(query_size, memory_size)
