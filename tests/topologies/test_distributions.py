"""Distributions of numbers: their losses are the densities of scipy, their quantiles its own."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from recurra.topologies import Distribution, Gaussian, Point, Quantiles, StudentT
from recurra.topologies.distributions.student_t import student_t_quantile

LEVELS = [0.001, 0.05, 0.25, 0.5, 0.9, 0.999]
KINDS: dict[str, Distribution] = {
    "squared": Point(),
    "absolute": Point("absolute"),
    "gaussian": Gaussian(),
    "student t": StudentT(),
    "quantiles": Quantiles([0.1, 0.5, 0.8]),
}
each = pytest.mark.parametrize("output", KINDS.values(), ids=KINDS.keys())


def numbers(output: Distribution, seed: int = 0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    raw = 3 * torch.randn(4, 5, output.size, dtype=torch.float64)
    return raw, 2 * torch.randn(4, 5, dtype=torch.float64)


def of_scipy(output: Distribution, raw: Tensor):
    place, scale = raw[..., 0], torch.nn.functional.softplus(raw[..., 1]) + 0.001
    if isinstance(output, Gaussian):
        return stats.norm(place.numpy(), scale.numpy())
    freedom = 2 + torch.nn.functional.softplus(raw[..., 2])
    return stats.t(freedom.numpy(), place.numpy(), scale.numpy())


@pytest.mark.parametrize("output", [Gaussian(), StudentT()], ids=["gaussian", "student t"])
def test_loss_and_quantiles_are_scipys(output: Distribution):
    raw, y = numbers(output)
    wanted = of_scipy(output, raw)
    total, count = output.loss(raw, y)
    assert float(total) == pytest.approx(-wanted.logpdf(y.numpy()).sum(), rel=1e-12)
    assert int(count) == 20
    for i, level in enumerate(LEVELS):
        found = output.quantile(raw, LEVELS)[..., i]
        torch.testing.assert_close(found, torch.from_numpy(wanted.ppf(level)), rtol=1e-9, atol=0)


@pytest.mark.parametrize("freedom", [2.0, 2.5, 4.0, 30.0, 1000.0, 9999.0])
def test_student_t_over_the_whole_range(freedom: float):
    levels = torch.tensor([1e-9, 1e-4, 0.1, 0.5, 0.5001, 0.99, 1 - 1e-9], dtype=torch.float64)
    found = student_t_quantile(levels, torch.full_like(levels, freedom))
    wanted = torch.from_numpy(stats.t(freedom).ppf(levels.numpy()))
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-12)


def test_errors_of_a_point():
    raw, y = numbers(Point())
    error = y - raw[..., 0]
    assert float(Point().loss(raw, y).total) == pytest.approx(float(error.pow(2).sum()))
    assert float(Point("absolute").loss(raw, y).total) == pytest.approx(float(error.abs().sum()))


def test_the_pinball_loss_is_least_at_the_quantile():
    output = Quantiles([0.1, 0.5, 0.8])
    y = torch.from_numpy(stats.expon.ppf((torch.arange(4000) + 0.5).numpy() / 4000))
    raw = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([raw], 0.01)
    for _ in range(2000):
        optimiser.zero_grad()
        output.loss(raw.expand(4000, 3), y).total.div(4000).backward()
        optimiser.step()
    wanted = torch.tensor([-math.log(1 - p) for p in (0.1, 0.5, 0.8)], dtype=torch.float64)
    torch.testing.assert_close(raw.detach(), wanted, atol=0.02, rtol=0)
    # written out, at one number
    one = torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64)
    wanted_loss = 2 / 3 * (0.1 * 2.0 + 0.5 * 1.0 + 0.2 * 1.0)
    assert float(output.loss(one, torch.tensor([3.0]).double()).total) == pytest.approx(wanted_loss)


def test_quantiles_that_cross_are_put_in_order_and_interpolated():
    output = Quantiles([0.1, 0.5, 0.9])
    raw = torch.tensor([[5.0, 1.0, 3.0]])
    found = output.quantile(raw, [0.1, 0.3, 0.5, 0.6, 0.9])
    torch.testing.assert_close(found, torch.tensor([[1.0, 2.0, 3.0, 3.5, 5.0]]))
    assert float(output.middle(raw)) == 3.0
    with pytest.raises(ValueError, match=r"were learned from 0.1 to 0.9"):
        output.quantile(raw, [0.05])
    assert Quantiles([0.5]).quantile(torch.tensor([[2.0]]), [0.5]).item() == 2.0


@each
def test_what_is_not_live_changes_nothing(output: Distribution):
    raw, y = numbers(output)
    live = torch.rand(4, 5) < 0.6
    results = []
    for filler in (0.0, torch.nan, torch.inf, 1e30):
        given = raw.clone().requires_grad_()
        loss = output.loss(given, y.masked_fill(~live, filler), live)
        loss.total.backward()
        results.append((loss.total.detach(), loss.count, given.grad))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=0, atol=0)
    assert int(results[0][1]) == int(live.sum())
    assert not results[0][2][~live].any()
    alone = output.loss(raw[live], y[live])
    torch.testing.assert_close(alone.total, results[0][0])
    missing = output.loss(raw, y.masked_fill(~live, torch.nan))
    torch.testing.assert_close(missing.total, results[0][0])


@each
def test_gradients_and_parts(output: Distribution):
    raw, y = numbers(output)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda raw: output.loss(raw, y).total, raw)
    parts = [output.loss(raw[i], y[i]) for i in range(4)]
    torch.testing.assert_close(sum(part.total for part in parts), output.loss(raw, y).total)
    assert sum(int(part.count) for part in parts) == 20


@each
def test_losses_are_finite_far_away(output: Distribution):
    raw = torch.full((1, output.size), -40.0, requires_grad=True)  # the narrowest there is
    loss = output.loss(raw, torch.tensor([1e4])).total
    loss.backward()
    assert loss.isfinite()
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("output", [Gaussian(), StudentT()], ids=["gaussian", "student t"])
def test_what_is_drawn_has_the_distribution(output: Distribution):
    raw = torch.tensor([0.7, 0.3, -1.0], dtype=torch.float64)[: output.size]
    generator = torch.Generator().manual_seed(0)
    drawn = output.sample(raw.expand(4000, -1), generator)
    assert stats.kstest(drawn.numpy(), of_scipy(output, raw).cdf).pvalue > 0.01
    again = output.sample(raw.expand(4000, -1), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


@pytest.mark.parametrize("name", ["squared", "quantiles"])
def test_what_tells_no_distribution_refuses(name: str):
    raw, _ = numbers(KINDS[name])
    with pytest.raises(ValueError, match="nothing to draw from"):
        KINDS[name].sample(raw)


@pytest.mark.unchecked("wrong values on purpose")
def test_wrong_options():
    raw, _ = numbers(Point())
    with pytest.raises(ValueError, match="tells no interval"):
        Point().quantile(raw, [0.1])
    for level in (0, 1, -0.5, 2):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Gaussian().quantile(numbers(Gaussian())[0], [level])
    with pytest.raises(ValueError, match="squared or absolute"):
        Point("cubed")
    for levels in ([0.1, 0.9], [0.5, 0.1], [0.5, 0.5], [0, 0.5], [0.5, 1], []):
        with pytest.raises(ValueError, match=r"0\.5 too"):
            Quantiles(levels)
