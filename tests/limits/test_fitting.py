"""Training on rows made on the spot: by the recipe, until it is solved, and no longer."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.limits.case import Case
from recurra.limits.climb import Ladder, climb, grow
from recurra.limits.fitting import EVERY, Fitted, Problem, begin, fit
from recurra.limits.heights import grown, longest, plot, share, table
from recurra.limits.ways import RING_LRU, RNN, Way
from recurra.training.recipe import Recipe


def line(rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    x = torch.randn(rows, 3, generator=generator)
    return x, x @ torch.tensor([1.0, -2.0, 0.5])


def squared(said: Tensor, right: Tensor) -> Tensor:
    return functional.mse_loss(said[:, 0], right)


LINE = Problem(line, squared, 5.25)  # the variance of the answers
RECIPE = Recipe(learning_rate=0.1, seed=3)


def new() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def test_what_can_be_learnt_is_solved_and_training_stops() -> None:
    found = fit(new(), LINE, RECIPE, updates=2000)
    assert found.solved
    assert found.error < 0.1 * 5.25
    assert found.updates < 400
    assert found.updates % EVERY == 0
    assert found.curve[-1] == (found.updates, found.error)
    assert fit(new(), LINE, RECIPE, updates=2000)[:3] == found[:3]


def test_what_cannot_be_learnt_takes_all_updates_and_stays_at_chance() -> None:
    def noise(rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.zeros(rows, 3), torch.randn(rows, generator=generator)

    found = fit(new(), Problem(noise, squared, 1.0), RECIPE, updates=130)
    assert not found.solved
    assert found.updates == 130
    assert [update for update, _ in found.curve] == [50, 100, 130]
    assert 0.5 < found.error < 1.5


def test_solved_is_below_a_tenth_of_chance() -> None:
    still = Recipe(learning_rate=1e-9, seed=3)
    error = fit(new(), LINE, still, updates=1).error
    assert error > 1
    for part, solved in ((0.05, True), (0.099, True), (0.101, False), (0.15, False)):
        chance = error / part
        assert fit(new(), LINE._replace(chance=chance), still, updates=1).solved is solved


def test_no_more_seconds_are_taken_than_given() -> None:
    found = fit(new(), LINE, Recipe(learning_rate=1e-9), updates=10**6, seconds=0.2)
    assert 0.2 <= found.seconds < 5
    assert not found.solved


def test_held_out_rows_are_others_than_those_of_training() -> None:
    drawn: list[Tensor] = []

    def kept(rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, y = line(rows, generator)
        drawn.append(x)
        return x, y

    fit(new(), Problem(kept, squared, 1e-9), RECIPE, updates=3)
    held, *seen = drawn
    assert [len(x) for x in seen] == [RECIPE.batch_size] * 3
    known = {tuple(row) for x in seen for row in x.tolist()}
    assert len(known) == 3 * RECIPE.batch_size
    assert not known & {tuple(row) for row in held.tolist()}


def test_the_recipe_decides_rate_and_clipping() -> None:
    def moved(recipe: Recipe) -> float:
        model = new()
        before = [p.detach().clone() for p in model.parameters()]
        fit(model, Problem(line, squared, 1e-9), recipe, updates=10)
        pairs = zip(before, model.parameters(), strict=True)
        return sum(float((a - b.detach()).abs().max()) for a, b in pairs)

    assert moved(Recipe(learning_rate=1e-3)) < 0.05 < moved(Recipe(learning_rate=0.1))
    # the cosine ends at 0, so the last of one update does nothing
    model = new()
    before = model.get_parameter("weight").detach().clone()
    fit(model, LINE, Recipe(learning_rate=0.1), updates=1)
    assert torch.equal(before, model.get_parameter("weight"))
    # Adam's steps do not depend on a gradient's scale, but nearly none is left of it here
    assert moved(Recipe(learning_rate=0.1, clip=1e-12)) < moved(Recipe(learning_rate=0.1)) / 10


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Let `fit` only say what a table holds."""
    calls: list[tuple[str, int, int]] = []

    def said(model: object, problem: Problem, recipe: Recipe, *, name: str, **_: object) -> Fitted:
        steps, way = int(problem.chance), name.rpartition(", ")[2]
        reach = {"far": 40, "near": 10, "plain": 10, "none": 0, "unsure": 20}[way]
        solved = steps <= reach and not (way == "unsure" and recipe.seed == 1 and steps == 20)
        calls.append((way, steps, recipe.seed))
        return Fitted(steps * (0.05 if solved else 1.0), solved, 7, 2.0, [])

    monkeypatch.setattr("recurra.limits.climb.fit", said)
    return calls


