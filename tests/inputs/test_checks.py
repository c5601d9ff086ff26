"""Checks that a value passes the second time as it did, or did not, the first time."""

import pytest
import torch

from recurra import inputs
from recurra.cells import LSTM
from recurra.errors import InputError
from recurra.layers import Recurrent


def test_a_state_of_another_kind_is_refused_after_many_that_fitted() -> None:
    cell = LSTM(2, 4)
    layer, x = Recurrent(cell), torch.zeros(2, 5, 2)
    for _ in range(3):
        layer(x, layer.initial_state(2))
    for wrong in (
        layer.initial_state(3),
        LSTM(2, 5).initial_state(2),
        LSTM(2, 4).double().initial_state(2),
    ):
        with pytest.raises(InputError):
            layer(x, wrong)
        with pytest.raises(InputError):
            cell(x[:, 0], wrong)


def test_numbers_end_before_their_count() -> None:
    inputs.within("a table", "x", torch.tensor([0, 6]), 7)
    for wrong in (-1, 7):
        with pytest.raises(InputError, match=f"x has {wrong}; a table takes 0 to 6"):
            inputs.within("a table", "x", torch.tensor([0, wrong]), 7)


def test_a_sign_that_waits_is_not_in_the_memory() -> None:
    waiting = torch.zeros(2, dtype=torch.complex64).conj().imag
    assert waiting.is_neg()
    assert "sign is still to be turned" in str(inputs.impure(waiting))
    assert inputs.impure(waiting.resolve_neg()) is None
