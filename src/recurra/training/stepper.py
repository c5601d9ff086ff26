"""One step of the optimiser, over the batches of all processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from recurra.diagnostics.trace import Fault
from recurra.errors import RecurraError
from recurra.topologies.carry import carrying
from recurra.training import faults
from recurra.training.batches import Item, lengths, placed
from recurra.training.optimiser import adamw
from recurra.training.options import Classes
from recurra.training.recipe import Recipe
from recurra.training.snapshot import generators, set_generators

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Group = Sequence[tuple[list[int], Any]]  # row numbers and batch; None where there are no rows


class NotFinite(RecurraError):  # noqa: N818, it is what happened
    """A loss or a gradient stopped being finite; the weights were not moved.

    Attributes:
        fault: where, at which step of the sequence and of training; None: in no recurrent layer.
    """

    fault: Fault | None = None


class Sums(NamedTuple):
    """Sums over all processes of one step, and the norm of its gradient."""

    total: float
    counted: float
    tokens: float
    seconds: float
    asked: float
    norm: float


class Stepper:
    """Moves a network's weights.

    Gradients are summed over batches and processes and divided by the count of all of them, so
    that the same rows give the same step however they are dealt out: the strategy's own averaging
    would weigh a process with few tokens like one with many, and cannot pass over one with none.

    Args:
        network: on its device, with `loss(batch, smoothing=)`.
        items: encoded examples, and `collate`, for the rows that a fault is looked for in.
        recipe: rates, clipping, smoothing, precision.
        fabric: launched.
        describe: row number → where the row comes from.
    """

    def __init__(
        self,
        network: nn.Module,
        items: Sequence[Item],
        collate: Callable[[Sequence[Item]], Any],
        recipe: Recipe,
        fabric: Fabric,
        describe: Callable[[int], str] | None,
    ) -> None:
        self.network, self.items, self.collate = network, items, collate
        self.recipe, self.fabric, self.describe = recipe, fabric, describe
        self.lengths = lengths(items)
        self.optimiser = adamw(network, recipe)
        self.scaled: Any = fabric.setup_optimizers(self.optimiser)
        self.parameters = [p for p in network.parameters() if p.requires_grad]

    def loss(self, batch: Any) -> Any:
        """Return the loss of a batch: a sum and its count."""
        recipe = self.recipe
        options = {"smoothing": recipe.label_smoothing} if isinstance(recipe, Classes) else {}
        with self.fabric.autocast():
            # every topology has `loss`; nn.Module does not say so
            return self.network.loss(  # type: ignore[operator]
                placed(batch, self.network), **options
            )

    def afresh(self, batch: Any) -> Any:
        """Return the loss of a batch that goes on from no other; the state carried is kept."""
        with carrying(self.network):
            return self.loss(batch)

    def step(
        self,
        number: int,
        group: Group,
        rate: float,
        clock: Callable[[], float],
        asked: Callable[[], bool],
    ) -> Sums:
        """Take one step at the learning rate `rate`.

        Args:
            number: of the step, for error texts.
            group: this process's batches.
            rate: learning rate.
            clock: seconds of the run in the first process, 0 in the others.
            asked: whether this process was asked to stop.
        Raises:
            RecurraError: the loss or the gradient is not finite, or the memory is full. The
                weights were not moved.
        """
        random = generators(self.fabric.device)
        sums = torch.zeros(5, dtype=torch.float64, device=self.fabric.device)
        for options in self.optimiser.param_groups:
            options["lr"] = rate
        self.optimiser.zero_grad()
        try:
            for rows, batch in group:
                if rows:
                    loss = self.loss(batch)
                    self.fabric.backward(loss.total)
                    sums[0] += loss.total.detach()
                    sums[1] += loss.count
        except torch.OutOfMemoryError as error:
            raise RecurraError(
                f"step {number}: the device's memory is full at {len(rows)} rows of up to "
                f"{max(self.lengths[row] for row in rows)} steps; lower batch_size (and "
                "raise accumulate), max_length or hidden"
            ) from error
        tokens = sum(int(self.lengths[row]) for rows, _ in group for row in rows)
        sums[2:] = torch.tensor([tokens, clock(), asked()], dtype=torch.float64)
        norm = self._add_up(sums)
        found = Sums(*torch.cat([sums, norm.double().reshape(1)]).tolist())
        if not math.isfinite(found.total):
            raise self._fault(number, f"the loss became {found.total}", group, random, False)
        # A 16-bit scaler looks for its scale by overflowing, and skips such steps.
        if not math.isfinite(found.norm) and self.recipe.precision != "16-mixed":
            raise self._fault(number, "the gradient is not finite", group, random, True)
        self.scaled.step()
        return found

    def _add_up(self, sums: Tensor) -> Tensor:
        """Make `sums` and the gradients those of all processes; return the gradient's norm."""
        several = self.fabric.world_size > 1
        if several:
            self.fabric.all_reduce(sums, reduce_op="sum")
        scale = sums[1].clamp(min=1).reciprocal()
        for parameter in self.parameters:
            if parameter.grad is None:  # unused here, but perhaps not in another process
                parameter.grad = torch.zeros_like(parameter)
            if several:
                self.fabric.all_reduce(parameter.grad, reduce_op="sum")
            parameter.grad.mul_(scale.to(parameter.grad.dtype))
        norm = self.fabric.clip_gradients(
            self.network,
            self.scaled,
            max_norm=self.recipe.clip or math.inf,
            error_if_nonfinite=False,
        )
        assert norm is not None
        return norm

    def _fault(
        self, number: int, what: str, group: Group, random: dict[str, Tensor], backward: bool
    ) -> NotFinite:
        """Return the error that says where a number stopped being finite."""

        def total(batch: Any) -> Tensor:
            # `loss` is untyped, see there
            return self.loss(batch).total  # type: ignore[no-any-return]

        def alone(row: int) -> Tensor:
            return total(self.collate([self.items[row]]))

        place: str | None = None
        set_generators(random, self.fabric.device)
        self.optimiser.zero_grad()
        for rows, batch in group:
            if rows and not place:
                # mypy infers no type for a lambda with a default
                place = faults.blame(self.network, lambda b=batch: total(b), backward=backward)  # type: ignore[misc]
        every = [row for rows, _ in group for row in rows]
        bad = faults.bad_rows(self.network, every, alone, backward=backward)
        here = place or ("no layer of this process" if not bad else "the sum over rows")
        kind = "gradient" if backward else "loss"
        fault = faults.in_time(self.network, lambda: alone(bad[0]), number, bad[0]) if bad else None
        when = "" if fault is None else f" and, in time, in {fault.where} at step {fault.time}"
        error = NotFinite(
            f"step {number}: {what}; first in {here}{when}; rows whose own {kind} is not finite: "
            f"{faults.named(bad, len(every), self.describe)}; mend them, or lower learning_rate "
            "or clip; the last good checkpoint is kept"
        )
        error.fault = fault
        return error
