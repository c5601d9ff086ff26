"""What a diagnosis says: by layer, and of the whole model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra.diagnostics.findings import Finding
from recurra.diagnostics.memory import Memory
from recurra.diagnostics.trace import Fault
from recurra.errors import RecurraError
from recurra.storage import reason, replace_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class LayerReport:
    """What was measured of one layer, in one depth and direction.

    Args:
        name: as the model names it.
        module: in code, for cures.
        kind: lstm, gru, tanh, relu, or the class of a cell.
        calls: how often the loss has called it.
        steps: of its longest sequence.
        rows: of that.
        horizon: steps from which a hundredth of a gradient comes back; None: not measured.
        half_life: steps in which it is halved.
        lags: steps back.
        median: gain at each lag, ‖vᵀ ∂s_T/∂s_{T−lag}‖; the median over rows.
        low: its lower quartile.
        high: its upper quartile.
        times: steps that each state has seen, of `loss_gradient`.
        loss_gradient: ‖∂L/∂h_t‖; the median over rows.
        depends: whether the loss depends on it.
        exponents: the largest Lyapunov exponents, in nats per step.
        saturated: by gate, the share of units and steps at which its slope is below a tenth.
        dead: the share of units that never move; None: too few steps to tell.
        time_constants: steps for which units remember: the 10 %, 50 % and 90 % quantile.
        update: learning rate × ‖gradient‖ / ‖weights‖.
        of_recipe: whether a recipe made it.
    """

    name: str
    module: str
    kind: str
    calls: int = 0
    steps: int = 0
    rows: int = 0
    horizon: float | None = None
    half_life: float | None = None
    lags: list[int] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    loss_gradient: list[float] = field(default_factory=list)
    depends: bool = False
    exponents: list[float] = field(default_factory=list)
    saturated: dict[str, float] = field(default_factory=dict)
    dead: float | None = None
    time_constants: tuple[float, float, float] | None = None
    update: float | None = None
    of_recipe: bool = False


@dataclass
class Report:
    """A diagnosis.

    Args:
        layers: what was measured of each.
        loss: of the batch.
        gradient_norm: of all parameters.
        clip: the norm at which gradients are clipped; 0: they are not.
        clipped: the share of batches whose gradient is above it.
        acted: the share of training steps whose gradient was clipped, where a run's log has it.
        learning_rate: of `update`.
        memory: the loss as the context is cut; None: it cannot be.
        fault: where a number is first not finite.
        trained: whether the model has learned already.
        findings: what it all means.
    """

    layers: list[LayerReport]
    loss: float
    gradient_norm: float | None
    clip: float
    clipped: float | None
    learning_rate: float
    memory: Memory | None
    fault: Fault | None
    trained: bool
    title: str = ""
    acted: float | None = None
    findings: list[Finding] = field(default_factory=list)

    def __getitem__(self, name: str) -> LayerReport:
        """Return what was measured of a layer.

        Raises:
            KeyError: there is none of this name.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise KeyError(f"no layer {name!r}; there are {known}")

    @property
    def horizon(self) -> float | None:
        """The shortest horizon of all layers."""
        return min((la.horizon for la in self.layers if la.horizon is not None), default=None)

    def asdict(self) -> dict[str, Any]:
        """Return everything as plain values; what is not finite is None."""
        fields = dict(vars(self))
        fields["layers"] = [dict(vars(layer)) for layer in self.layers]
        fields["findings"] = [finding._asdict() for finding in self.findings]
        fields["fault"] = None if self.fault is None else self.fault._asdict()
        if self.memory is not None:
            memory = self.memory
            fields["memory"] = {
                **memory._asdict(),
                "effective": memory.effective,
                "worth": memory.worth,
            }
        found: dict[str, Any] = _finite(fields)
        return found

    def save(self, folder: str | Path, before: Report | None = None) -> tuple[Path, Path]:
        """Write report.json and report.html; return where they are.

        Args:
            folder: is made where it is missing.
            before: an earlier report, that is shown beside.
        Raises:
            RecurraError: the disk refused.
        """
        from recurra.diagnostics.sheet import html

        home = Path(folder)
        paths = home / "report.json", home / "report.html"
        told = self.asdict() | ({} if before is None else {"before": before.asdict()})
        try:
            home.mkdir(parents=True, exist_ok=True)
            replace_text(paths[0], json.dumps(told, indent=1) + "\n")
            replace_text(paths[1], html(self, before))
        except OSError as error:
            raise RecurraError(f"{home} cannot be written: {reason(error)}") from error
        return paths

    def show(self, console: Console | None = None, before: Report | None = None) -> None:
        """Print one screen."""
        from recurra.diagnostics.screen import show

        show(self, console, before)

    def __str__(self) -> str:
        """Return the screen as text."""
        from recurra.diagnostics.screen import text

        return text(self)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
