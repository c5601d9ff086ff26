"""The loss that is measured: of a model and a batch, as its user writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recurra.errors import InputError, InputTypeError, RecurraError

LossOf = Callable[[], Tensor]


def loss_of(model: nn.Module, batch: Any, loss_fn: Callable[..., Any] | None) -> LossOf:
    """Return the function that computes the loss anew.

    `loss_fn(model, batch)` as it is; where it fails before it has called the model, and the batch
    is inputs and a target, `loss_fn(model(*inputs), target)`, as `nn.CrossEntropyLoss()` is used;
    none: `model.loss(batch)`, which recurra's networks have. A sum and its count are divided.

    Raises:
        TypeError: loss_fn cannot be called, or is missing where the model has no `loss`.
    """
    if loss_fn is None:
        own = getattr(model, "loss", None)
        if not callable(own):
            raise InputTypeError(
                f"{type(model).__name__} has no `loss(batch)`; give diagnose(model, batch, loss_fn)"
            )
        return lambda: one_number(told(lambda: own(batch)))
    if not callable(loss_fn):
        raise InputTypeError(
            f"loss_fn is a {type(loss_fn).__name__}; give a function of (model, batch) to a loss"
        )

    def of_both() -> Any:
        return loss_fn(model, batch)

    def of_outputs() -> Any:
        *inputs, target = batch
        return loss_fn(model(*inputs), target)

    def compute() -> Tensor:
        pair = isinstance(batch, tuple | list) and len(batch) >= 2
        if isinstance(loss_fn, nn.modules.loss._Loss) and pair:
            return one_number(told(of_outputs))
        called: list[bool] = []
        hook = model.register_forward_pre_hook(lambda *_: called.append(True))
        try:
            found = of_both()
        except RecurraError:
            raise
        except Exception as error:  # whatever the user's own code raises
            if called or not pair:
                raise refused(error) from error
            found = told(of_outputs)
        finally:
            hook.remove()
        return one_number(found)

    return compute


def told(function: Callable[[], Any]) -> Any:
    """Return what a user's function returns, or one line about what it raises."""
    try:
        return function()
    except RecurraError:
        raise
    except Exception as error:  # whatever the user's own code raises
        raise refused(error) from error


def refused(error: Exception) -> RecurraError:
    """Return the error of a loss that could not be computed."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return RecurraError(f"the loss could not be computed: {reason}")


def one_number(found: Any) -> Tensor:
    """Return a loss as a tensor of no axes.

    Raises:
        InputTypeError: it is no tensor.
        InputError: it has several numbers, or whole ones.
    """
    if isinstance(found, tuple) and hasattr(found, "total") and hasattr(found, "count"):
        # every tuple has a `count`; a loss has a number in its place
        both: Any = found
        found = both.total / both.count.clamp(min=1)
    if not isinstance(found, Tensor):
        raise InputTypeError(
            f"the loss is a {type(found).__name__}; loss_fn returns a tensor of one number"
        )
    if found.numel() != 1 or not torch.is_floating_point(found):
        raise InputError(
            f"the loss is {found.dtype} of shape {list(found.shape)}; loss_fn returns one real "
            "number, such as a mean"
        )
    return found.reshape(())
