"""The plain loop beside a task's own: the same network and data, its time, and where it led."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

import recurra
from recurra.benchmarks.peers.in_place import WAYS, InPlace, in_place
from recurra.benchmarks.quality import plain
from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.data.batch import Labelled
from recurra.layers import Bidirectional, Max, Recurrent, Stack
from recurra.tasks.language_model import LANGUAGE_MODEL
from recurra.tasks.model import Model
from recurra.tasks.run import complete
from recurra.topologies import ManyToOne

CELLS = [Elman, LSTM, GRU]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_states_and_gradients_are_the_layers(cell: Any, way: str):
    torch.manual_seed(0)
    layer = Stack(Recurrent(cell(3, 5)), Recurrent(cell(5, 4)))
    other = in_place(layer, way)
    assert sum(isinstance(part, InPlace) for part in other.modules()) == 2
    assert not any(isinstance(part, Recurrent) for part in other.modules())
    x = torch.randn(4, 7, 3)
    y, state = layer(x)
    z, after = other(x)
    torch.testing.assert_close(z, y)
    torch.testing.assert_close(after, state)
    z, _ = other(x[:, 3:], other(x[:, :3])[1])
    torch.testing.assert_close(z, y[:, 3:])
    lengths = torch.tensor([7, 2, 5, 1])
    weights = torch.randn(4, 7, 4)
    grads = []
    for one in (layer, other):
        told, _ = one(x, lengths=lengths)
        grads.append((told.detach(), *gradient((told * weights).sum(), one)))
    torch.testing.assert_close(grads[1], grads[0])


def gradient(loss: Tensor, network: nn.Module) -> list[Tensor]:
    """Return the norms of the input weights' gradients, layer by layer."""
    loss.backward()
    found = dict(network.named_parameters())
    names = [name for name in found if name.endswith(("from_input", "weight_ih_l0"))]
    grads = [found[name].grad for name in names]
    return [grad.norm() for grad in grads if grad is not None]


def test_both_directions_packed_read_within_lengths():
    torch.manual_seed(0)
    layer = Bidirectional(Recurrent(GRU(3, 5)), Recurrent(GRU(3, 5)))
    network = nn.ModuleList([layer])
    (other,) = in_place(network, "packed").children()
    x, lengths = torch.randn(3, 6, 3), torch.tensor([2, 6, 4])
    torch.testing.assert_close(other(x, lengths=lengths)[0], layer(x, lengths=lengths)[0])
    assert not other.streams


def test_weight_drop_is_kept_in_training_alone():
    torch.manual_seed(0)
    network = nn.ModuleList([Recurrent(GRU(3, 64), weight_drop=0.5)])
    (other,) = in_place(network, "padded").children()
    x = torch.randn(2, 9, 3)
    torch.testing.assert_close(other.eval()(x)[0], network[0].eval()(x)[0])
    dropped = [other.train()(x)[0] for _ in range(2)]
    assert not torch.equal(*dropped)
    torch.testing.assert_close(dropped[0][:, 0], dropped[1][:, 0])  # no state to drop from yet


@pytest.mark.parametrize(("way", "both", "told"), [
    ("packed", True, True), ("padded", False, True), ("padded", True, False),
])  # fmt: skip  # a table
def test_a_loop_whose_network_reads_padding_is_another(way: str, both: bool, told: bool):
    torch.manual_seed(0)
    layer: Any = Bidirectional(GRU(3, 8), GRU(3, 8)) if both else Recurrent(GRU(3, 8))
    head = nn.Linear(layer.output_size, 2)
    network = ManyToOne(nn.Identity(), layer, Max(), head)
    rows = [(torch.randn(size, 3), torch.tensor(size % 2)) for size in (9, 2, 5, 3)]

    def collate(items: Any) -> Labelled:
        x, y = zip(*items, strict=True)
        return Labelled(
            pad_sequence(x, True), torch.tensor([len(one) for one in x]), torch.stack(y)
        )

    for name, parameter in network.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter)
    other = in_place(network, way)
    assert plain.same(network, other, rows, collate) is told
    assert other.training


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("plain")
    (place / "text.txt").write_text("abcdefgh " * 400)
    sizes = {"hidden": 16, "embedding": 8, "batch_size": 4, "bptt": 16, "epochs": 2}
    files = {"data": str(place / "text.txt"), "out": str(place / "run")}
    return recurra.train("language_model", **files, **sizes, learning_rate=0.02)


def test_an_epoch_takes_as_long_as_all_of_its_steps(model: Model, monkeypatch: Any):
    items = model.task.items(model.codec, model.task.read(model.recipe).train, model.recipe)
    loop = plain.Loop(in_place(model.network, "packed"), items, model.codec.collate, model.recipe)
    took = iter([0.0, 1.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr(plain.time, "perf_counter", lambda: next(took))
    assert loop.epoch(3.0) == pytest.approx(1.5 * len(loop.batches))


def test_epochs_are_measured_in_turn(model: Model):
    found = plain.epochs(model, 1)
    assert list(found) == [plain.OURS, *(f"torch.nn, {way}" for way in WAYS)]
    assert all(0 < seconds < 60 for seconds in found.values())


def test_a_cell_that_torch_does_not_have_has_no_loop(model: Model):
    other = Model(model.task, replace(model.recipe, cell="mingru"), model.codec, model.network)
    assert plain.epochs(other, 1) == {}
    with pytest.raises(TypeError, match="no MinGRU"):
        in_place(nn.ModuleList([Recurrent(MinGRU(2, 2))]), "padded")


def test_the_loop_keeps_the_weights_of_its_best_epoch(model: Model, monkeypatch: Any):
    items = model.task.items(model.codec, model.task.read(model.recipe).train, model.recipe)
    loop = plain.Loop(in_place(model.network, "padded"), items, model.codec.collate, model.recipe)
    seen: list[dict[str, Tensor]] = []
    losses = iter([3.0, 1.0, 2.0])
    moments = iter(range(10**6))
    monkeypatch.setattr(plain.time, "monotonic", lambda: next(moments))

    def loss(network: nn.Module) -> float:
        assert not network.training
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(losses)

    # two looks at the clock in a step, one where an epoch ends: three epochs
    loop.train(6.0 * len(loop.batches) - 2, loss)
    assert len(seen) == 3
    torch.testing.assert_close(dict(loop.network.state_dict()), seen[1])
    assert loop.optimiser.param_groups[0]["lr"] < 0.1 * model.recipe.learning_rate


def test_an_lstm_of_torch_learns_as_long(model: Model):
    model.metrics["seconds"] = 2.0
    found = plain.lstm(model)
    assert set(found) == set(model.metrics["test"])
    assert found["loss"] < 1.1  # half of that of nine letters in any order


def test_what_comes_before_the_first_batch_is_no_part_of_an_epoch(monkeypatch: Any):
    def fit(network: Any, items: Any, collate: Any, *, validate: Any, **_: Any) -> Any:
        time.sleep(0.3)
        for _ in range(2):
            collate(items)
            time.sleep(0.05)
        validate(network)
        time.sleep(0.3)
        return SimpleNamespace(epoch=0.5)

    monkeypatch.setattr(plain, "fit", fit)
    found = plain.ours(nn.Linear(1, 1), [1], list, complete(LANGUAGE_MODEL, {}))
    assert 0.2 <= found < 0.5
