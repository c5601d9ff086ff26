"""A model that is looked at, and afterwards is as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

OURS = ("torch.", "recurra.")  # whose modules are measured as in evaluation


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put a model back to what it was, whatever happens meanwhile, and all random generators.

    Within, modules of torch and recurra (dropout, norms, recurrent layers) are in evaluation, so
    that a measure is not of chance; modules of the user's own stay in the mode they are in. The
    parameters' `.grad` are for the caller to leave alone (`torch.autograd.grad`).
    """
    modules = list(model.modules())
    kept = [_inside(module) for module in modules]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    generators = _generators()
    try:
        for module in modules:
            if type(module).__module__.startswith(OURS):
                module.training = False
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, inside in zip(modules, kept, strict=True):
            _put_back(module, inside)
        with torch.no_grad():
            for buffer, before in buffers:
                if not torch.equal(buffer, before):  # a NaN is written again, which is no harm
                    buffer.copy_(before)
        _set_generators(generators)


def _inside(module: nn.Module) -> dict[str, Any]:
    """Return a module's attributes; its own dicts (parameters, buffers, hooks) copied."""
    return {
        name: value.copy() if name.startswith("_") and isinstance(value, dict) else value
        for name, value in vars(module).items()
    }


def _put_back(module: nn.Module, inside: dict[str, Any]) -> None:
    own = vars(module)
    for name in [name for name in own if name not in inside]:
        del own[name]
    for name, value in inside.items():
        now = own.get(name)
        if name.startswith("_") and isinstance(value, dict) and isinstance(now, dict):
            if list(now.items()) != list(value.items()):  # the dict itself is kept: handles know it
                now.clear()
                now.update(value)
        else:
            own[name] = value


def _generators() -> tuple[Any, ...]:
    cuda = torch.cuda.is_available()
    return (
        torch.get_rng_state(),
        torch.cuda.get_rng_state_all() if cuda else None,
        random.getstate(),
        np.random.get_state(),  # noqa: NPY002  # the global one is what users' code may draw from
    )


def _set_generators(states: tuple[Tensor, Any, Any, Any]) -> None:
    torch.set_rng_state(states[0])
    if states[1] is not None:
        torch.cuda.set_rng_state_all(states[1])
    random.setstate(states[2])
    np.random.set_state(states[3])  # noqa: NPY002  # as above
