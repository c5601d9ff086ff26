"""A language model: streamed equals whole, tied outputs, what may be a body."""

import pytest
import torch
from torch import nn

from recurra.cells import CELLS
from recurra.data.batch import Aligned, Continued
from recurra.decoding import Generator
from recurra.errors import InputError
from recurra.layers import Bidirectional, LookAhead, Recurrent, Stack
from recurra.topologies import LanguageModel
from recurra.topologies.carry import carrying
from recurra.topologies.tied import Tied


def network(cell: type = CELLS[2], tied: bool = False) -> LanguageModel:
    torch.manual_seed(0)
    table = nn.Embedding(11, 6)
    body = Stack(Recurrent(cell(6, 8)), Recurrent(cell(8, 8)))
    head = Tied(table, 8) if tied else nn.Linear(8, 11)
    return LanguageModel(table, body, head).eval()


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_a_text_read_token_by_token_is_the_text_read_whole(cell: type):
    net = network(cell)
    x = torch.randint(0, 11, (3, 9))
    with torch.no_grad():
        whole = net(x)
        first, state = net.read(x[:, :4])
        rest, _ = net.read(x[:, 4:], state)
        assert torch.allclose(torch.cat([first, rest], 1), whole, atol=1e-5)
        state = net.start(x[:, :0])
        for t in range(9):
            logits, state = net.advance(x[:, t], state)
            assert torch.allclose(logits, whole[:, t], atol=1e-5)
        prompted, _ = net.advance(x[:, 6], net.start(x[:, :6]))
        assert torch.allclose(prompted, whole[:, 6], atol=1e-5)


def test_it_can_be_searched():
    assert isinstance(network(), Generator)


def test_a_carried_text_has_the_loss_of_the_whole():
    net = network()
    x, y = torch.randint(0, 11, (2, 2, 10))
    whole = net.loss(Aligned(x, torch.tensor([10, 10]), y))
    with torch.no_grad(), carrying(net):
        total = sum(
            float(net.loss(Continued(a, torch.tensor([5, 5]), b, torch.full((2,), k == 0))).total)
            for k, (a, b) in enumerate(zip(x.split(5, 1), y.split(5, 1), strict=True))
        )
    assert total == pytest.approx(float(whole.total.detach()), rel=1e-5)


def test_a_tied_output_is_stored_once_and_learns_from_both_sides():
    net = network(tied=True)
    names = [name for name, _ in net.named_parameters()]
    assert sum("embed" in name or name.endswith("_tables") for name in names) == 1
    assert "head.project.weight" in names
    x = torch.randint(1, 5, (2, 6))
    net.loss(Aligned(x, torch.tensor([6, 6]), x)).total.backward()
    assert (net.embed.weight.grad.abs().sum(1) > 0).all()  # those never read, by the output


def test_a_body_that_sees_what_comes_later_is_refused():
    table, cell = nn.Embedding(11, 6), CELLS[2]
    for body in (
        Bidirectional(cell(6, 4), cell(6, 4)),
        Stack(Recurrent(cell(6, 8)), LookAhead(8, 1)),
    ):
        with pytest.raises(InputError, match="streams at once"):
            LanguageModel(table, body, nn.Linear(8, 11))
