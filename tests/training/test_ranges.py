"""The range test: against a quadratic whose largest stable rate is known, and a loop by hand."""

import copy
import math

import pytest
import torch
from torch import nn

from recurra.errors import InputError, RecurraError
from recurra.training.batches import Batches, ranks
from recurra.training.ranges import RangeTest, range_test, rates_of
from recurra.training.stepper import NotFinite
from tests.training.tiny import collate, network, recipe, rows


def quadratic(curvature, noise=0.0):
    """Return gradient descent on λ w² / 2, stable up to the rate 2 / λ."""
    w, random = torch.tensor(1.0, dtype=torch.float64), torch.Generator().manual_seed(0)

    def step(rate):
        loss = curvature * float(w) ** 2 / 2 + noise * float(torch.rand(1, generator=random))
        w.mul_(1 - rate * curvature)
        return loss

    return step


@pytest.mark.parametrize("curvature", [0.5, 20.0, 3000.0])
def test_the_lowest_loss_is_at_the_largest_stable_rate(curvature):
    found = range_test(quadratic(curvature), lowest=1e-6, highest=100.0, tries=400)
    window = found.half * math.log(found.rates[1] / found.rates[0])  # a median is as exact
    assert abs(math.log(found.lowest * curvature / 2)) <= window < 1
    assert found.suggestion == found.lowest / 10
    assert found.diverged
    assert found.rates[-1] < 100


@pytest.mark.parametrize("curvature", [0.5, 20.0, 3000.0])
def test_under_noise_the_suggestion_is_stable_and_not_a_hundredth_of_that(curvature):
    found = range_test(quadratic(curvature, 0.02), lowest=1e-6, highest=100.0)
    assert 0.02 / curvature < found.suggestion < 2 / curvature


def test_rates_grow_by_equal_factors():
    seen = []
    found = range_test(lambda rate: seen.append(rate) or 1.0, lowest=1e-4, highest=0.1, tries=61)
    assert seen == found.rates
    assert seen == pytest.approx([1e-4 * 10 ** (k / 20) for k in range(61)])


def test_a_loss_that_does_not_fall_has_no_suggestion():
    random = torch.Generator().manual_seed(3)
    found = range_test(lambda _: float(torch.rand(1, generator=random)), tries=60)
    assert (found.suggestion, found.lowest, found.diverged) == (None, None, False)
    assert len(found.rates) == 60


def test_a_loss_that_becomes_no_number_ends_it_but_not_at_the_beginning():
    losses = iter([*(10.0 - k for k in range(15)), math.inf])
    assert range_test(lambda _: next(losses), tries=40).losses == [10.0 - k for k in range(15)]
    with pytest.raises(InputError, match="the loss is nan at the learning rate 1e-06 already"):
        range_test(lambda _: math.nan)


def test_noise_of_one_batch_moves_nothing():
    falling = [10.0 - 0.1 * k for k in range(80)] + [2.0 + 0.5 * k for k in range(20)]
    rates = [1e-5 * 1.1**k for k in range(100)]
    spoiled = [-50.0 if k == 30 else loss for k, loss in enumerate(falling)]
    assert rates[75] <= RangeTest(rates, falling, 5).lowest <= rates[85]
    assert rates[75] <= RangeTest(rates, spoiled, 5).lowest <= rates[85]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"lowest": 0.0}, "lowest is 0.0"),
        ({"highest": math.inf}, "highest is inf"),
        ({"lowest": 1.0, "highest": 0.1}, "the rate is to grow"),
        ({"tries": 39}, "tries is 39"),
        ({"tries": 10**6}, "tries is 1000000"),
    ],
)
def test_what_no_test_can_use(options, says):
    with pytest.raises(InputError, match=says):
        range_test(lambda _: 1.0, **options)


def by_hand(items, given, rates):
    """Return the losses of a plain loop over the same batches."""
    model = network().train()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": given.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
    )
    order, losses, epoch = [], [], 0
    batches = Batches(ranks(items), given.batch_size, given.seed)
    for rate in rates:
        if not order:
            order, epoch = list(batches.order(epoch)), epoch + 1
        group, order = order[: given.accumulate], order[given.accumulate :]
        optimiser.zero_grad()
        sums = [model.loss(collate([items[row] for row in rows])) for rows in group]
        loss = sum(one.total for one in sums) / sum(one.count for one in sums)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), given.clip)
        for options in optimiser.param_groups:
            options["lr"] = rate
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("accumulate", [1, 4])
def test_its_steps_are_those_of_training_and_leave_no_trace(accumulate):
    given, items, model = recipe(accumulate=accumulate, clip=0.1), rows(), network().eval()
    torch.manual_seed(1234)
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    found = rates_of(model, items, collate, recipe=given, highest=0.1, tries=40)
    assert torch.equal(torch.get_rng_state(), random)
    assert found.losses == pytest.approx(by_hand(items, given, found.rates), rel=1e-5)
    assert len(found.losses) == 40
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert not model.training


def test_dropout_draws_as_the_seed_says():
    one, same, other = (
        rates_of(network(0.5), rows(), collate, recipe=recipe(seed=seed), tries=40).losses
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_rows_that_are_no_numbers_are_told_and_not_taken_for_divergence():
    items = rows()
    items[3][0][0, 0] = math.nan
    with pytest.raises(NotFinite, match="row 3"):
        rates_of(network(), items, collate, recipe=recipe(batch_size=22), tries=40)
    with pytest.raises(RecurraError, match="no rows"):
        rates_of(network(), [], collate, recipe=recipe())
