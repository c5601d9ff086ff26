"""Rows of the fields that the training loop obeys, which is the same for every task."""

import copy
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from recurra.training import clock
from recurra.training.stepper import Stepper
from tests.training import tiny
from tests.training.test_fit import train

from .table import proves_for_all

N = 22  # rows that the tiny network is trained on


class Step(NamedTuple):
    """What one step of the optimiser was: rows by batch, rate, gradients, weights before."""

    rows: list[list[int]]
    rate: float
    gradients: list[Tensor]
    before: nn.Module


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Step]]:
    """Yield the steps that are taken, as the optimiser takes them."""
    taken: list[Step] = []
    found: dict[str, Any] = {}

    def applied(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        found["rate"] = {group["lr"] for group in optimiser.param_groups}
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        found["gradients"] = {id(p): p.grad.clone() for p in parameters}

    step = Stepper.step

    def watched(self: Stepper, number: int, group: Any, *args: Any) -> Any:
        before = copy.deepcopy(self.network)
        sums = step(self, number, group, *args)
        (rate,) = found["rate"]
        gradients = [found["gradients"][id(p)] for p in self.network.parameters()]
        taken.append(Step([rows for rows, _ in group], rate, gradients, before))
        return sums

    monkeypatch.setattr(Stepper, "step", watched)
    handle = register_optimizer_step_post_hook(applied)
    yield taken
    handle.remove()


def gradient(step: Step) -> list[Tensor]:
    """Return the gradient of the mean over all live steps of all rows, row by row in float64."""
    network, items = step.before.double(), tiny.rows()
    network.zero_grad()
    count = 0
    for row in [row for batch in step.rows for row in batch]:
        x, y = items[row]
        total, live = network.loss(tiny.collate([(x.double(), y.double())]))
        total.backward()
        count += int(live)
    return [p.grad / count for p in network.parameters()]


def norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(g.double().square().sum()) for g in gradients))


@proves_for_all("epochs")
def test_epochs_is_how_often_every_row_is_read(steps: list[Step]):
    history = train(tiny.network(), epochs=3)
    seen = [row for step in steps for batch in step.rows for row in batch]
    assert sorted(seen) == sorted(list(range(N)) * 3)
    assert sorted(seen[:N]) == list(range(N))
    assert (history.epoch, len(history.entries)) == (3, 3)


@proves_for_all("batch_size")
def test_batch_size_is_the_rows_of_every_batch_but_one(steps: list[Step]):
    train(tiny.network(), epochs=1, batch_size=5)
    assert sorted(len(rows) for step in steps for rows in step.rows) == [2, 5, 5, 5, 5]


@proves_for_all("accumulate")
def test_accumulated_batches_are_one_step_of_all_their_rows(steps: list[Step]):
    train(tiny.network(), epochs=2, batch_size=5, accumulate=3, clip=0.0)
    assert [len(step.rows) for step in steps] == [3, 2] * 2
    for step in steps:
        for found, wanted in zip(step.gradients, gradient(step), strict=True):
            assert torch.allclose(found.double(), wanted, atol=1e-6)


@proves_for_all("clip")
def test_clip_shortens_longer_gradients_to_its_norm(steps: list[Step]):
    train(tiny.network(), epochs=1, clip=0.05)
    train(tiny.network(), epochs=1, clip=0.0)
    short, whole = steps[:6], steps[6:]
    assert all(norm(gradient(step)) > 0.06 for step in steps)
    for step in short:
        assert norm(step.gradients) == pytest.approx(0.05, rel=1e-4)
        scale = 0.05 / norm(gradient(step))
        for found, wanted in zip(step.gradients, gradient(step), strict=True):
            assert torch.allclose(found.double(), wanted * scale, atol=1e-6)
    for step in whole:
        assert norm(step.gradients) == pytest.approx(norm(gradient(step)), rel=1e-4)


@proves_for_all("clip")
def test_clip_leaves_shorter_gradients(steps: list[Step]):
    train(tiny.network(), epochs=1, clip=1e3)
    for step in steps:
        assert norm(step.gradients) == pytest.approx(norm(gradient(step)), rel=1e-4)


def averaged(weights: list[nn.Module], decay: float) -> nn.Module:
    """Return the moving average of weights, of which the first are those before any step."""
    found = copy.deepcopy(weights[0])
    for n, after in enumerate(weights[1:], 1):
        share = min(decay, (1 + n) / (10 + n))
        for kept, own in zip(found.parameters(), after.parameters(), strict=True):
            kept.data = share * kept.data + (1 - share) * own.data
    return found


@proves_for_all("average")
@pytest.mark.parametrize("decay", [0.9, 0.1])
def test_average_is_what_is_validated_and_kept(steps: list[Step], decay: float):
    seen: list[nn.Module] = []

    def check(network: nn.Module) -> dict[str, float]:
        seen.append(copy.deepcopy(network))
        return {"loss": float(len(seen) != 2)}  # the second is the best

    network = tiny.network()
    train(network, check=check, epochs=3, average=decay)
    weights = [step.before for step in steps]
    for epoch, validated in enumerate(seen[:2], 1):
        wanted = averaged(weights[: 6 * epoch + 1], decay)
        for found, other in zip(validated.parameters(), wanted.parameters(), strict=True):
            assert torch.allclose(found, other, atol=1e-6)
    for found, kept in zip(network.parameters(), seen[1].parameters(), strict=True):
        assert torch.equal(found, kept)


