"""The edge between forgetting and chaos, found by measurement."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.dynamics.lyapunov import lyapunov
from recurra.errors import InputError
from recurra.init.heard import heard
from recurra.init.parts import Part, parts, positive

WIDEST = 2.0**8  # times as large or as small
TRIES = 60


def critical(
    model: nn.Module, *given: Any, tolerance: float = 0.01, skip: int = 0
) -> dict[str, float]:
    """Scale recurrent weights until the largest Lyapunov exponent is 0.

        U ← s U      |λ_1(s)| ≤ tolerance, along the model's own inputs

    There a step, on average, neither loses a small change nor lets it grow; Engelken et al. 2023,
    https://doi.org/10.1103/PhysRevResearch.5.043044, section II (the exponents). Parts are scaled
    in the order in which the model reads, each on what reaches it from those before.

    Args:
        model: any whose recurrent parts have a weight between states.
        given: what the model is called with: full rows, without padding.
        tolerance: of the exponent, in nats a step.
        skip: first steps that are not counted.
    Returns:
        The scale of each part.
    Raises:
        TypeError, ValueError: a value is not as it should be, no part has such a weight, the model
            does not call it, or no scale from 1/256 to 256 is critical; the weights are as before.
    """
    tolerance = positive("critical", "tolerance", tolerance)
    found, before = dict[str, float](), list[tuple[Part, Tensor]]()
    reasons = list[str]()
    try:
        with torch.no_grad():
            for index, part in enumerate(parts(model)):
                weight = part.cell._parameters.get("from_state")
                if weight is None or part.made:
                    kind = type(part.cell).__name__
                    none = f"{kind} has no recurrent weight `from_state`"
                    reasons.append(part.told(part.made or none))
                    continue
                before.append((part, weight.detach().clone()))
                x = heard(model, given, index, part.name)
                found[part.name] = _scale(part.cell, x, part.name, tolerance, skip)
                part.write()
    except BaseException:
        with torch.no_grad():
            for part, old in before:
                part.cell.get_parameter("from_state").copy_(old)
                part.write()
        raise
    if not found:
        told = "; ".join(dict.fromkeys(reasons)) or "it holds no recurrent cell"
        raise InputError(f"critical has nothing to set: {told}")
    return found


def _scale(cell: Cell[Any], x: Tensor, name: str, tolerance: float, skip: int) -> float:
    """Scale a cell's recurrent weight; return by how much."""
    weight = cell.get_parameter("from_state").detach()
    start = weight.clone()

    def exponent(scale: float) -> float:
        weight.copy_(start * scale)
        value = lyapunov(cell, x, skip=skip).values[0]
        return math.inf if math.isnan(value) else value  # beyond all numbers

    scale, value = 1.0, exponent(1.0)
    first, step = value, 2.0 if value < 0 else 0.5
    while abs(value) > tolerance and (value < 0) == (first < 0):
        if not 1 / WIDEST < scale < WIDEST:
            raise InputError(
                f"critical: {name} has the exponent {first:.3g}, and {value:.3g} with weights "
                f"{scale:g} times as large: no scale makes it 0; start from others"
            )
        scale *= step
        value = exponent(scale)
    low, high = sorted([scale, scale / step])
    for _ in range(TRIES):
        if abs(value) <= tolerance:
            return scale
        scale = math.sqrt(low * high)
        value = exponent(scale)
        low, high = (scale, high) if value < 0 else (low, scale)
    raise InputError(
        f"critical: the exponent of {name} jumps past 0 at {scale:.6g} times its weights, to "
        f"{value:.3g}; give more rows or steps, or a larger tolerance"
    )
