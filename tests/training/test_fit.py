import copy
import json
import time

import pytest
import torch

from recurra import bundle
from recurra.errors import RecurraError
from recurra.training.fit import fit
from recurra.training.launch import launch
from recurra.training.standing import Judge
from recurra.training.stepper import Stepper
from tests.training.tiny import Tagger, TinyLoss, collate, network, recipe, rows, validate


def train(model, *, items=None, run=None, check=validate, higher=False, progress=None, **fields):
    return fit(
        model,
        rows() if items is None else items,
        collate,
        recipe=recipe(**fields),
        run=run,
        validate=check,
        metric="loss",
        higher=higher,
        progress=progress,
    )


@pytest.fixture
def run(tmp_path):
    return bundle.write(
        tmp_path / "run", {"task": "tiny", "recipe": {}}, network().state_dict(), {}, "card"
    )


def test_it_learns_and_ends_with_its_best_weights(run):
    model = network()
    before = validate(model)["loss"]
    history = train(model, run=run, epochs=12)
    assert history.stopped == "epochs"
    assert (history.step, history.epoch) == (72, 12.0)
    assert len(history.entries) == 12
    assert history.best < 0.6 * before
    assert history.best == min(entry["loss"] for entry in history.entries)
    assert not model.training
    assert validate(model)["loss"] == history.best
    saved = bundle.read(run).tensors
    assert all(torch.equal(saved[name], tensor) for name, tensor in model.state_dict().items())
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert log == history.entries
    assert log[3]["step"] == 24
    assert log[3]["steps"] == 36.0
    assert log[0]["learning_rate"] > log[11]["learning_rate"] > 0
    assert log[0]["tokens_per_second"] > 0


def test_best_is_kept_when_later_weights_are_worse(run):
    answers = iter([3.0, 1.0, 2.0, float("nan")])
    seen = []

    def check(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        seen.append(copy.deepcopy(model.state_dict()))
        return {"loss": next(answers)}

    model = network()
    history = train(model, run=run, check=check, epochs=4)
    assert (history.best, history.best_step) == (1.0, 12)
    assert history.entries[3]["loss"] is None
    for weights in model.state_dict(), bundle.read(run).tensors:
        assert all(torch.equal(weights[name], tensor) for name, tensor in seen[1].items())


def test_higher_and_lower():
    assert Judge(validate, "f1", True).better(0.5, 0.4)
    assert not Judge(validate, "f1", True).better(0.4, 0.4)
    assert Judge(validate, "loss", False).better(0.3, 0.4)
    assert not Judge(validate, "loss", False).better(float("-inf"), 0.4)


def test_same_seed_same_weights_and_nothing_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two, other = network(0.3), network(0.3), network(0.3)
    train(one)
    torch.rand(7)
    train(two)
    train(other, seed=1)
    assert torch.equal(one.body.weight, two.body.weight)
    assert not torch.equal(one.body.weight, other.body.weight)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("rate", "count"), [(0.3, 1), (0.0, 8)], ids=["drop", "order"])
