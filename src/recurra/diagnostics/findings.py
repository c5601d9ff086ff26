"""What measures mean: a verdict for each layer, the threshold behind it, and a cure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from recurra.diagnostics.cures import NUMBERS, cure, unused

if TYPE_CHECKING:
    from recurra.diagnostics.report import LayerReport, Report

REACH = 0.5  # of the sequence: a horizon below it is vanishing
GROWS = 100.0  # times: a gradient that grows beyond it is exploding
FLAT_SHARE = 0.5  # of units and steps: more that are nearly flat is saturated
DEAD_SHARE = 0.1  # of units: more that never move is dead
WORTH = 0.01  # of the loss: memory that is worth less is not used

HEALTHY, VANISHING, EXPLODING = "healthy", "vanishing", "exploding"
SATURATED, DEAD, UNUSED = "saturated", "dead", "under-using its memory"
NOT_FINITE = "not finite"
# gates that a long memory holds nearly shut or open by design, and a relu, which is off or on
BY_DESIGN = {"i", "f", "z", "r", "off"}


class Finding(NamedTuple):
    """One thing that was found.

    Args:
        layer: its name.
        verdict: healthy, vanishing, exploding, saturated, dead, under-using its memory, or, where
            a number is NaN or infinite, not finite.
        measure: what tells it.
        value: of the measure; None: it is no number.
        threshold: beyond which the verdict is given.
        cure: what to do; "" where nothing is to be done.
    """

    layer: str
    verdict: str
    measure: str
    value: float | None
    threshold: float | None
    cure: str


def findings(report: Report) -> list[Finding]:
    """Return what was found, layer by layer; a layer without a fault is healthy."""
    found: list[Finding] = []
    for layer in report.layers:
        own = of_layer(layer, report)
        if not own:
            reach = REACH * layer.steps
            horizon = layer.horizon
            own = [Finding(layer.name, HEALTHY, "horizon", horizon, reach, "")]
        found += own
    return [*found, *_of_model(report)]


def _of_model(report: Report) -> list[Finding]:
    """Return what is wrong with the model, and no layer's alone."""
    found, fault, memory = [], report.fault, report.memory
    if fault is not None and all(layer.name != fault.layer for layer in report.layers):
        found.append(Finding(fault.layer, NOT_FINITE, fault.where, None, None, NUMBERS))
    if report.trained and memory is not None and memory.worth < WORTH:
        steps = max((layer.steps for layer in report.layers), default=2)
        text = unused(steps)
        found.append(Finding("all layers", UNUSED, "memory_worth", memory.worth, WORTH, text))
    return found


def of_layer(layer: LayerReport, report: Report) -> list[Finding]:
    """Return what is wrong with a layer."""
    name = layer.name

    def wrong(verdict: str, measure: str, value: float | None, threshold: float | None) -> Finding:
        return Finding(name, verdict, measure, value, threshold, cure(verdict, layer, report))

    fault = report.fault
    if fault is not None and fault.layer == name:
        verdict = NOT_FINITE if fault.where.startswith("the input") else EXPLODING
        return [wrong(verdict, fault.where, None, None)]
    if not layer.calls:
        return [wrong(DEAD, "calls", 0.0, 1.0)]
    found = []
    if not layer.depends and math.isfinite(report.loss):
        return [wrong(DEAD, "loss_gradient", 0.0, 0.0)]
    most = max((g for g in layer.high if not math.isnan(g)), default=0.0)
    if most > GROWS:
        found.append(wrong(EXPLODING, "growth", most, GROWS))
    elif layer.horizon is not None and layer.horizon < REACH * layer.steps:
        found.append(wrong(VANISHING, "horizon", layer.horizon, REACH * layer.steps))
    flat = {gate: share for gate, share in layer.saturated.items() if gate not in BY_DESIGN}
    if flat and max(flat.values()) > FLAT_SHARE:
        gate = max(flat, key=flat.__getitem__)
        found.append(wrong(SATURATED, f"saturated {gate}", flat[gate], FLAT_SHARE))
    if layer.dead is not None and layer.dead >= DEAD_SHARE:
        found.append(wrong(DEAD, "dead", layer.dead, DEAD_SHARE))
    return found
