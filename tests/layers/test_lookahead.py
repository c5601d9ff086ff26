import pytest
import torch

from recurra.cells import GRU
from recurra.layers import Bidirectional, LookAhead, Recurrent, Stack, aligned

LENGTHS = torch.tensor([7, 4, 0, 1, 2])


def random(size: int, context: int) -> LookAhead:
    layer = LookAhead(size, context).double()
    torch.nn.init.normal_(layer.weight)
    return layer


def formula(weight, x, lengths):
    """Return y_t = Σ_j w_j ⊙ x_{t+j}, of each row's own frames."""
    y = torch.zeros_like(x)
    for row, length in enumerate(lengths.tolist()):
        for t in range(length):
            for j in range(min(len(weight), length - t)):
                y[row, t] += weight[j] * x[row, t + j]
    return y


@pytest.mark.parametrize("context", [1, 2, 5, 12])
def test_aligned_it_is_the_formula(context):
    torch.manual_seed(0)
    layer = random(3, context)
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    beyond = torch.arange(7) >= LENGTHS[:, None]
    y = aligned(layer, x.masked_fill(beyond[..., None], torch.nan), LENGTHS)
    torch.testing.assert_close(y, formula(layer.weight, x, LENGTHS))
    full = torch.full((5,), 7)
    torch.testing.assert_close(aligned(layer, x), formula(layer.weight, x, full))


def test_an_answer_comes_delay_steps_later():
    torch.manual_seed(0)
    layer = random(3, 2)
    x = torch.randn(1, 7, 3, dtype=torch.float64)
    y, _ = layer(x)
    expected = formula(layer.weight, x, torch.tensor([7]))
    torch.testing.assert_close(y[:, 2:], expected[:, :-2])


def test_aligned_adds_up_the_delays_of_a_stack():
    torch.manual_seed(0)
    first, second = random(3, 2), random(3, 3)
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    y = aligned(Stack(first, second), x)
    # the second sees the answers of the first to the steps before the start, too; no step after
    # the start looks back at them
    full = torch.full((5,), 7)
    expected = formula(second.weight, formula(first.weight, x, full), full)
    torch.testing.assert_close(y, expected)


def test_aligned_answers_what_a_flushed_stream_answers():
    torch.manual_seed(0)
    layer = Stack(GRU(3, 4), LookAhead(4, 2), GRU(4, 2)).double()
    x = torch.randn(1, 7, 3, dtype=torch.float64)
    state, answers = None, []
    for frame in [*x.split(1, dim=1), *[torch.zeros(1, 1, 3, dtype=torch.float64)] * layer.delay]:
        y, state = layer(frame, state)
        answers.append(y)
    torch.testing.assert_close(torch.cat(answers, dim=1)[:, layer.delay :], aligned(layer, x))


@pytest.mark.parametrize(
    "layer",
    [Recurrent(GRU(3, 4)), Bidirectional(GRU(3, 2), GRU(3, 2))],
    ids=["recurrent", "bidirectional"],
)
def test_aligned_is_the_layer_itself_without_delay(layer):
    x = torch.randn(5, 7, 3)
    torch.testing.assert_close(aligned(layer, x, LENGTHS), layer(x, lengths=LENGTHS)[0])


def test_each_row_of_aligned_is_what_it_is_alone():
    torch.manual_seed(0)
    layer = Stack(GRU(3, 4), LookAhead(4, 2), GRU(4, 2)).double()
    x = torch.randn(5, 7, 3, dtype=torch.float64)
    y = aligned(layer, x, LENGTHS)
    assert y.shape == (5, 7, 2)
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(y[row, :length], aligned(layer, x[row : row + 1, :length])[0])
        assert not y[row, length:].any()


def test_it_begins_as_the_identity():
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(aligned(LookAhead(3, 4), x), x)


@pytest.mark.parametrize(("size", "context", "text"), [(0, 1, "size is 0"), (3, 0, "context is 0")])
def test_sizes_are_positive(size, context, text):
    with pytest.raises(ValueError, match=text):
        LookAhead(size, context)
