import pytest
import torch
from torch import nn

from recurra import tree
from recurra.cells import GRU, LSTM
from recurra.layers import Bidirectional, BidirectionalState, LookAhead, Recurrent, Stack

LENGTHS = torch.tensor([6, 3, 0, 1])


def test_each_row_is_flipped_within_its_length():
    torch.manual_seed(0)
    ahead, back = Recurrent(GRU(3, 4)).double(), Recurrent(LSTM(3, 2)).double()
    both = Bidirectional(ahead, back)
    assert (both.input_size, both.output_size) == (3, 6)
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    start = BidirectionalState(
        tree.map(torch.randn_like, ahead.initial_state(4)),
        tree.map(torch.randn_like, back.initial_state(4)),
    )
    y, state = both(x, start, lengths=LENGTHS)
    assert isinstance(state, BidirectionalState)
    for row, length in enumerate(LENGTHS.tolist()):
        own = slice(row, row + 1)
        frames = x[own, :length]
        forward, last = ahead(frames, type(start.forward)(*(s[own] for s in start.forward)))
        backward, first = back(
            frames.flip(1), type(start.backward)(*(s[own] for s in start.backward))
        )
        torch.testing.assert_close(y[own, :length, :4], forward)
        torch.testing.assert_close(y[own, :length, 4:], backward.flip(1))
        torch.testing.assert_close(state.forward.h[own], last.h)
        torch.testing.assert_close(state.backward.c[own], first.c)


def test_it_is_that_of_torch_over_packed_rows():
    torch.manual_seed(0)
    theirs = nn.LSTM(3, 4, bidirectional=True, batch_first=True).double()
    both = Bidirectional(LSTM(3, 4), LSTM(3, 4)).double()
    for layer, suffix in [(both.forward_layer, ""), (both.backward_layer, "_reverse")]:
        layer.cell.from_input.data = getattr(theirs, f"weight_ih_l0{suffix}").data
        layer.cell.from_state.data = getattr(theirs, f"weight_hh_l0{suffix}").data
        biases = [getattr(theirs, f"bias_{part}_l0{suffix}").data for part in ("ih", "hh")]
        layer.cell.bias.data = biases[0] + biases[1]
    x = torch.randn(3, 6, 3, dtype=torch.float64)
    lengths = torch.tensor([2, 6, 5])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, (h, c) = theirs(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(expected, batch_first=True)
    y, state = both(x, lengths=lengths)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(torch.stack([state.forward.h, state.backward.h]), h)
    torch.testing.assert_close(torch.stack([state.forward.c, state.backward.c]), c)


def test_it_does_not_stream_and_neither_does_what_holds_it():
    assert Bidirectional.streams is False
    assert not Stack(GRU(3, 4), Bidirectional(GRU(4, 2), GRU(4, 2))).streams


def test_both_read_the_same_input():
    with pytest.raises(ValueError, match=r"forward layer takes 3 .* backward layer 4"):
        Bidirectional(GRU(3, 4), GRU(4, 4))


def test_a_layer_that_lags_is_refused():
    with pytest.raises(ValueError, match="lags by 2 steps"):
        Bidirectional(GRU(3, 3), LookAhead(3, 2))
