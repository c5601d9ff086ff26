"""Law 7: the teacher-forced pass is the same as advancing token by token."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recurra.cells import CELLS, GRU, LSTM, Cell
from recurra.layers import (
    AdditiveAttention,
    Bidirectional,
    MultiplicativeAttention,
    Recurrent,
    Stack,
)
from recurra.topologies import Decoder, ManyToManyUnequal, OneToMany, Writer

torch.set_num_threads(1)
SIZE, WORDS = 6, 7
CONTEXT_LENGTHS = torch.tensor([5, 0, 2])


def decoder(kind: type[Cell[Any]], attention: str, memory: int, feeding: bool) -> Decoder:
    width = 2 * SIZE + (SIZE if feeding else 0)
    look = {
        "none": lambda: None,
        "additive": lambda: AdditiveAttention(SIZE, memory, 4),
        "multiplicative": lambda: MultiplicativeAttention(SIZE, memory),
    }[attention]()
    body = Stack(kind(width, SIZE), kind(SIZE, SIZE))
    return Decoder(
        WORDS, SIZE, body, context_size=SIZE, attention=look, input_feeding=feeding, dropout=0.5
    )


def make(
    shape: str, attention: str, feeding: bool, kind: type[Cell[Any]] = LSTM
) -> tuple[Writer, Tensor, Tensor | None]:
    torch.manual_seed(0)
    if shape == "OneToMany":
        net: Writer = OneToMany(nn.Linear(3, SIZE), decoder(kind, attention, SIZE, feeding))
        return net.double().eval(), torch.randn(3, 4, 3, dtype=torch.float64), None
    encoder = Bidirectional(Recurrent(GRU(SIZE, 4)), Recurrent(GRU(SIZE, 4)))
    net = ManyToManyUnequal(nn.Embedding(9, SIZE), encoder, decoder(kind, attention, 8, feeding))
    return net.double().eval(), torch.randint(9, (3, 5)), CONTEXT_LENGTHS


def step_by_step(net: Writer, context: Tensor, lengths: Tensor | None, x: Tensor) -> Tensor:
    state, logits = net.start(context, lengths), []
    for token in x.unbind(1):
        step, state = net.advance(token, state)
        logits.append(step)
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("shape", ["OneToMany", "ManyToManyUnequal"])
@pytest.mark.parametrize("attention", ["none", "additive", "multiplicative"])
@pytest.mark.parametrize("feeding", [False, True], ids=["plain", "feeding"])
def test_equals_advance(shape: str, attention: str, feeding: bool) -> None:
    net, context, lengths = make(shape, attention, feeding)
    x = torch.randint(WORDS, (3, 6))
    torch.testing.assert_close(
        net(context, x, None, lengths), step_by_step(net, context, lengths, x), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_equals_advance_with_every_cell(kind: type[Cell[Any]]) -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", False, kind)
    x = torch.randint(WORDS, (3, 6))
    torch.testing.assert_close(
        net(context, x, None, lengths), step_by_step(net, context, lengths, x), rtol=0, atol=1e-9
    )


def test_rows_do_not_see_each_other() -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", True)
    x = torch.randint(WORDS, (3, 6))
    together = net(context, x, None, lengths)
    for row, length in enumerate(CONTEXT_LENGTHS.tolist()):
        one = slice(row, row + 1)
        alone = net(context[one, :length], x[one], None, lengths[one])
        torch.testing.assert_close(together[one], alone, rtol=0, atol=1e-9)


def test_feeding_tells_the_next_step_where_the_last_one_looked() -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", True)
    state = net.start(context, lengths)
    token = torch.zeros(3, dtype=torch.int64)
    _, state = net.advance(token, state)
    fed, _ = net.advance(token, state)
    unfed, _ = net.advance(token, state._replace(fed=torch.zeros_like(state.fed)))
    assert not torch.allclose(fed, unfed)


def test_attention_weights_are_in_the_state() -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", False)
    state = net.start(context, lengths)
    _, state = net.advance(torch.zeros(3, dtype=torch.int64), state)
    expected = torch.tensor([1.0, 0, 1], dtype=torch.float64)  # the second source is empty
    torch.testing.assert_close(state.weights.sum(1), expected)
    assert bool((state.weights[2, 2:] == 0).all())


def test_the_memory_is_projected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", False)
    state = net.start(context, lengths)
    assert net.decoder.attention is not None
    net.decoder.attention.from_memory = nn.Identity()
    net.advance(torch.zeros(3, dtype=torch.int64), state)  # a second projection would not fit


def test_scheduled_sampling_learns_from_its_own_words() -> None:
    net, context, lengths = make("ManyToManyUnequal", "additive", False)
    net.decoder.dropout.p = 0.0
    for weight in net.parameters():
        weight.data.normal_()  # predictions that differ from step to step
    x = torch.randint(WORDS, (3, 6))
    forced = net(context, x, None, lengths)
    own = torch.cat([x[:, :1], forced.argmax(-1)[:, :-1]], dim=1)
    assert any(len(set(row[1:])) > 1 for row in own.tolist())
    net.scheduled = 1.0
    torch.testing.assert_close(net(context, x, None, lengths), forced)  # not in evaluation
    expected = net(context, own, None, lengths)
    net.train()
    torch.testing.assert_close(net(context, x, None, lengths), expected)
    net.scheduled = 0.0
    torch.testing.assert_close(net(context, x, None, lengths), forced)
