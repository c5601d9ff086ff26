"""A diagnosis as a page: findings, what comes back by lag, and all figures."""

from __future__ import annotations

from collections.abc import Sequence

from recurra.diagnostics.findings import GROWS
from recurra.diagnostics.report import LayerReport, Report
from recurra.diagnostics.screen import steps, whole
from recurra.dynamics.flow import PASSES
from recurra.reports import Part, Plot, Table, page

DRAWN = 8  # layers in one drawing


def html(report: Report, before: Report | None = None) -> str:
    """Return the page; of a model that was changed, the first report stands beside the second."""
    lead = [whole(report)]
    if before is not None:
        lead += [f"Before: {before.title or 'the model as it was'}. {whole(before)}"]
    parts: list[Part] = [_findings(report, "Findings")]
    if before is not None:
        parts.append(_findings(before, "Findings before"))
    parts += [_layers(report, before), _carried(report, before), _arrived(report, before)]
    parts += [*_memory(report, before), _gates(report), _exponents(report)]
    return page(report.title or "Diagnosis", parts, lead)


def _findings(report: Report, title: str) -> Table:
    rows = [
        [
            *(f.layer, f.verdict, f.measure.replace("_", " ")),
            *(f"{f.value:.3g}", f"{f.threshold:.3g}", f.cure or "–"),
        ]
        for f in report.findings
    ]
    note = "A verdict is given where the value lies beyond the threshold."
    return Table(title, ["layer", "verdict", "measure", "value", "threshold", "cure"], rows, note)


def _layers(report: Report, before: Report | None) -> Table:
    was = {layer.name: layer for layer in before.layers} if before else {}
    rows = [
        [
            layer.name,
            layer.kind,
            layer.calls,
            layer.steps,
            *([steps(was.get(layer.name), "horizon")] if before else []),
            steps(layer, "horizon"),
            steps(layer, "half_life"),
            None if layer.update is None else f"{layer.update:.1e}",
            layer.dead,
        ]
        for layer in report.layers
    ]
    head = ["layer", "kind", "calls", "steps", *(["horizon before"] if before else [])]
    note = (
        "Horizon: steps from which a hundredth of a gradient comes back; half-life: in which it is "
        "halved; ≥ where the sequence is no longer. Update: learning rate × ‖gradient‖ / ‖weights‖ "
        f"at {report.learning_rate:g}. Dead: share of units that never move."
    )
    return Table("Layers", [*head, "horizon", "half-life", "update", "dead"], rows, note)


def _named(report: Report, before: Report | None) -> list[tuple[str, LayerReport]]:
    found = [(layer.name, layer) for layer in report.layers[:DRAWN]]
    earlier = [] if before is None else before.layers[:DRAWN]
    return found + [(f"{layer.name}, before", layer) for layer in earlier]


def _carried(report: Report, before: Report | None) -> Plot:
    named = [(name, layer) for name, layer in _named(report, before) if layer.lags]
    lines = {name: list(zip(layer.lags, layer.median, strict=True)) for name, layer in named}
    bands = {
        name: list(zip(layer.lags, layer.low, layer.high, strict=True)) for name, layer in named
    }
    limits = {f"a hundredth ({PASSES:g}): the horizon": PASSES}
    if any(max(layer.high) > GROWS for _, layer in named):
        limits[f"{GROWS:g} times: exploding"] = GROWS
    note = (
        "What is left of a gradient at the end of a row, so many steps earlier: the median of the "
        "rows, and pale from the lower to the upper quartile."
    )
    title = "What comes back through time"
    up = "‖∂s_T/∂s_T−lag‖ (share)"
    return Plot(title, lines, "lag (steps back)", up, True, bands=bands, limits=limits, note=note)


def _arrived(report: Report, before: Report | None) -> Plot:
    lines = {
        name: list(zip(layer.times, layer.loss_gradient, strict=True))
        for name, layer in _named(report, before)
    }
    note = "How much the loss of this batch asks of the state after each step; median of the rows."
    up = "‖∂L/∂h_t‖ (loss per unit of h)"
    return Plot("What the loss asks of each step", lines, "time (steps)", up, True, note=note)


def _memory(report: Report, before: Report | None) -> list[Plot]:
    both = {"now": report.memory, "before": None if before is None else before.memory}
    lines = {
        name: list(zip(map(float, found.steps), found.losses, strict=True))
        for name, found in both.items()
        if found is not None
    }
    if not lines:
        return []
    note = (
        "Its loss where the state begins anew every so many steps, counted back from the end of a "
        "row: where the line is flat, what lies further back is not used."
    )
    axes = "visible context (steps)", "loss of the batch"
    return [Plot("What the model remembers", lines, *axes, log_across=True, note=note)]


def _gates(report: Report) -> Table:
    names = sorted({gate for layer in report.layers for gate in layer.saturated})
    rows = [
        [layer.name, *(layer.saturated.get(name) for name in names), *_three(layer.time_constants)]
        for layer in report.layers
    ]
    head = ["layer", *(f"{name} flat" for name in names), "τ 10 %", "τ median", "τ 90 %"]
    note = (
        "Flat: share of units and steps at which a gate's slope is below a tenth of its greatest; "
        "of a relu (off), at which it is 0. τ: steps for which units remember, 1 / (1 − forget "
        "gate), over units."
    )
    return Table("Gates", head, rows, note)


def _three(constants: Sequence[float] | None) -> list[float | None]:
    return [None] * 3 if constants is None else list(constants)


def _exponents(report: Report) -> Table:
    most = max((len(layer.exponents) for layer in report.layers), default=0)
    rows = [
        [layer.name, *(layer.exponents + [None] * (most - len(layer.exponents)))]
        for layer in report.layers
    ]
    head = ["layer", *(f"λ{k + 1}" for k in range(most))]
    note = "Largest exponents, nats per step: above 0 neighbouring states part, below 0 they meet."
    return Table("Lyapunov exponents", head, rows, note)