@proves_for_all("learning_rate")
def test_learning_rate_is_the_optimisers(steps: list[Step]):
    train(tiny.network(), epochs=1, schedule="constant", warmup=0.0, learning_rate=0.0123)
    assert {step.rate for step in steps} == {0.0123}
    # AdamW's first step moves every weight by the rate, whatever the gradient's size
    first, second = (list(step.before.parameters()) for step in steps[:2])
    moved = [b.detach() - a.detach() for a, b in zip(first, second, strict=True)]
    biases = [change for change in moved if change.ndim == 1]
    assert all(torch.allclose(c.abs(), torch.tensor(0.0123), rtol=0.02) for c in biases)


@proves_for_all("warmup")
def test_warmup_rises_in_a_straight_line(steps: list[Step]):
    train(tiny.network(), epochs=4, schedule="constant", warmup=0.5, learning_rate=0.02)
    rates = [step.rate for step in steps]
    assert len(rates) == 24
    assert rates == pytest.approx([0.02 * min(1, (k + 0.5) / 12) for k in range(24)])


@proves_for_all("schedule")
def test_the_cosine_falls_to_nothing(steps: list[Step]):
    train(tiny.network(), epochs=4, schedule="cosine", warmup=0.25, learning_rate=0.02)
    wanted = [0.02 * (k + 0.5) / 6 for k in range(6)]
    wanted += [0.01 * (1 + math.cos(math.pi * (k + 0.5) / 18)) for k in range(18)]
    assert [step.rate for step in steps] == pytest.approx(wanted)


@proves_for_all("schedule")
def test_a_plateau_halves_the_rate(steps: list[Step]):
    losses = iter([3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0, 9.0])
    fields: dict[str, Any] = {"warmup": 0.0, "schedule": "plateau", "patience": 0}
    train(
        tiny.network(),
        check=lambda _: {"loss": next(losses)},
        epochs=8,
        learning_rate=0.02,
        **fields,
    )
    assert [step.rate for step in steps[::6]] == [0.02] * 4 + [0.01] * 2 + [0.005] * 2


@proves_for_all("weight_decay")
def test_weight_decay_shrinks_matrices_alone():
    class Still(tiny.Tagger):
        def loss(self, batch: Any, smoothing: float = 0.0) -> Any:
            total, count = super().loss(batch, smoothing)
            return tiny.TinyLoss(total * 0, count)

    still: dict[str, Any] = {"epochs": 1, "schedule": "constant", "warmup": 0.0}
    for decay in (0.5, 0.0):
        network = Still()
        before = copy.deepcopy(network.state_dict())
        train(network, check=lambda _: {"loss": 1.0}, weight_decay=decay, **still)
        # the first validation is after all six steps, and its weights are the best
        for name, weights in network.state_dict().items():
            factor = (1 - 0.02 * decay) ** 6 if weights.ndim > 1 else 1.0
            assert torch.allclose(weights, before[name] * factor, rtol=1e-5)


@proves_for_all("patience")
@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7), (0, 8)])
def test_patience_is_how_many_validations_may_bring_nothing(patience: int, epochs: int):
    losses = [3.0, 2.0, 2.0, 1.5, 1.6, 1.7, 1.8, 1.4]
    answers = iter(losses)
    # 3, 2, no, 1.5, no, no, no, 1.4: a validation that brings something starts the count anew
    history = train(
        tiny.network(), check=lambda _: {"loss": next(answers)}, epochs=8, patience=patience
    )
    assert len(history.entries) == epochs
    assert history.stopped == ("epochs" if epochs == 8 else "patience")
    assert history.best == min(losses[:epochs])
    assert history.best_step == 6 * (losses.index(history.best) + 1)


@proves_for_all("max_time")
@pytest.mark.parametrize(
    ("limit", "stopped"), [("30s", "time"), ("1h", "epochs"), (None, "epochs")]
)
def test_max_time_ends_a_run_in_time(
    limit: str | None, stopped: str, monkeypatch: pytest.MonkeyPatch
):
    class Ticking:
        now = 0.0

        @classmethod
        def monotonic(cls) -> float:
            cls.now += 0.5  # each look at the clock takes half a second
            return cls.now

    monkeypatch.setattr(clock, "time", Ticking)
    began = Ticking.monotonic()
    from recurra.training.fit import fit

    history = fit(
        tiny.network(),
        tiny.rows(),
        tiny.collate,
        recipe=tiny.recipe(epochs=20, max_time=limit),
        run=None,
        validate=tiny.validate,
        metric="loss",
        higher=False,
        began=began,
    )
    assert history.stopped == stopped
    assert (history.step < 120) is (stopped == "time")
    if stopped == "time":
        assert 15 < history.seconds <= 30
        assert history.best is not None