def test_the_seed_decides_what_is_dropped_and_the_order_of_rows(rate, count):
    """Each alone: nothing is dropped, or there is but one row."""
    nets = [network(rate) for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        train(net, items=rows(count), seed=seed, batch_size=3)
    weights = [net.body.weight for net in nets]
    assert torch.allclose(weights[0], weights[1], atol=1e-6)
    assert not torch.allclose(weights[0], weights[2], atol=1e-4)


def test_accumulated_batches_equal_one_big_batch():
    """Weighted by steps, not by batches: the rows have 1 to 8 of them."""
    items = rows(12)
    fields = {"precision": "64-true", "epochs": 2, "clip": 0.5}
    one, four = network(), network()
    train(one, items=items, batch_size=12, **fields)
    train(four, items=items, batch_size=3, accumulate=4, **fields)
    assert one.body.weight.dtype == torch.float64
    torch.testing.assert_close(four.state_dict(), one.state_dict(), rtol=0, atol=1e-12)


def test_first_step_is_adamw_on_the_clipped_mean():
    items, model, expected = rows(5), network(), network()
    train(model, items=items, batch_size=5, epochs=1, schedule="constant", warmup=0.0, clip=0.1)
    optimiser = torch.optim.AdamW(
        [
            {"params": [expected.body.weight, expected.head.weight], "weight_decay": 0.01},
            {"params": [expected.body.bias, expected.head.bias], "weight_decay": 0.0},
        ],
        lr=0.02,
    )
    total, count = expected.loss(collate(items))
    (total / count).backward()
    norm = torch.nn.utils.clip_grad_norm_(expected.parameters(), 0.1)
    assert norm > 0.1
    optimiser.step()
    torch.testing.assert_close(model.state_dict(), expected.state_dict())


def test_gradient_is_that_of_the_mean_over_all_steps():
    """AdamW hides the scale of a gradient; its norm, which is clipped, tells it."""
    items, expected = rows(7), network()
    fabric = launch(recipe())
    stepper = Stepper(network(), items, collate, recipe(clip=0.0), fabric, None)
    group = [([0, 1, 2], collate(items[:3])), ([], None), ([3, 4, 5, 6], collate(items[3:]))]
    sums = stepper.step(1, group, 0.1, lambda: 5.0, lambda: True)
    total, count = expected.loss(collate(items))
    (total / count).backward()
    norm = torch.nn.utils.get_total_norm([p.grad for p in expected.parameters()])
    assert sums == pytest.approx((total.item(), int(count), int(count), 5.0, 1.0, norm.item()))


def test_smoothing_reaches_the_loss_in_training_only():
    seen = []

    class Listening(Tagger):
        def loss(self, batch, smoothing=0.0):
            seen.append((self.training, smoothing))
            return super().loss(batch, smoothing)

    train(Listening(), label_smoothing=0.1, epochs=1)
    assert set(seen) == {(True, 0.1), (False, 0.0)}


def test_own_predictions_are_fed_more_and_more():
    class Writing(Tagger):
        scheduled = 0.0

    seen = []

    def check(model):
        seen.append(model.scheduled)
        return validate(model)

    train(Writing(), check=check, epochs=5, scheduled_sampling=0.4)
    assert seen == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_the_training_loss_is_of_the_steps_since_the_last_validation():
    class Counting(Tagger):
        steps = 0

        def loss(self, batch, smoothing=0.0):
            total, count = super().loss(batch, smoothing)
            if self.training:
                self.steps += 1
                return TinyLoss(total * 0 + self.steps, count * 0 + 1)
            return TinyLoss(total, count)

    entries = train(Counting(), epochs=3).entries  # of 6 steps each
    assert [entry["train_loss"] for entry in entries] == pytest.approx([3.5, 9.5, 15.5])


def test_a_validation_within_an_epoch_leaves_training_on(monkeypatch):
    now, validating, seen = 1000.0, False, []
    monkeypatch.setattr("time.monotonic", lambda: now)

    class Slow(Tagger):
        def loss(self, batch, smoothing=0.0):
            nonlocal now
            now += 0.01
            if not validating:
                seen.append(self.training)
            return super().loss(batch, smoothing)

    def check(model):
        nonlocal validating
        validating = True
        found = validate(model)
        validating = False
        return found

    history = train(Slow(), items=rows(4000), check=check, epochs=1, max_time="2s")
    assert len(history.entries) > 2
    assert all(seen)


def test_patience_stops():
    answers = iter([2.0, 1.0, 1.5, 1.0, 1.1, 9.0])
    history = train(network(), check=lambda _: {"loss": next(answers)}, epochs=50, patience=3)
    assert history.stopped == "patience"
    assert len(history.entries) == 5


def test_plateau_halves_the_learning_rate():
    history = train(
        network(),
        check=lambda _: {"loss": 1.0},
        epochs=7,
        schedule="plateau",
        patience=4,
        warmup=0.0,
    )
    rates = [entry["learning_rate"] for entry in history.entries]
    assert rates == pytest.approx([0.02, 0.02, 0.02, 0.01, 0.01])  # stopped by patience


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_precisions(precision):
    model = network()
    before = validate(model)["loss"]
    assert train(model, precision=precision, epochs=6).best < before


@pytest.mark.parametrize(
    ("seconds_per_step", "seconds_per_validation"),
    [(0.001, 0.001), (0.01, 0.15), (0.15, 0.01)],
    ids=["quick", "slow validation", "slow steps"],
)
def test_max_time_includes_the_last_validation(
    seconds_per_step, seconds_per_validation, monkeypatch
):
    now = 1000.0  # told, not measured: a busy machine changes nothing
    monkeypatch.setattr("time.monotonic", lambda: now)

    class Slow(Tagger):
        def loss(self, batch, smoothing=0.0):
            nonlocal now
            now += seconds_per_step if self.training else 0.0
            return super().loss(batch, smoothing)

    def check(model):
        nonlocal now
        now += seconds_per_validation
        return validate(model)

    history = train(Slow(), items=rows(400), check=check, epochs=500, max_time="2s")
    assert history.stopped == "time"
    assert 1.0 < history.seconds <= 2.0
    assert history.seconds == pytest.approx(now - 1000)
    entries = history.entries
    assert entries[-1]["step"] == history.step
    assert len(entries) >= 3
    assert len(entries) * seconds_per_validation < 0.8
    peak = max(entry["learning_rate"] for entry in entries)
    assert entries[-1]["learning_rate"] < 0.15 * peak  # the cosine came down in time


def test_time_that_the_caller_spent_counts():
    began = time.monotonic() - 100
    history = fit(
        network(),
        rows(),
        collate,
        recipe=recipe(epochs=1000, max_time="100s"),
        run=None,
        validate=validate,
        metric="loss",
        higher=False,
        began=began,
    )
    assert (history.stopped, history.step) == ("time", 1)


def test_no_live_steps_is_no_division_by_zero():
    class Dead(Tagger):
        def loss(self, batch, smoothing=0.0):
            total, count = super().loss(batch, smoothing)
            return TinyLoss(total * 0, count * 0) if self.training else TinyLoss(total, count)

    model = Dead()
    before = model.body.bias.clone()
    train(model, epochs=1)
    assert torch.equal(model.body.bias, before)


def test_no_rows():
    with pytest.raises(RecurraError, match="no rows"):
        train(network(), items=[])


def test_metric_that_validation_does_not_give():
    with pytest.raises(RecurraError, match="no 'loss'; it gave: accuracy"):
        train(network(), check=lambda _: {"accuracy": 1.0})


def test_device_that_is_not_here():
    with pytest.raises(RecurraError, match=r"device: received 'cuda:63'.*use device cpu or auto"):
        train(network(), device="cuda:63")


def test_tensorboard_is_named_where_it_is_missing(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    monkeypatch.delitem(__import__("sys").modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(RecurraError, match=r"recurra\[tensorboard\]"):
        train(network(), run=run, tensorboard=True)


def test_time_before_the_training_is_no_steps_cost(run):
    history = fit(
        network(),
        rows(),
        collate,
        recipe=recipe(max_time="30s", epochs=2),
        run=run,
        validate=validate,
        metric="loss",
        higher=False,
        began=time.monotonic() - 20,  # the data took long to read
    )
    assert history.stopped == "epochs"
