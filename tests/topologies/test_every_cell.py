"""Every topology with every cell: it builds, learns, and sees no padding."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recurra.cells import CELLS, LSTM, Cell, MinGRU
from recurra.data.batch import Aligned, Labelled, Paired, Single
from recurra.layers import (
    AdditiveAttention,
    AttentionPool,
    Bidirectional,
    LookAhead,
    MultiplicativeAttention,
    Recurrent,
    Stack,
)
from recurra.topologies import (
    CRF,
    Decoder,
    ManyToManyEqual,
    ManyToManyUnequal,
    ManyToOne,
    OneToMany,
    OneToOne,
    Softmax,
)

torch.set_num_threads(1)
SIZE = 8
LENGTHS = torch.tensor([5, 0, 3, 1])
SHORT = torch.tensor([4, 1, 2, 3])


def decoder(kind: type[Cell[Any]], *, attention: nn.Module | None, feeding: bool) -> Decoder:
    body = Recurrent(kind(2 * SIZE + (SIZE if feeding else 0), SIZE))
    return Decoder(
        7, SIZE, body, context_size=SIZE, attention=attention, input_feeding=feeding, dropout=0.0
    )


def one_to_one(kind: type[Cell[Any]]) -> tuple[nn.Module, Any]:
    net = OneToOne(nn.Linear(3, SIZE), kind(SIZE, SIZE), nn.Linear(SIZE, 5))
    return net, Single(torch.randn(4, 3), torch.randint(5, (4,)))


def one_to_many(kind: type[Cell[Any]]) -> tuple[nn.Module, Any]:
    net = OneToMany(nn.Linear(3, SIZE), decoder(kind, attention=None, feeding=False))
    x, y = torch.randint(7, (2, 4, 4)).unbind()
    return net, Paired(torch.randn(4, 3), x, y, SHORT)


def grid_to_many(kind: type[Cell[Any]]) -> tuple[nn.Module, Any]:
    attention = AdditiveAttention(SIZE, SIZE, SIZE)
    net = OneToMany(nn.Linear(3, SIZE), decoder(kind, attention=attention, feeding=False))
    x, y = torch.randint(7, (2, 4, 4)).unbind()
    return net, Paired(torch.randn(4, 6, 3), x, y, SHORT)


def many_to_one(kind: type[Cell[Any]]) -> tuple[nn.Module, Any]:
    body = Recurrent(kind(SIZE, SIZE))
    net = ManyToOne(nn.Embedding(9, SIZE), body, AttentionPool(SIZE), nn.Linear(SIZE, 5))
    return net, Labelled(torch.randint(9, (4, 5)), LENGTHS, torch.randint(5, (4,)))


def tagger(kind: type[Cell[Any]], output: Softmax | CRF) -> tuple[nn.Module, Any]:
    body = Bidirectional(kind(SIZE, SIZE), kind(SIZE, SIZE))
    net = ManyToManyEqual(nn.Linear(3, SIZE), body, nn.Linear(2 * SIZE, 4), output)
    return net, Aligned(torch.randn(4, 5, 3), LENGTHS, torch.randint(4, (4, 5)))


def translator(kind: type[Cell[Any]], *, feeding: bool) -> tuple[nn.Module, Any]:
    encoder = Bidirectional(kind(SIZE, SIZE), kind(SIZE, SIZE))
    attention = MultiplicativeAttention(SIZE, 2 * SIZE)
    net = ManyToManyUnequal(
        nn.Embedding(9, SIZE), encoder, decoder(kind, attention=attention, feeding=feeding)
    )
    x, y = torch.randint(7, (2, 4, 4)).unbind()
    return net, Paired(torch.randint(9, (4, 5)), x, y, SHORT, LENGTHS)


TOPOLOGIES = {
    "OneToOne": one_to_one,
    "OneToMany": one_to_many,
    "OneToMany with attention": grid_to_many,
    "ManyToOne": many_to_one,
    "ManyToManyEqual": lambda kind: tagger(kind, Softmax()),
    "ManyToManyEqual with CRF": lambda kind: tagger(kind, CRF(4)),
    "ManyToManyUnequal": lambda kind: translator(kind, feeding=False),
    "ManyToManyUnequal with feeding": lambda kind: translator(kind, feeding=True),
}


def train(net: nn.Module, batch: Any, steps: int) -> list[float]:
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    means = []
    for _ in range(steps):
        loss = net.loss(batch)
        mean = loss.total / loss.count
        optimizer.zero_grad()
        mean.backward()
        optimizer.step()
        means.append(float(mean.detach()))
    return means


@pytest.mark.parametrize("name", TOPOLOGIES)
@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_takes_a_step_that_helps(name: str, kind: type[Cell[Any]]) -> None:
    torch.manual_seed(0)
    net, batch = TOPOLOGIES[name](kind)
    means = train(net, batch, 5)
    assert means[-1] < means[0]
    idle = [
        name
        for name, weight in net.named_parameters()
        if weight.grad is None or not bool(weight.grad.isfinite().all())
    ]
    # OneToOne steps from the zero state, so the weights on that state wait
    assert not idle or name == "OneToOne"


@pytest.mark.parametrize("name", TOPOLOGIES)
@pytest.mark.parametrize("kind", [LSTM, MinGRU], ids=lambda kind: kind.__name__)
def test_learns_by_heart(name: str, kind: type[Cell[Any]]) -> None:
    torch.manual_seed(0)
    net, batch = TOPOLOGIES[name](kind)
    means = train(net, batch, 40)
    assert means[-1] < 0.2 * means[0]


def spoil(batch: Any) -> Any:
    """Return the batch with rubbish beyond the lengths, and a longer padding."""

    def longer(x: Tensor, lengths: Tensor, rubbish: float) -> Tensor:
        x = torch.cat([x, x[:, :2]], dim=1)
        beyond = torch.arange(x.shape[1]) >= lengths[:, None]
        return x.masked_fill(beyond.view(*beyond.shape, *[1] * (x.dim() - 2)), rubbish)

    if isinstance(batch, Paired):
        batch = batch._replace(
            x=longer(batch.x, batch.lengths, 1000), y=longer(batch.y, batch.lengths, -7)
        )
        if batch.context_lengths is None:
            return batch
        return batch._replace(context=longer(batch.context, batch.context_lengths, 1000))
    rubbish = torch.nan if batch.x.is_floating_point() else 1000
    batch = batch._replace(x=longer(batch.x, batch.lengths, rubbish))
    if isinstance(batch, Aligned):
        return batch._replace(y=longer(batch.y, batch.lengths, -7))
    return batch


@pytest.mark.parametrize("name", [name for name in TOPOLOGIES if name != "OneToOne"])
def test_padding_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    net, batch = TOPOLOGIES[name](LSTM)

    def run(batch: Any) -> list[Tensor]:
        loss = net.loss(batch, 0.1)
        return [loss.total, loss.count, *torch.autograd.grad(loss.total, list(net.parameters()))]

    torch.testing.assert_close(run(spoil(batch)), run(batch))


def test_a_tagger_answers_the_step_itself_whatever_the_delay() -> None:
    net = ManyToManyEqual(nn.Identity(), LookAhead(3, 2), nn.Identity(), Softmax())
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(net(x, torch.tensor([5, 2])), torch.cat([x[:1], x[1:]]) * mask())
    torch.testing.assert_close(net(x), x)


def mask() -> Tensor:
    return torch.tensor([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0]])[..., None]


def test_a_tagger_predicts_what_its_scores_say() -> None:
    net, batch = tagger(LSTM, Softmax())
    paths = net.predict(batch.x, batch.lengths)
    scores = net(batch.x, batch.lengths)
    assert paths == [scores[i, :n].argmax(-1).tolist() for i, n in enumerate(LENGTHS.tolist())]


def test_a_deep_decoder_with_a_delay_is_refused() -> None:
    body = Stack(Recurrent(LSTM(2 * SIZE, SIZE)), LookAhead(SIZE, 1))
    with pytest.raises(ValueError, match="looks ahead"):
        Decoder(7, SIZE, body, context_size=SIZE)
    backward = Bidirectional(LSTM(2 * SIZE, SIZE), LSTM(2 * SIZE, SIZE))
    with pytest.raises(ValueError, match="looks ahead"):
        Decoder(7, SIZE, backward, context_size=SIZE)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="are 16"):
        Decoder(7, SIZE, Recurrent(LSTM(SIZE, SIZE)), context_size=SIZE)
    body = Recurrent(LSTM(2 * SIZE, SIZE))
    with pytest.raises(ValueError, match="queries of 3"):
        Decoder(7, SIZE, body, context_size=SIZE, attention=MultiplicativeAttention(3, SIZE))
    attentive = Decoder(7, SIZE, body, context_size=SIZE, attention=MultiplicativeAttention(8, 8))
    with pytest.raises(ValueError, match="memory"):
        attentive.start(torch.zeros(2, SIZE))
    with pytest.raises(ValueError, match=r"returned \[2, 5\]"):
        OneToMany(nn.Linear(3, 5), attentive).start(torch.zeros(2, 3))


WRITERS = [name for name in TOPOLOGIES if "ToMany" in name and "Equal" not in name]


def on_meta(batch: Any) -> Any:
    return type(batch)(*(None if part is None else part.to("meta") for part in batch))


@pytest.mark.parametrize("name", TOPOLOGIES)
@pytest.mark.parametrize("kind", [MinGRU, LSTM], ids=lambda kind: kind.__name__)
def test_runs_where_its_weights_are(name: str, kind: type[Cell[Any]]) -> None:
    """No tensor is made on another device; a forward pass takes lengths from the CPU too."""
    net, batch = TOPOLOGIES[name](kind)
    net, moved = net.to("meta"), on_meta(batch)
    assert net.loss(moved).total.device.type == "meta"
    if isinstance(batch, Paired):
        found = net(moved.context, moved.x, batch.lengths, batch.context_lengths)
    elif isinstance(batch, Single):
        found = net(moved.x)
    else:
        found = net(moved.x, batch.lengths)
    assert found.device.type == "meta"


@pytest.mark.parametrize("name", WRITERS)
def test_no_steps_give_no_logits(name: str) -> None:
    net, batch = TOPOLOGIES[name](LSTM)
    found = net(batch.context, batch.x[:, :0], None, batch.context_lengths)
    assert list(found.shape) == [4, 0, 7]
