"""Why a recurrent network does not learn: all measures of a model on one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.diagnostics.backward import Arrived, arrived, carried_back, exponents
from recurra.diagnostics.findings import findings
from recurra.diagnostics.losses import loss_of
from recurra.diagnostics.memory import remembered
from recurra.diagnostics.report import LayerReport, Report
from recurra.diagnostics.trace import MOST, Fault, Found, Sequence, Trace
from recurra.diagnostics.untouched import untouched
from recurra.errors import InputError, InputTypeError, RecurraError
from recurra.layers.recurrent import Recurrent


class Part:
    """A recurrent layer of a model, in one depth and direction, and its weights."""

    def __init__(self, name: str, module: nn.Module, kind: str, suffix: str = "") -> None:
        self.module = module
        self.path = f"model.{name}" if name else "model"
        self.name = (name or "model") + (f".{suffix}" if suffix else "")
        self.kind = kind
        self.weights = {
            f"{name}.{own}" if name else own: weight
            for own, weight in module.named_parameters()
            if own.endswith(f"_{suffix}") or not suffix
        }


def parts(model: nn.Module) -> list[Part]:
    """Return the recurrent layers of a model, in its order."""
    return list(_parts(model))


def _parts(model: nn.Module) -> Iterator[Part]:
    within = {id(m.cell) for m in model.modules() if isinstance(m, Recurrent)}
    for name, module in model.named_modules():
        if isinstance(module, nn.RNNBase):
            kind = module.mode.lower().removeprefix("rnn_")
            ways = ("", "_reverse") if module.bidirectional else ("",)
            several = module.num_layers * len(ways) > 1
            for depth in range(module.num_layers):
                for way in ways:
                    yield Part(name, module, kind, f"l{depth}{way}" if several else "")
        elif isinstance(module, nn.RNNCellBase):
            kind = getattr(module, "nonlinearity", type(module).__name__.lower()[:-4])
            yield Part(name, module, kind)
        elif isinstance(module, Recurrent):
            yield Part(name, module, type(module.cell).__name__.lower())
        elif isinstance(module, Cell) and id(module) not in within:
            yield Part(name, module, type(module).__name__.lower())


def measure(
    model: nn.Module,
    batch: Any,
    loss_fn: Callable[..., Any] | None = None,
    *,
    learning_rate: float = 1e-3,
    clip: float = 1.0,
    trained: bool = False,
    every: int | None = None,
    most: int = MOST,
    probes: int = 4,
    count: int = 3,
    seed: int = 0,
    remember: bool = True,
    of_recipe: bool = False,
) -> Report:
    """Return a diagnosis of a model on one batch; `recurra.diagnose` has the words.

    Raises:
        TypeError, ValueError: an argument is of another kind or range.
        RecurraError: the model has no recurrent layer, or its loss cannot be computed.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"model is a {type(model).__name__}; diagnose takes an nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise InputTypeError("a scripted model is not looked into; give the one it was made of")
    whole = ("probes", probes, 1), ("count", count, 0), ("every", 1 if every is None else every, 1)
    for name, number, least in whole:
        if type(number) is not int or number < least:
            raise InputError(f"{name} is {number!r}; it is a whole number, {least} or more")
    for name, given in (("learning_rate", learning_rate), ("clip", clip)):
        if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
            raise InputError(f"{name} is {given!r}; it is a number, 0 or more")
    loss_function = loss_of(model, batch, loss_fn)
    known = parts(model)
    if not known:
        raise RecurraError(
            f"{type(model).__name__} has no recurrent layer: diagnose looks for nn.RNN, nn.LSTM, "
            "nn.GRU, their cells, and layers of recurra; a loop of your own becomes one as a "
            "recurra.Cell"
        )
    with untouched(model):
        trace = Trace(model, every, most)
        try:
            with trace:
                loss = loss_function()
        finally:
            trace.close()
        sequences = [s for found in trace.found.values() for s in found.sequences]
        back, gradients, late = arrived(loss, sequences, model)
        fault = trace.fault or _elsewhere(model, loss) or late
        report = Report(
            [], float(loss.detach()), None, clip, None, learning_rate, None, fault, trained
        )
        for part in [*known, *_others(trace.found, known)]:
            found = trace.found.get(part.name, Found())
            layer = _layer(part, found, dict(zip(map(id, sequences), back, strict=True)))
            layer.of_recipe = of_recipe
            layer.update = _update(part.weights, gradients, learning_rate)
            if found.sequences and fault is None:
                _flow(layer, _longest(found), probes, count, seed)
            report.layers.append(layer)
        if gradients:
            squares = [g.double().square().sum() for g in gradients.values()]
            report.gradient_norm = float(torch.stack(squares).sum().sqrt())
            report.clipped = float(report.gradient_norm > clip) if clip else None
        del back, sequences, loss, gradients  # the graph's memory
        if remember and fault is None:
            report.memory = remembered(model, loss_function, trace.found, report.loss)
    report.findings = findings(report)
    return report


def _others(found: Mapping[str, Found], known: list[Part]) -> list[Part]:
    """Return what was called as a function, and is no module."""
    names = {part.name for part in known}
    return [Part(n, nn.Module(), n.removesuffix("_cell")) for n in found if n not in names]


def _longest(found: Found) -> Sequence:
    return max(found.sequences, key=lambda sequence: sequence.length)


def _layer(part: Part, found: Found, back: Mapping[int, Arrived]) -> LayerReport:
    layer = LayerReport(part.name, part.path, part.kind, len(found.calls))
    if not found.sequences:
        return layer
    sequence = _longest(found)
    gauge, came = found.gauge, back[id(sequence)]
    layer.steps, layer.rows = sequence.length, sequence.rows
    layer.depends = any(back[id(s)].depends for s in found.sequences)
    layer.times = came.steps
    layer.loss_gradient = came.norms.nanquantile(0.5, dim=0).tolist()
    layer.saturated, layer.dead = gauge.saturated, gauge.dead
    layer.time_constants = gauge.time_constants
    return layer


def _flow(layer: LayerReport, sequence: Sequence, probes: int, count: int, seed: int) -> None:
    found = carried_back(sequence, probes, seed)
    if found is None:
        return
    layer.lags, layer.median = found.lags, found.median
    layer.low, layer.high = found.quantile(0.25), found.quantile(0.75)
    if sequence.length > 1:
        layer.horizon, layer.half_life = found.horizon, found.half_life
    layer.exponents = exponents(sequence, count, seed)


def _update(
    weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor], rate: float
) -> float | None:
    """Return learning rate × ‖gradient‖ / ‖weights‖ of a layer; None where none has a gradient."""
    moved = [name for name in weights if name in gradients]
    if not moved:
        return None
    square = sum(float(gradients[name].double().square().sum()) for name in moved)
    size = sum(float(weights[name].detach().double().square().sum()) for name in moved)
    return rate * math.sqrt(square / size) if size else None


def _elsewhere(model: nn.Module, loss: Tensor) -> Fault | None:
    """Return a fault outside of what the recurrent layers say: a weight, or the loss."""
    if bool(torch.isfinite(loss.detach())):
        return None
    for name, weight in model.named_parameters():
        if not bool(torch.isfinite(weight.detach()).all()):
            return Fault(f"the weight {name}", name.rpartition(".")[0] or "model")
    return Fault("the loss, after the recurrent layers", "loss")
