"""The affine scan alone: values, gradients, gradients of gradients, work."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from recurra.engines.affine import WIDE, scan_affine


def sequence(decay: Tensor, inject: Tensor, h: Tensor) -> Tensor:
    states = []
    for a, b in zip(decay.unbind(1), inject.unbind(1), strict=True):
        h = a * h + b
        states.append(h)
    return torch.stack(states, 1)


def numbers(time: int, dtype: torch.dtype, width: int = 2) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    shapes = [(2, time, width), (2, time, width), (2, width)]
    return tuple((torch.rand(shape, dtype=dtype) - 0.3).requires_grad_() for shape in shapes)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("time", [1, 2, 32, 33, 100, 600])
def test_it_is_the_recurrence(time: int, dtype: torch.dtype) -> None:
    inputs = numbers(time, dtype)
    got, want = scan_affine(*inputs), sequence(*inputs)
    torch.testing.assert_close(got, want)
    weight = torch.randn_like(got)
    for one, other in zip(
        torch.autograd.grad(got, inputs, weight),
        torch.autograd.grad(want, inputs, weight),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("time", [1, 3, 37])
def test_gradients_of_gradients(time: int, dtype: torch.dtype) -> None:
    inputs = tuple(part.detach()[:1, ..., :1].requires_grad_() for part in numbers(time, dtype))
    assert torch.autograd.gradcheck(scan_affine, inputs, fast_mode=time > 3)
    assert torch.autograd.gradgradcheck(scan_affine, inputs, fast_mode=time > 3)


def test_a_wide_state_takes_the_loop_and_agrees() -> None:
    inputs = numbers(50, torch.float64, width=WIDE // 2)
    torch.testing.assert_close(scan_affine(*inputs), sequence(*inputs))


def test_a_decay_for_all_times_is_broadcast() -> None:
    decay, inject, h = numbers(40, torch.float64)
    got = scan_affine(decay[0, 0], inject, h)
    torch.testing.assert_close(got, sequence(decay[:1, :1].expand_as(inject), inject, h))


class Work(TorchDispatchMode):
    """Counts operations, and the numbers they write."""

    def __init__(self) -> None:
        super().__init__()
        self.operations, self.written = 0, 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and "view" not in str(function):
            self.operations += 1
            self.written += result.numel()
        return result


def work(time: int) -> Work:
    with Work() as counted:
        h = scan_affine(*numbers(time, torch.float32))
        h.sum().backward()
    return counted


def test_work_is_linear_in_time_and_depth_is_not() -> None:
    short, long = work(1024), work(16 * 1024)
    assert long.written < 16.5 * short.written
    assert long.operations < 2 * short.operations
