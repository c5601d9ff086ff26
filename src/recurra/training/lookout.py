"""A look at gradients through time now and then, while a network is trained."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from recurra.data.windows import Stretches
from recurra.diagnostics.diagnose import measure
from recurra.diagnostics.findings import EXPLODING, NOT_FINITE, VANISHING, Finding
from recurra.training.stepper import Group, Stepper

ROWS, STATES = 4, 32  # rows that are looked at, and states of a sequence that are kept
SHARE = 0.04  # of the run's time, which looks never take more of
WARNED = (VANISHING, EXPLODING, NOT_FINITE)


class Lookout:
    """Looks every so many steps, at few rows of the batch, and costs less than a twentieth.

    A look that would take more than its share of the time so far is put off. It changes nothing:
    neither weights nor gradients nor random numbers.

    Args:
        stepper: what moves the weights.
        every: steps from one look to the next.
    """

    def __init__(self, stepper: Stepper, every: int) -> None:
        self.stepper, self.every = stepper, every
        self.began, self.spent, self.dearest = time.monotonic(), 0.0, 0.0
        self.wanted = False
        self.steps = self.clipped = 0
        self.told: set[str] = set()

    def stepped(self, norm: float) -> None:
        """Count a step whose gradient had this norm before it was clipped."""
        clip = self.stepper.recipe.clip
        self.steps += 1
        self.clipped += bool(clip) and norm > clip

    def due(self, step: int) -> bool:
        """Return whether a look is due after this step, and its time is there."""
        self.wanted = bool(self.every) and (self.wanted or step % self.every == 0)
        passed = time.monotonic() - self.began
        return self.wanted and self.spent + self.dearest <= SHARE * passed

    def look(self, step: int, group: Group) -> tuple[dict[str, Any], list[str]]:
        """Return what is to be written down, and warnings that were not given before."""
        began = time.monotonic()
        self.wanted = False
        entry: dict[str, Any] = {"step": step}
        try:
            found, layers = self._measured(group)
        except Exception as error:  # whatever it is, hours of training do not end in it
            self.every = 0
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            return entry, [f"step {step}: gradients through time are looked at no more: {reason}"]
        for name, horizon, growth in layers:
            entry[f"horizon/{name}"], entry[f"growth/{name}"] = horizon, growth
        entry["clipped"] = self.clipped / max(self.steps, 1)
        self.steps = self.clipped = 0
        took = time.monotonic() - began
        self.spent, self.dearest = self.spent + took, max(self.dearest, took)
        warnings = []
        for finding in found:
            if finding.verdict in WARNED and finding.verdict not in self.told:
                self.told.add(finding.verdict)
                warnings.append(_told(step, finding))
        return entry, warnings

    def _measured(
        self, group: Group
    ) -> tuple[list[Finding], list[tuple[str, float | None, float | None]]]:
        stepper = self.stepper
        rows = next((rows for rows, _ in group if rows), [])
        if not rows:
            return [], []
        longest = max(stepper.lengths[row] for row in rows)
        # as long as each other: then fused kernels run over whole chunks
        rows = [row for row in rows if stepper.lengths[row] == longest][:ROWS]
        items = [stepper.items[row] for row in rows]
        if isinstance(stepper.items, Stretches):  # whatever went before, these begin afresh
            items = [(*item[:-1], torch.tensor(True)) for item in items]
        report = measure(
            stepper.network,
            stepper.collate(items),
            lambda _, batch: stepper.afresh(batch),
            most=STATES,
            probes=1,
            count=0,
            remember=False,
            of_recipe=True,
        )
        return report.findings, [
            (layer.name, layer.horizon, _most(layer.median)) for layer in report.layers
        ]


def _most(gains: Sequence[float]) -> float | None:
    known = [gain for gain in gains if math.isfinite(gain)]
    return max(known, default=None)


def _told(step: int, finding: Finding) -> str:
    value = "" if finding.value is None else f" {finding.value:.3g}"
    limit = "" if finding.threshold is None else f" (threshold {finding.threshold:.3g})"
    return (
        f"step {step}: {finding.verdict}: {finding.layer}: {finding.measure}{value}{limit}; "
        f"{finding.cure}"
    )
