"""What experiments call diverged, failed, and vanished, on cases whose answer is known."""

import math

import pytest
import torch
from torch import nn

from recurra.limits import Case, plain
from recurra.limits.experiments import EXPERIMENTS, exploding, find, future, training, vanishing
from recurra.limits.experiments.exploding import Run, Way
from recurra.limits.finding import KINDS
from recurra.limits.problems import best_guess
from recurra.tasks.catalogue import find as find_task
from recurra.tasks.run import complete


@pytest.mark.parametrize(
    ("losses", "diverged"),
    [
        ([1.0, 0.5], False),
        ([1.0, 9.9], False),
        ([1.0, 10.1], True),
        ([1.0, math.nan], True),
        ([1.0, math.inf], True),
        ([1.0, 50.0, 0.3], False),
    ],
)
def test_a_run_has_diverged_where_its_last_loss_is_no_loss(
    losses: list[float], diverged: bool
) -> None:
    assert Run(losses, losses).diverged is diverged


def test_large_weights_explode_and_clipping_saves_them() -> None:
    def large() -> nn.RNN:
        layer = nn.RNN(2, 16, nonlinearity="relu", batch_first=True)
        with torch.no_grad():
            layer.get_parameter("weight_hh_l0").copy_(2.0 * torch.eye(16))
        return layer

    lost = exploding.train(Way("large", large), 40, 10, 0)
    assert lost.diverged
    assert len(lost.losses) < 10  # it ends where there is no number
    assert max(lost.norms[:1]) > 1e6
    small = exploding.train(Way("small", exploding.WAYS[-1].build), 40, 10, 0)
    assert not small.diverged
    assert len(small.losses) == len(small.norms) == 10
    held = exploding.train(Way("clipped", exploding.WAYS[-1].build, 1e-9), 40, 10, 0)
    # norms are told as they were before clipping, and hardly a weight moves
    assert held.norms[0] == pytest.approx(small.norms[0])
    assert held.losses[0] == pytest.approx(small.losses[0])
    assert held.losses[-1] > small.losses[-1]


def test_of_gradients_that_vanish_the_page_tells_how_far_they_come() -> None:
    found = vanishing.run(Case(seeds=1))
    rows = {row[0]: row[2:] for row in found.tables[0].rows}
    lost, kept = rows["nn.LSTM"], rows["MinGRU, time_scale"]
    assert float(str(lost[2])) < 1e-20
    assert float(str(kept[2])) > 0.05
    assert kept[3] == "≥ 360"
    assert 4 < float(str(lost[3])) < 20
    assert "nn.LSTM" in found.verdict
    lags = [lag for lag, _ in found.plots[0].lines["nn.LSTM"]]
    assert set(vanishing.LAGS) <= set(lags)


@pytest.mark.parametrize(
    ("value", "trivial", "lower", "failed"),
    [
        (0.6, 0.5, False, False),
        (0.5, 0.5, False, True),
        (0.4, 0.5, False, True),
        (0.4, 0.5, True, False),
        (0.5, 0.5, True, True),
        (math.nan, 0.5, False, True),
        (math.nan, 0.5, True, True),
    ],
)
def test_a_training_has_failed_where_it_is_no_better_than_the_trivial(
    value: float, trivial: float, lower: bool, failed: bool
) -> None:
    assert training.failed(value, trivial, lower=lower) is failed


@pytest.mark.parametrize("name", list(plain.NETWORKS))
def test_plain_networks_read_the_batches_of_their_task_and_learn(name: str) -> None:
    task = find_task(name)
    recipe = complete(task, {})
    splits = task.read(recipe)
    few = splits.train[:16]
    codec = task.fit(few, recipe)
    items = task.items(codec, few, recipe)
    torch.manual_seed(0)
    network = plain.NETWORKS[name](codec)
    inside = [part for part in network.modules() if type(part).__name__ == "LSTM"]
    assert inside, "it is to be PyTorch's LSTM"
    bound = 1 / math.sqrt(plain.HIDDEN)
    for part in inside:  # as torch.nn starts it; a bias is the sum of its two
        assert part.get_parameter("from_state").abs().max() <= bound
        assert part.get_parameter("bias").abs().max() > bound / 2
    batch = codec.collate(list(items))
    before = network.loss(batch)  # type: ignore[operator]  # every topology has it
    steps = iter(range(12))
    passes = plain.train(network, items, codec, lambda: next(steps) < 10)
    after = network.loss(batch)  # type: ignore[operator]  # every topology has it
    assert passes == 11
    assert after.total.item() < 0.999 * before.total.item()


def test_models_that_see_more_are_trained_to_see_it() -> None:
    way = next(way for way in future.WAYS if way.delay == future.AHEAD)
    torch.manual_seed(0)
    model = way.build()
    assert model(torch.zeros(2, 5, 1)).shape == (2, 5, 1)
    # a later coin reaches the answer, one beyond the look-ahead does not
    x = torch.zeros(1, 20, 1, requires_grad=True)
    model(x)[0, 4, 0].backward()
    assert x.grad is not None
    reached = x.grad[0, :, 0] != 0
    assert not reached[4 + future.AHEAD + 1 :].any()
    untrained = future.accuracy(model, 0)
    assert untrained < best_guess(future.AHEAD, 0) + 0.05


def test_every_experiment_can_be_found_and_says_what_it_is() -> None:
    names = [one.name for one in EXPERIMENTS]
    assert len(set(names)) == len(names)
    for one in EXPERIMENTS:
        assert find(one.name) is one
        assert one.kind in KINDS
        assert one.title
        assert 0 < one.quick <= one.seconds
    assert sum(one.seconds for one in EXPERIMENTS) <= 15 * 60
    assert sum(one.quick for one in EXPERIMENTS) <= 3 * 60
