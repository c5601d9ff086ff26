"""Strengths: what the figures are of models whose answers are known."""

import pytest
import torch
from torch import nn

from recurra.limits.case import Case
from recurra.limits.experiments import previous, shared
from recurra.limits.problems import best_guess


class Sum(nn.Module):
    """Knows the rule: which side most of the last coins show, of those it has seen."""

    def forward(self, x):
        coins = nn.functional.pad(x[..., 0], (shared.BACK, 0))
        return coins.unfold(1, shared.BACK + 1, 1).sum(-1, keepdim=True)


def test_the_rule_is_right_everywhere():
    assert [shared.accuracy(Sum(), n * shared.TRAINED, 0) for n in shared.TIMES] == [1.0] * 4


def test_the_loss_asks_about_the_steps_whose_coins_have_all_been_seen():
    x, y = shared.PROBLEM.draw(64, torch.Generator().manual_seed(0))
    assert x.shape[1] == shared.TRAINED
    assert float(shared.PROBLEM.loss(20 * Sum()(x), y)) < 1e-6
    assert float(shared.PROBLEM.loss(20 * Sum()(x.roll(1, 1)), y)) > 0.1


def test_dense_layers_read_a_longer_row_in_pieces():
    torch.manual_seed(0)
    model = shared.Positions()
    x = torch.randn(3, 2 * shared.TRAINED + 5, 1)
    ends = torch.cat([x[:, 2 * shared.TRAINED :], torch.zeros(3, shared.TRAINED - 5, 1)], 1)
    pieces = [*x[:, : 2 * shared.TRAINED].split(shared.TRAINED, 1), ends]
    whole = torch.cat([model(piece) for piece in pieces], 1)
    torch.testing.assert_close(model(x), whole[:, : x.shape[1]])


@pytest.mark.parametrize("visible", previous.VISIBLE)
def test_the_rule_with_so_many_coins_is_as_good_as_can_be(visible: int):
    found = previous.accuracy(Sum(), visible, 0)
    best = best_guess(shared.BACK, visible - 1)
    if visible > shared.BACK:
        assert found == best == 1.0
    else:  # sides may be equal: then either answer is as good
        assert found == pytest.approx(best, abs=5 * 0.5 / (128 * previous.STEPS / 5) ** 0.5)


def test_what_was_learnt_on_short_rows_holds_on_long_ones_while_the_state_is_there():
    limit = shared.run(Case(quick=True))
    (table,) = limit.tables
    ours, dense = table.rows
    assert all(one > 0.98 for one in ours[2:])
    assert dense[2] > 0.98 > 1.02 * dense[5]
    assert f"{ours[-1]:.3f} on rows 10 times as long" in limit.verdict
    left = previous.run(Case(quick=True))
    by_steps = {row[0]: row[1] for row in left.tables[0].rows}
    assert by_steps["5"] > 0.98
    assert by_steps["1"] < 0.75 < by_steps["3"] < by_steps["5"]
