"""Cross entropy, as a sum and a count."""

import torch

from recurra.topologies import cross_entropy


def test_equals_the_definition() -> None:
    logits, targets = torch.randn(2, 3, 5, dtype=torch.float64), torch.randint(5, (2, 3))
    live = torch.tensor([[True, True, False], [True, False, False]])
    p = logits.softmax(-1)
    q = 0.8 * torch.nn.functional.one_hot(targets, 5) + 0.2 / 5
    expected = -(q * p.log()).sum(-1)[live].sum()
    loss = cross_entropy(logits, targets.masked_fill(~live, -7), live, smoothing=0.2)
    torch.testing.assert_close(loss.total, expected)
    assert int(loss.count) == 3


def test_parts_add_up() -> None:
    logits, targets = torch.randn(6, 5, dtype=torch.float64), torch.randint(5, (6,))
    whole = cross_entropy(logits, targets)
    parts = [cross_entropy(logits[i : i + 2], targets[i : i + 2]) for i in (0, 2, 4)]
    torch.testing.assert_close(sum(part.total for part in parts), whole.total)
    assert sum(int(part.count) for part in parts) == int(whole.count) == 6
