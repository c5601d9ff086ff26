"""A diagnosis on one screen."""

from __future__ import annotations

import io
import math
import sys
from typing import TYPE_CHECKING

from recurra.diagnostics.findings import DEAD, EXPLODING, HEALTHY, NOT_FINITE, Finding

if TYPE_CHECKING:
    from rich.console import Console

    from recurra.diagnostics.report import LayerReport, Report

COLOURS = {HEALTHY: "green", EXPLODING: "red", NOT_FINITE: "red", DEAD: "red"}

KEY = """horizon: steps from which 1 % of a gradient comes back; half-life: that halve it
λ₁: largest Lyapunov exponent, per step; τ: steps that the median unit remembers
flat: where a gate is saturated; update: learning rate × gradient / weights"""


def show(report: Report, console: Console | None = None, before: Report | None = None) -> None:
    """Print a report; of a model that was changed, what it was before too."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = console or Console(file=sys.stdout)
    if report.title:
        console.print(escape(report.title), highlight=False, soft_wrap=True)
    table = Table("layer", "steps", "horizon", "half-life", "λ₁", "τ", "flat", "update")
    table.columns[0].overflow = "fold"
    for layer in report.layers:
        table.add_row(escape(layer.name), str(layer.steps), *_row(layer, _same(before, layer)))
    console.print(table)
    console.print(whole(report), highlight=False, soft_wrap=True)
    for (verdict, cure), found in _alike(report).items():
        colour = COLOURS.get(verdict, "yellow")
        console.print(f"[bold {colour}]{verdict}[/]", highlight=False, end=" ")
        told = "; ".join(map(_told, found))
        console.print(escape(told), highlight=False, soft_wrap=True)
        if cure:
            console.print(f"  cure: {escape(cure)}", highlight=False, soft_wrap=True)
    console.print(KEY, highlight=False, style="dim")


def _alike(report: Report) -> dict[tuple[str, str], list[Finding]]:
    """Return the findings of one verdict and cure together."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        found.setdefault((finding.verdict, finding.cure), []).append(finding)
    return found


def _told(finding: Finding) -> str:
    value = "" if finding.value is None else f" {_short(finding.value)}"
    limit = "" if finding.threshold is None else f" (threshold {_short(finding.threshold)})"
    return f"{finding.layer}: {finding.measure.replace('_', ' ')}{value}{limit}"


def text(report: Report) -> str:
    """Return the screen as plain text."""
    from rich.console import Console

    file = io.StringIO()
    show(report, Console(file=file, width=110))
    return file.getvalue()


def _same(report: Report | None, layer: LayerReport) -> LayerReport | None:
    found = [] if report is None else [la for la in report.layers if la.name == layer.name]
    return found[0] if found else None


def steps(layer: LayerReport | None, name: str) -> str:
    """Return a number of steps in words; at the end of what was seen, at least that."""
    value = None if layer is None else getattr(layer, name)
    if layer is None or value is None:
        return "–"
    return f"≥ {_short(value)}" if layer.lags and value >= layer.lags[-1] else _short(value)


def _row(layer: LayerReport, was: LayerReport | None) -> list[str]:
    constants = layer.time_constants
    flat = max(layer.saturated.items(), key=lambda pair: pair[1], default=None)
    return [
        ("" if was is None else f"{steps(was, 'horizon')} → ") + steps(layer, "horizon"),
        steps(layer, "half_life"),
        f"{layer.exponents[0]:+.3f}" if layer.exponents else "–",
        "–" if constants is None else _short(constants[1]),
        "–" if flat is None else f"{flat[0]} {flat[1]:.0%}",
        "–" if layer.update is None else f"{layer.update:.0e}",
    ]


def whole(report: Report) -> str:
    """Return what is known of the model as a whole, on one line."""
    said = [f"loss {_short(report.loss)}"]
    if report.gradient_norm is not None:
        said.append(f"gradient {_short(report.gradient_norm)}")
    if report.clipped is not None:
        said.append(f"clipping at {report.clip:g} acts on {report.clipped:.0%} of batches")
    if report.acted is not None:
        said.append(f"it acted on {report.acted:.0%} of the training's steps")
    if report.memory is not None:
        memory = report.memory
        said.append(
            f"memory takes {memory.worth:.1%} off the loss, nearly all of it with "
            f"{memory.effective} of {memory.steps[-1]} steps"
        )
    if report.fault is not None:
        fault = report.fault
        at = [
            f"{name} {value}"
            for name in ("step", "time", "row")
            if (value := getattr(fault, name)) is not None
        ]
        said.append(
            f"first number that is not finite: {fault.where}" + "".join(f", {a}" for a in at)
        )
    return "; ".join(said)


def _short(number: float) -> str:
    if not math.isfinite(number):
        return str(number)
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
