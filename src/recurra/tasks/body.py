"""The recurrent body that a recipe describes: the same for every task and every cell."""

from typing import Any

from torch import nn

from recurra.cells import Cell, find
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
from recurra.training.recipe import Recipe


def cell(recipe: Recipe, input_size: int) -> Cell[Any]:
    """Return a new cell of the recipe's kind and width.

    Raises:
        RecurraError: there is no such cell, or it does not take these sizes or a time scale.
    """
    kind = find(recipe.cell)
    options: dict[str, Any] = {} if recipe.time_scale is None else {"time_scale": recipe.time_scale}
    try:
        return kind(input_size, recipe.hidden, **options)
    except (TypeError, ValueError) as error:
        raise RecurraError(
            f"cell {recipe.cell} refuses input {input_size}, hidden {recipe.hidden}, "
            f"{options or 'no options'}: {error}"
        ) from error


def body(recipe: Recipe, input_size: int, *, bidirectional: bool | None = None) -> Layer:
    """Return the recipe's recurrent layers on inputs of this size.

    Args:
        recipe: cell, hidden, layers, bidirectional, residual, lookahead, dropout, weight_drop.
        input_size: length of the input features.
        bidirectional: other than the recipe's (decoders read one way only).
    """
    both = recipe.bidirectional if bidirectional is None else bidirectional
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
        if recipe.lookahead and bidirectional is None:
            layers.append(LookAhead(input_size, recipe.lookahead))
    except ValueError as error:
        raise RecurraError(f"this recipe makes no model: {error}") from error
    return Stack(*layers, dropout=recipe.dropout, variational=recipe.variational)


def recurrent(recipe: Recipe, input_size: int) -> Recurrent:
    """Return one recurrent layer of the recipe's cell."""
    return Recurrent(cell(recipe, input_size), engine=recipe.engine, weight_drop=recipe.weight_drop)


def pool(recipe: Recipe, size: int) -> nn.Module:
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


def attention(recipe: Recipe, query_size: int, memory_size: int) -> Attention:
    """Return the recipe's attention of a decoder over an encoder's outputs."""
    if recipe.attention == "additive":
        return AdditiveAttention(query_size, memory_size, recipe.hidden)
    return MultiplicativeAttention(query_size, memory_size)
