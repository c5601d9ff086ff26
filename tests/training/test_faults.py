import pytest
import torch
from torch import nn

from recurra import bundle
from recurra.diagnostics.trace import Fault
from recurra.errors import RecurraError
from recurra.training.fit import fit
from recurra.training.stepper import NotFinite
from tests.training.tiny import Tagger, collate, network, recipe, rows, validate


class Breaks(nn.Module):
    """Passes numbers on, until they are broken: forward or backward."""

    def __init__(self, forward=None, backward=None, after: int = 0) -> None:
        super().__init__()
        self.broken, self.hook, self.left = forward, backward, after

    def forward(self, x):
        self.left -= self.training
        if self.left >= 0:
            return x
        if self.hook:
            x = x + 0
            x.register_hook(self.hook)
        return self.broken(x) if self.broken else x


class Deep(Tagger):
    def __init__(self, middle: nn.Module) -> None:
        torch.manual_seed(5)
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), middle, nn.Tanh())


def broken(model, items=None, run=None, describe=None, **fields) -> str:
    with pytest.raises(RecurraError) as caught:
        fit(
            model,
            rows() if items is None else items,
            collate,
            recipe=recipe(**{"epochs": 2, **fields}),
            run=run,
            validate=validate,
            metric="loss",
            higher=False,
            describe=describe,
        )
    text = str(caught.value)
    assert "\n" not in text
    return text


def spoiled(*bad: int, value: float = float("nan")):
    items = rows()
    for row in bad:
        items[row] = (items[row][0].clone(), items[row][1] + value)
    return items


def test_bad_rows_are_named():
    text = broken(network(), spoiled(3, 17), batch_size=22, describe=lambda row: f"a.tsv:{row + 2}")
    assert text.startswith("step 1: the loss became nan; first in the loss itself; rows whose own")
    assert "loss is not finite: a.tsv:5, a.tsv:19;" in text or "a.tsv:19, a.tsv:5;" in text
    assert text.endswith("the last good checkpoint is kept")


class Recurring(Tagger):
    def __init__(self) -> None:
        super().__init__()
        self.body = Steps(nn.GRU(3, 8, batch_first=True))


class Steps(nn.Module):
    """A layer's outputs without its state."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def test_of_a_recurrent_layer_the_step_of_the_sequence_is_told():
    items = rows()
    x = items[9][0].clone()
    assert len(x) > 2
    x[2, 1] = float("nan")
    items[9] = (x, items[9][1])
    text = broken(Recurring(), items, batch_size=22)
    assert "and, in time, in the input of body.layer at step 2; rows whose own loss" in text
    with pytest.raises(NotFinite) as caught:
        fit(
            Recurring(),
            items,
            collate,
            recipe=recipe(epochs=1, batch_size=22),
            run=None,
            validate=validate,
            metric="loss",
            higher=False,
        )
    assert caught.value.fault == Fault("the input of body.layer", "body.layer", 2, 9, 1)


def test_bad_rows_without_description_are_numbers():
    assert "finite: row 3;" in broken(network(), spoiled(3, value=float("inf")))


def test_many_bad_rows_are_counted():
    assert "and 17 more;" in broken(network(), spoiled(*range(22)), batch_size=22)
    assert "all 22 rows, among them row" in broken(network(), spoiled(*range(22)), batch_size=22)


def test_bad_input_is_told_from_a_bad_layer():
    items = rows()
    items[4] = (items[4][0] * float("inf"), items[4][1])
    assert "first in the input of the network (Tagger); " in broken(network(), items)


def test_layer_whose_output_breaks_is_named():
    text = broken(Deep(Breaks(lambda x: x * float("nan"))))
    assert text.startswith("step 1: the loss became nan")
    assert "first in the output of body.1 (Breaks); " in text


def test_layer_whose_gradient_breaks_is_named():
    """The loss is finite: the root of nought."""
    text = broken(Deep(Breaks(lambda x: x + torch.sqrt(x * 0))), batch_size=22)
    assert text.startswith("step 1: the gradient is not finite")
    assert "first in the gradient at the output of body.0 (Linear); " in text
    assert "rows whose own gradient is not finite: all 22 rows" in text


def test_parameter_whose_gradient_breaks_is_named():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return x.detach() + self.scale.sqrt()

    assert "first in the gradient of scale in body.1 (Scaled); " in broken(Deep(Scaled()))


def test_broken_weight_is_named():
    model = network()
    with torch.no_grad():
        model.head.weight[0, 2] = float("nan")
    text = broken(model, batch_size=22)
    assert "first in the weight head.weight; " in text
    assert "all 22 rows" in text


def test_fault_of_a_dropout_mask_is_found_again():
    """The rerun draws the same mask; otherwise nothing would be found."""

    class Unlucky(nn.Module):
        def forward(self, x):
            return x / (torch.rand(1) < 0.1).logical_not() if self.training else x

    text = broken(Deep(Unlucky()), epochs=100, accumulate=2)
    assert "first in the output of body.1 (Unlucky); " in text


def test_weights_and_checkpoint_from_before_the_fault_are_kept(tmp_path):
    folder = tmp_path
    bundle.write(folder, {"task": "t", "recipe": {}}, network().state_dict(), {}, "")
    model = Deep(Breaks(lambda x: x * float("nan"), after=8))
    initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    text = broken(model, run=folder)
    assert text.startswith("step 9: ")
    assert all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values())
    best = bundle.read(folder).tensors
    assert not torch.equal(best["body.0.weight"], initial["body.0.weight"])
    assert all(bool(tensor.isfinite().all()) for tensor in best.values())


def test_hooks_are_taken_away():
    model = Deep(Breaks(lambda x: x / 0))
    broken(model)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not any(p._backward_hooks for p in model.parameters())
