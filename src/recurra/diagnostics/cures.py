"""What to do about a verdict: in words for a user, and as a change of a model that is new."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from torch import nn

from recurra import init
from recurra.errors import InputError

if TYPE_CHECKING:
    from recurra.diagnostics.report import LayerReport, Report

GATED = {"lstm", "gru"}
NUMBERS = "mend the data or the layer before: a value that goes in is not finite"


def cure(verdict: str, layer: LayerReport, report: Report) -> str:
    """Return what to do, with the sizes of this layer in it."""
    steps = max(layer.steps, 2)
    if verdict == "vanishing":
        return _longer(layer, steps)
    if verdict == "exploding":
        if report.fault is not None:
            return (
                f"lower the learning rate, and clip gradients at a norm of {report.clip or 1.0:g}; "
                "where it begins so, start the recurrence orthogonal (recurra.init.orthogonal)"
            )
        return (
            f"clip gradients at a norm of {report.clip or 1.0:g} "
            "(torch.nn.utils.clip_grad_norm_, or clip of a recipe), and start the recurrence "
            "orthogonal or critical (recurra.init.orthogonal, critical)"
        )
    if verdict == "saturated":
        return (
            "smaller inputs (normalise them to mean 0, deviation 1, or layer normalisation), "
            "smaller initial weights or a lower learning rate"
        )
    if verdict == "dead":
        if not layer.calls:
            return "the loss never calls this layer: use it, or take it out"
        if not layer.depends:
            return "the loss does not depend on this layer: connect its output, or take it out"
        return "a lower learning rate, tanh in place of relu, or biases that begin above 0"
    return NUMBERS


def unused(steps: int) -> str:
    """Return what to do where a model remembers nothing of use."""
    return (
        "the answers need no past, or training did not find it: train on longer chunks, with "
        f"gates that remember (chrono initialisation, time_scale={steps}); where what comes next "
        "is missing, look-ahead or both directions"
    )


def _longer(layer: LayerReport, steps: int) -> str:
    module = layer.module
    if layer.of_recipe:
        if layer.kind in {"elman", "lru"}:
            return f"a cell whose gates remember: cell=lstm (or mingru) with time_scale={steps}"
        return f"gates that remember {steps} steps: time_scale={steps}"
    if layer.kind in GATED:
        return (
            f"gates that remember {steps} steps: recurra.init.chrono({module}, "
            f"time_scale={steps}), or shorter chunks of the sequence"
        )
    return (
        f"start the recurrence orthogonal (recurra.init.orthogonal({module}); for relu "
        f"recurra.init.identity), or take a gated cell: nn.LSTM with recurra.init.chrono("
        f"lstm, time_scale={steps})"
    )


def apply(module: nn.Module, verdict: str, time_scale: float) -> str | None:
    """Change the weights of a new layer by the cure; return what was done.

    Vanishing: gates that remember (`init.chrono`), or where there is none an orthogonal
    recurrence, as of what explodes (`init.orthogonal`). None: nothing can be done to its weights.
    """
    if verdict not in ("vanishing", "exploding"):
        return None
    scale = math.ceil(max(time_scale, 2.0))
    if verdict == "vanishing":
        with suppress(InputError):  # no gate keeps a state here, or it has no bias
            init.chrono(module, scale)
            return f"chrono initialisation of the gates' biases, time_scale={scale}"
    with suppress(InputError):  # a recurrence without a matrix
        init.orthogonal(module)
        return "the recurrence was made orthogonal"
    return None


def cured(model: nn.Module, report: Report) -> list[str]:
    """Change the weights of a new model by the cures of a report; return what was done."""
    from recurra.diagnostics.findings import EXPLODING, VANISHING

    done: dict[str, str] = {}
    modules = dict(model.named_modules())
    for finding in report.findings:
        if finding.verdict not in (VANISHING, EXPLODING):
            continue
        layer = report[finding.layer]
        path = layer.module.removeprefix("model").removeprefix(".")
        if path in done or path not in modules:
            continue
        what = apply(modules[path], finding.verdict, float(layer.steps))
        if what is not None:
            done[path] = f"{layer.module}: {what}"
    return list(done.values())
