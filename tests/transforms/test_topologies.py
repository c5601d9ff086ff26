"""torch.export of every topology, for any batch and time: the same numbers, or a reason."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from recurra.cells import GRU, LSTM, MinGRU
from recurra.data.batch import Paired
from recurra.errors import EngineRefused
from recurra.layers import Last, LookAhead, Mean, Recurrent, Stack
from recurra.topologies import (
    CRF,
    CTC,
    Bernoulli,
    Ensemble,
    Forecaster,
    Gaussian,
    LanguageModel,
    ManyToManyEqual,
    ManyToOne,
    Numbers,
    Softmax,
    Writers,
)
from tests.topologies.test_every_cell import (
    grid_to_many,
    many_to_one,
    one_to_many,
    one_to_one,
    tagger,
    translator,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.unchecked("a graph would hold the checks too"),
]
SIZE = 8
Given = tuple[Tensor | None, ...]


def given(network: nn.Module, batch: Any) -> Given:
    """Return what `forward` takes of a batch."""
    if isinstance(batch, Paired):
        return batch.context, batch.x, batch.lengths, batch.context_lengths
    return tuple(batch[:-1])


def ctc() -> tuple[nn.Module, Given]:
    body, head = Recurrent(LSTM(SIZE, SIZE)), nn.Linear(SIZE, 4)
    front = Recurrent(MinGRU(3, SIZE))
    return CTC(front, nn.Linear(SIZE, SIZE), body, head, 4), ragged()


def ragged() -> Given:
    return torch.randn(4, 6, 3), torch.tensor([6, 0, 3, 1])


def equal(output: Any, scores: int, body: Any) -> tuple[nn.Module, Given]:
    network = ManyToManyEqual(nn.Linear(3, SIZE), body, nn.Linear(SIZE, scores), output)
    return network, ragged()


def late() -> tuple[nn.Module, Given]:
    body = Stack(Recurrent(GRU(3, SIZE)), LookAhead(SIZE, 2))
    return ManyToOne(nn.Identity(), body, Mean(), nn.Linear(SIZE, 5)), ragged()


def language_model() -> tuple[nn.Module, Given]:
    body = Recurrent(LSTM(SIZE, SIZE))
    network = LanguageModel(nn.Embedding(9, SIZE), body, nn.Linear(SIZE, 9))
    return network, (torch.randint(9, (4, 6)), torch.tensor([6, 2, 3, 1]))


def ensemble() -> tuple[nn.Module, Given]:
    members = [
        ManyToOne(nn.Linear(3, SIZE), Recurrent(kind(SIZE, SIZE)), Last(), nn.Linear(SIZE, 5))
        for kind in (GRU, MinGRU)
    ]
    return Ensemble(members), ragged()


def writers() -> tuple[nn.Module, Given]:
    (one, batch), (other, _) = (translator(LSTM, feeding=False) for _ in range(2))
    return Writers([one, other]), given(one, batch)


def forecaster() -> tuple[nn.Module, Given]:
    body = Recurrent(LSTM(SIZE, SIZE))
    return Forecaster(body, Gaussian(), 2, segment=2, horizon=4), (
        torch.randn(4, 8, 2),
        torch.zeros(4, 12, 0),
    )


def of(make: Callable[..., tuple[nn.Module, Any]], *args: Any, **more: Any) -> Any:
    def built() -> tuple[nn.Module, Given]:
        network, batch = make(*args, **more)
        return network, given(network, batch)

    return built


TOPOLOGIES: dict[str, Callable[[], tuple[nn.Module, Given]]] = {
    "one-to-one": of(one_to_one, LSTM),
    "one-to-many": of(one_to_many, LSTM),
    "one-to-many, with attention": of(grid_to_many, GRU),
    "many-to-one": of(many_to_one, LSTM),
    "many-to-one, late": late,
    "ensemble": ensemble,
    "many-to-many equal": of(tagger, LSTM, Softmax()),
    "many-to-many equal, CRF": of(tagger, GRU, CRF(4)),
    "many-to-many equal, numbers": lambda: equal(
        Numbers(Gaussian(), 2), 4, Recurrent(MinGRU(SIZE, SIZE))
    ),
    "many-to-many equal, sets": lambda: equal(Bernoulli(4), 4, Recurrent(LSTM(SIZE, SIZE))),
    "language model": language_model,
    "many-to-many unequal": of(translator, LSTM, feeding=False),
    "many-to-many unequal, fed": of(translator, GRU, feeding=True),
    "writers": writers,
    "forecaster": forecaster,
    "CTC": ctc,
}
STEPWISE = {"many-to-many unequal, fed"}  # each step waits for the last: as many as there were
QUICK = {"one-to-one", "many-to-one", "many-to-many equal, CRF"}
FIXED = {"forecaster", "one-to-one"}  # windows of one length; no time at all


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in TOPOLOGIES],
)
def test_a_topology_is_exported_for_any_batch_and_time(name: str) -> None:
    torch.manual_seed(0)
    network, args = TOPOLOGIES[name]()
    network.eval()
    batch, dims = Dim("batch", min=1, max=99), {1: Dim("time", min=1, max=99)}
    context = {1: Dim("positions", min=1, max=99)}

    def shape(place: int, one: Tensor | None) -> Any:
        if one is None:
            return None
        plain = one.dim() == 2 and one.is_floating_point()
        timed = one.dim() > 1 and name not in FIXED and not plain
        paired = len(args) == 4
        own = (context if args[3] is not None else {}) if paired and place == 0 else dims
        return {0: batch, **(own if timed else {})}

    def fixed(place: int) -> bool:  # a context without lengths has as many positions as it has
        return name in FIXED or (len(args) == 4 and place == 0 and args[3] is None)

    def exported() -> Any:
        shapes = tuple(shape(i, one) for i, one in enumerate(args))
        if name == "ensemble":  # which takes any number
            return torch.export.export(network, args, dynamic_shapes=(shapes,))
        return torch.export.export(network, args, dynamic_shapes=shapes)

    if name in STEPWISE:
        with pytest.raises((EngineRefused, RuntimeError, ValueError)) as refused:
            exported()
        assert "time" in str(refused.value)
        return
    program = exported().module()
    for rows, steps in ((4, None), (2, 3), (3, 9)):
        other = tuple(resized(one, rows, None if fixed(i) else steps) for i, one in enumerate(args))
        torch.testing.assert_close(program(*other), network(*other), rtol=1e-5, atol=1e-6)


def resized(one: Tensor | None, rows: int, steps: int | None) -> Tensor | None:
    """Return another number of rows and steps, made of what there is; lengths fit into them."""
    if one is None:
        return None
    if one.dim() == 1:
        return one[:rows] if steps is None else one[:rows].clamp(max=steps)
    plain = one.dim() == 2 and one.is_floating_point()  # a row of numbers, without time
    if steps is None or plain:
        return one[:rows]
    return one[:rows].repeat_interleave(3, 1)[:, :steps]
