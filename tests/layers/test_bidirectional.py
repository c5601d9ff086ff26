from typing import Any

import pytest
import torch
from torch import nn

from recurra import tree
from recurra.cells import GRU, LSTM, SLSTM, Elman
from recurra.engines.native import library
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


@pytest.mark.parametrize("lengths", [[5, 0, 9, 1, 7], None])
@pytest.mark.parametrize("kind", [LSTM, GRU, Elman, SLSTM])
def test_both_directions_at_once_are_each_on_its_own(
    kind: Any, lengths: list[int] | None, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    layer = Bidirectional(kind(6, 16), kind(6, 16))
    x, grad = torch.randn(5, 9, 6, requires_grad=True), torch.randn(5, 9, 32)
    rows = None if lengths is None else torch.tensor(lengths)
    state = layer.initial_state(5)._replace(
        backward=tree.unflatten(
            layer.initial_state(5).backward,
            [torch.rand(5, 16) + 0.5 for _ in tree.leaves(layer.initial_state(5).backward)],
        )
    )

    def run() -> list[torch.Tensor]:
        y, after = layer(x, state, lengths=rows)
        ends = tree.leaves(after)
        loss = (y * grad).sum() + sum((end * end).sum() for end in ends)
        sources = [x, *layer.parameters()]
        first = torch.autograd.grad(loss, sources, retain_graph=True)
        twice = torch.autograd.grad(loss, sources, create_graph=True)
        second = torch.autograd.grad(sum((g * g).sum() for g in twice), sources)
        return [y, *ends, *first, *second]

    seen: list[bool] = []
    at_once = layer._at_once

    def look(*given: Any) -> Any:
        both = at_once(*given)
        seen.append(both is not None)
        return both

    monkeypatch.setattr(layer, "_at_once", look)
    found = run()
    layer.backward_layer.register_forward_hook(lambda *_: None)  # its own call must then be made
    want = run()
    assert seen == [library.missing() is None, False]
    torch.testing.assert_close(found, want, atol=1e-4, rtol=1e-4)


def test_dropped_weights_and_hooks_leave_each_direction_to_itself():
    x = torch.randn(2, 5, 3)
    halves = [Recurrent(GRU(3, 4), weight_drop=0.5), Recurrent(GRU(3, 4))]
    layer = Bidirectional(*halves)
    before = layer.initial_state(2)
    assert layer._at_once(x, before, None) is None
    layer.eval()
    assert (layer._at_once(x, before, None) is not None) is (library.missing() is None)
    halves[1].cell.register_forward_hook(lambda *_: None)
    assert layer._at_once(x, before, None) is None
    named = Bidirectional(Recurrent(GRU(3, 4), engine="loop"), Recurrent(GRU(3, 4), engine="loop"))
    assert named._at_once(x, before, None) is None
