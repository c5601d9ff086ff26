"""Gates that keep: the biases of forget gates."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import nn

from recurra.cells import initialisation
from recurra.cells.base import Cell
from recurra.errors import InputError
from recurra.init.parts import each


def chrono(model: nn.Module, time_scale: int | float) -> list[str]:
    """Start forget gates at time scales that lie evenly up to the longest dependency expected.

        b_f = log U(1, T_max − 1)      b_i = −b_f, where the input gate is another

    Tallec and Ollivier 2018, https://arxiv.org/abs/1804.11188, section 2. It is what a cell's own
    `time_scale` does, but that IndRNN's bound stays.

    Args:
        model: any; a GRU's update gate keeps like a forget gate.
        time_scale: T_max, in steps, at least 2.
    Returns:
        The names of the parts that were set.
    Raises:
        TypeError, ValueError: a value is not as it should be, or no part has a forget gate.
    """
    initialisation.chrono(1, time_scale)
    draw = partial(initialisation.chrono, time_scale=time_scale)
    return each(model, "chrono", no_gate, lambda cell: cell.remember(draw, opposed=True))


def unit_forget_bias(model: nn.Module, bias: float = 1.0) -> list[str]:
    """Start forget gates open: at a bias of 1 a step keeps about three quarters of the state.

    Gers, Schmidhuber and Cummins 2000, https://doi.org/10.1162/089976600300015015; measured by
    Jozefowicz, Zaremba and Sutskever 2015, https://proceedings.mlr.press/v37/jozefowicz15.html.

    Args:
        model: any; a GRU's update gate keeps like a forget gate.
        bias: another one than 1.
    Returns:
        The names of the parts that were set.
    Raises:
        TypeError, ValueError: a value is not as it should be, or no part has a forget gate.
    """
    if isinstance(bias, bool) or not isinstance(bias, int | float) or not math.isfinite(bias):
        raise InputError(f"unit_forget_bias: bias is {bias!r}; it is a number")
    return each(
        model,
        "unit_forget_bias",
        no_gate,
        lambda cell: cell.remember(lambda size: torch.full((size,), float(bias))),
    )


def no_gate(cell: Cell[Any]) -> str | None:
    """Return why a cell has no forget gate to set, or None."""
    if type(cell).remember is Cell.remember:
        return f"{type(cell).__name__} has no forget gate"
    bias = dict(cell.named_parameters(recurse=False)).get("bias")
    frozen = bias is not None and not bias.requires_grad
    return "it was made without biases, or they are frozen" if frozen else None
