"""A run from its first step to its last: when to step, validate, save and stop."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from recurra import bundle
from recurra.errors import BundleError, RecurraError
from recurra.training.average import Average
from recurra.training.batches import Batches
from recurra.training.checkpoint import RunFolder
from recurra.training.clock import Clock
from recurra.training.interrupt import Wish
from recurra.training.lookout import Lookout
from recurra.training.optimiser import learning_rate
from recurra.training.options import Taught
from recurra.training.progress import Progress, need_events
from recurra.training.snapshot import capture, restore
from recurra.training.standing import STOPPED, History, Judge, Standing, finite
from recurra.training.stepper import Stepper


class Loop:
    """One run of `fit`."""

    progress: Progress | None = None

    def __init__(
        self,
        stepper: Stepper,
        batches: Batches,
        loader: Any,
        run: RunFolder | None,
        clock: Clock,
        judge: Judge,
        asked: Wish,
    ) -> None:
        self.stepper, self.batches, self.loader = stepper, batches, loader
        self.run, self.clock, self.judge, self.asked = run, clock, judge, asked
        self.network, self.recipe, self.fabric = stepper.network, stepper.recipe, stepper.fabric
        self.standing = Standing()
        self.entries: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] | None = None
        self.average = Average(self.network, self.recipe.average) if self.recipe.average else None
        self.steps_per_epoch = -(-len(batches) // self.recipe.accumulate)
        self.order = [len(batches.lengths), self.recipe.batch_size, self.recipe.seed]
        every = self.recipe.diagnose_every if self.fabric.is_global_zero else 0
        self.lookout = Lookout(stepper, every) if every else None
        # The folder and the screen are the first process's.
        self.writer = run if self.fabric.is_global_zero else None

    def begin(self) -> None:
        """Start afresh, or go on where the run's last state was saved."""
        if self.recipe.tensorboard:
            need_events()  # refused before anything is written
        resumed = self.run is not None and self.recipe.resume and self.run.last.exists()
        if self.run is not None and resumed:
            self._resume(self.run)
        elif self.writer is not None:
            self.writer.begin()
        if self.fabric.world_size > 1:
            for tensor in self.network.state_dict().values():
                torch.distributed.broadcast(tensor, 0)
            if self.average is not None and not resumed:
                self.average = Average(self.network, self.recipe.average)
        if self.writer is not None and self.recipe.tensorboard:
            self.writer.open_events(self.standing.step)
        # Reading the data, and what else came before, is no step's cost and no saving's.
        self.clock.now = self._agree(self.clock.read())[0]
        if not resumed:
            self._save()  # so that a run killed early can be resumed too

    def _resume(self, run: RunFolder) -> None:
        tensors, state = run.load_last()
        try:
            if state["order"] != self.order:
                raise RecurraError(
                    f"{run.last} is of a run with (rows, batch_size, seed) {state['order']}; this "
                    f"one has {self.order}: resume with the same data and recipe, or start afresh"
                )
            self.standing = Standing(**state["standing"])
            self.clock.load_state_dict(state["clock"])
            self.loader.load_state_dict(state["loader"])
            self.fabric.strategy.precision.load_state_dict(state["scaler"])
            groups = state["groups"]
        except (KeyError, TypeError) as error:
            raise BundleError(f"{run.last} holds no state of a run: {error!r}") from error
        restore(
            *(tensors, groups, self.network, self.stepper.optimiser, self.fabric, run.last),
            self.average,
        )

        if self.standing.best is not None:
            self.best = bundle.read_weights(run.path)
        if self.writer is not None:
            kept = self.writer.rewind(self.standing.validated_step)
            self.entries = [entry for entry in kept if "train_loss" in entry]

    def train(self) -> str:
        """Train until something says stop, and return what."""
        accumulate = self.recipe.accumulate
        iterator = iter(self.loader)
        while self.batches.epoch < self.recipe.epochs:
            self._schedule_sampling()
            self.network.train()
            while self.batches.remaining > 0:
                count = min(accumulate, self.batches.remaining)
                self._step([next(iterator) for _ in range(count)])
                if reason := self._pause():
                    return reason
            next(iterator, None)  # the loader learns that the epoch is over
            iterator = iter(self.loader)
            if self.clock.validation_due(epoch_ends=True):
                self._validate()
            self._save()
            if self._patience_is_out():
                return "patience"
        return "epochs"

    def finish(self, reason: str) -> History:
        """Validate what was not yet, save, and put the best weights into the network."""
        standing = self.standing
        late = reason not in STOPPED and standing.step > standing.validated_step
        if late and self.clock.affords_validation:
            self._validate()
        if late or reason in (*STOPPED, "time"):
            self._save()
        if self.best is not None:
            bundle.fill(self.network, self.best, "the best checkpoint")
        else:
            # Nothing was validated: the trained weights are better than the initial ones.
            if self.average is not None:
                bundle.fill(self.network, self.average.kept, "the average")
            if self.writer is not None:
                self.writer.save_best(self.network.state_dict(), {"step": str(standing.step)})
        self.network.eval()
        if self.writer is not None:
            self.writer.close()
        return History(
            self.entries,
            standing.best,
            standing.best_step,
            reason,
            standing.step,
            self._epoch(),
            self.clock.now,
        )

    def _step(self, group: list[tuple[list[int], Any]]) -> None:
        standing = self.standing
        standing.rate = learning_rate(self.recipe, self._share(), standing.factor)
        clock = self.clock.read if self.fabric.is_global_zero else float  # float() is 0
        sums = self.stepper.step(standing.step + 1, group, standing.rate, clock, self.asked.is_set)
        standing.step += 1
        if self.average is not None:
            self.average.update(standing.step)
        standing.total += sums.total
        standing.count += sums.counted
        standing.tokens += sums.tokens
        standing.asked = sums.asked > 0
        if self.lookout is not None:
            self._look(self.lookout, sums.norm, group)
        self.clock.tick(sums.seconds)
        if self.progress is not None:
            loss = standing.total / max(standing.count, 1)
            epoch = min(self.batches.epoch + 1, self.recipe.epochs)
            self.progress.stepped(self._share(), epoch, loss, self._speed())

    def _look(self, lookout: Lookout, norm: float, group: list[tuple[list[int], Any]]) -> None:
        """Look at gradients through time where that is due, and write down what is seen."""
        lookout.stepped(norm)
        if not lookout.due(self.standing.step):
            return
        entry, warnings = lookout.look(self.standing.step, group)
        if self.writer is not None:
            self.writer.record(finite(entry))
        if self.progress is not None:
            for text in warnings:
                self.progress.warn(text)

    def _pause(self) -> str | None:
        """Do between two steps what is due; return why to stop."""
        if self.standing.asked:
            return self.asked.named
        if self.clock.over:
            return "time"
        if self.clock.validation_due(epoch_ends=False):
            self._validate()
            self._save()
            return "patience" if self._patience_is_out() else None
        if self.run is not None and self.clock.now - self.clock.saved_at >= self.run.every:
            self._save()
        return None

    def _validate(self) -> None:
        """Measure the weights, and keep them where they are the best so far."""
        standing, metrics = self.standing, {}
        if self.fabric.is_global_zero:
            self.network.eval()
            with torch.no_grad(), self.average.shown() if self.average else nullcontext():
                metrics = dict(self.judge.validate(self.network))
            self.network.train()
            if self.judge.metric not in metrics:
                raise RecurraError(
                    f"validation gave no {self.judge.metric!r}; it gave: {', '.join(metrics)}"
                )
        value, now = self._agree(float(metrics.get(self.judge.metric, 0.0)), self.clock.read())
        improved = self.judge.better(value, standing.best)
        speed = self._speed()
        self.clock.validated(now)
        standing.waited = 0 if improved else standing.waited + 1
        if improved:
            standing.best, standing.best_step = value, standing.step
            # Copied: on the CPU, the weights go on changing in place.
            weights = self._weights().items()
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in weights}
            if self.writer is not None:
                kept = {"step": str(standing.step), self.judge.metric: repr(value)}
                self.writer.save_best(self.best, kept)
        elif self.recipe.schedule == "plateau" and standing.waited % self._plateau() == 0:
            standing.factor /= 2
        entry = {
            "step": standing.step,
            "epoch": round(self._epoch(), 3),
            "seconds": round(now, 2),
            "train_loss": standing.total / max(standing.count, 1),
            "learning_rate": standing.rate,
            "tokens_per_second": round(speed, 1),
            **{name: float(number) for name, number in metrics.items()},
        }
        standing.total = standing.count = standing.tokens = 0.0
        standing.validated_step = standing.step
        told = finite(entry)
        self.entries.append(told)
        if self.writer is not None:
            self.writer.record(told)
        if self.progress is not None:
            self.progress.validated(told, self.judge.metric, improved)

    def _weights(self) -> Mapping[str, Tensor]:
        """Return what a run is for: the average where there is one, or the weights."""
        return self.average.kept if self.average is not None else self.network.state_dict()

    def _save(self) -> None:
        """Save the state that a resumed run goes on from; every process takes part."""
        if self.run is None:
            return
        tensors, groups = capture(self.network, self.stepper.optimiser, self.fabric, self.average)
        if self.writer is not None:
            state = {
                "order": self.order,
                "standing": asdict(self.standing),
                "clock": self.clock.state_dict(),
                "loader": self.loader.state_dict(),
                "scaler": self.fabric.strategy.precision.state_dict(),
                "groups": groups,
            }
            self.writer.save_last(tensors, state)
        self.clock.saved(self._agree(self.clock.read())[0])

    def _agree(self, *numbers: float) -> list[float]:
        """Return the first process's numbers, in every process."""
        if self.fabric.world_size == 1:
            return list(numbers)
        own = torch.tensor(numbers, dtype=torch.float64, device=self.fabric.device)
        torch.distributed.broadcast(own, 0)
        agreed: list[float] = own.tolist()
        return agreed

    def _share(self) -> float:
        """Return the share of the run that is done: of its steps or of its time, the larger."""
        whole = self.recipe.epochs * self.steps_per_epoch
        # of lanes, an epoch may have a batch more than the first one
        return max(min((self.standing.step + 0.5) / whole, 1.0), self.clock.share)

    def _schedule_sampling(self) -> None:
        """Let a network that writes read more of its own predictions in each epoch."""
        network: Any = self.network
        if isinstance(self.recipe, Taught) and self.recipe.scheduled_sampling:
            last = self.recipe.epochs - 1
            done = self.batches.epoch / last if last else 1.0
            network.scheduled = self.recipe.scheduled_sampling * max(done, self.clock.share)

    def _epoch(self) -> float:
        return self.standing.step / self.steps_per_epoch

    def _speed(self) -> float:
        return self.standing.tokens / max(self.clock.now - self.clock.validated_at, 1e-9)

    def _plateau(self) -> int:
        """Return the validations without improvement after which the learning rate is halved."""
        return max(1, self.recipe.patience // 2) if self.recipe.patience else 2

    def _patience_is_out(self) -> bool:
        return 0 < self.recipe.patience <= self.standing.waited