def test_who_does_not_solve_a_length_is_spared_the_longer_ones(
    trained: list[tuple[str, int, int]],
) -> None:
    names = ("plain", "far", "near", "none", "unsure")
    ways = [Way(name, name != "plain", RNN.build) for name in names]
    ladder = Ladder(
        "A problem",
        lambda steps: Problem(line, squared, float(steps)),
        lambda way, steps: new(),
        (10, 20, 40),
        ways,
        5,
        4,
    )
    found = climb(ladder, (0, 1), Case(), RECIPE)
    tried = {
        name: [steps for way, steps, seed in trained if way == name and not seed] for name in names
    }
    assert tried == {
        "plain": [10, 20, 40],
        "far": [10, 20, 40],
        "near": [10, 20],
        "none": [10],
        "unsure": [10, 20],
    }
    reached = {name: longest(ladder, found, name) for name in names}
    assert reached == {"plain": 10, "far": 40, "near": 10, "none": 0, "unsure": 10}
    assert share(ladder, found, "far", 40) == pytest.approx(0.05)
    assert share(ladder, found, "none", 40) is None
    rows = {row[0]: row for row in table(ladder, found).rows}
    assert rows["far"][1:] == ["recurra", "0.050", "0.050", "0.050", "40", "7", "2"]
    assert rows["near"][1:] == ["recurra", "0.050", "1.000", "–", "10", "7", "2"]
    assert rows["none"][1:] == ["recurra", "1.000", "–", "–", "none", "–", "–"]
    assert rows["plain"][1] == "PyTorch, as it starts"
    assert plot(ladder, found).lines["near"] == [(10.0, 0.05), (20.0, 1.0)]


def test_length_grows_while_the_same_model_solves_it(trained: list[tuple[str, int, int]]) -> None:
    models: list[nn.Module] = []

    def model(way: Way, steps: int) -> nn.Module:
        assert steps == 10
        models.append(new())
        return models[-1]

    ways = [Way(name, True, RNN.build) for name in ("far", "near", "none", "unsure")]
    ladder = Ladder(
        "A problem",
        lambda steps: Problem(line, squared, float(steps)),
        model,
        (10, 20, 40),
        ways,
        5,
        4,
    )
    found = grow(ladder, (0, 1), Case(), RECIPE)
    assert len(models) == 8
    assert [steps for way, steps, _ in trained if way == "near"] == [10, 20] * 2
    assert [longest(ladder, found, way.name) for way in ways] == [40, 10, 0, 10]
    rows = {row[0]: row[2:] for row in grown(ladder, found).rows}
    assert rows["far"] == ["40", "40", "0.050", "7", "6"]
    assert rows["none"] == ["none", "10", "1.000", "7", "2"]


def test_a_training_goes_on_where_it_was() -> None:
    # two parts of one training are the whole, for a rate that does not depend on the share done
    recipe = Recipe(learning_rate=0.01, schedule="constant", warmup=0.0)
    hard = Problem(line, squared, 1e-9)
    whole, parts = new(), new()
    fit(whole, hard, recipe, updates=20)
    begun = begin(parts, recipe)
    first = fit(parts, hard, recipe, updates=12, begun=begun)
    assert first.updates == 12
    second = fit(parts, hard, recipe, updates=20, begun=begun._replace(updates=12))
    assert second.updates == 20
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, other)


def test_ways_start_as_they_say() -> None:
    torch.manual_seed(0)
    layer = RNN.build(2, 5, 100)
    torch.manual_seed(0)
    wanted = nn.RNN(2, 5, batch_first=True)
    x = torch.randn(3, 7, 2)
    assert torch.allclose(layer(x)[0], wanted(x)[0], atol=1e-6)
    cell = RING_LRU.build(2, 64, 1000).get_submodule("cell")
    radius = torch.exp(-cell.get_parameter("nu").exp())
    assert (radius > 0.999 - 1e-6).all()
    assert (radius < 0.9999 + 1e-6).all()
