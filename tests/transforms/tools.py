"""What torch can do with a module: each tool returns numbers that no engine may change."""

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import (
    functional_call,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from torch.nn.utils import parametrizations, prune

from recurra.cells import Cell
from recurra.layers import Recurrent, Stack

Make = Callable[[], Recurrent]  # the same weights at each call
Numbers = list[Tensor]

ROWS, TIME, SIZE = 2, 5, 4  # more than SHORT steps, so that the choice is not always `loop`


def inputs(layer: nn.Module, *sizes: int, seed: int = 3) -> Tensor:
    """Return inputs of the layer's type, the same numbers in each type."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*(sizes or (ROWS, TIME, SIZE)), generator=generator, dtype=torch.float64)
    return x.to(next(layer.parameters()).dtype)


def trained(layer: nn.Module, x: Tensor) -> Numbers:
    """Return outputs, last state and all gradients of a weighed sum."""
    x = x.detach().requires_grad_()
    y, state = layer(x)
    (y * inputs(layer, *y.shape, seed=7)).sum().backward()
    grads = [p.grad for p in (x, *layer.parameters()) if p.grad is not None]
    return [y, *_leaves(state), *grads]


def _leaves(state: Any) -> list[Tensor]:
    return (
        [leaf for part in state for leaf in _leaves(part)] if isinstance(state, tuple) else [state]
    )


def _outputs(layer: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda x: layer(x)[0]


def _vjp(make: Make) -> Numbers:
    layer = make()
    y, pull = vjp(_outputs(layer), inputs(layer))
    return [y, *pull(inputs(layer, *y.shape, seed=5))]


def _jvp(make: Make) -> Numbers:
    layer = make()
    x = inputs(layer)
    return list(jvp(_outputs(layer), (x,), (inputs(layer, *x.shape, seed=5),)))


def _vmap(make: Make) -> Numbers:
    layer = make()
    return [vmap(_outputs(layer))(inputs(layer, 3, ROWS, TIME, SIZE))]


def _ensemble(make: Make) -> Numbers:
    layers = [make(), make()]
    with torch.no_grad():
        for weight in layers[1].parameters():
            weight.mul_(0.5)
    weights, buffers = stack_module_state(layers)
    x = inputs(layers[0])
    return [vmap(lambda w, b: functional_call(layers[0], (w, b), (x,))[0])(weights, buffers)]


def _per_sample(make: Make) -> Numbers:
    layer = make()
    weights = dict(layer.named_parameters())

    def loss(weights: dict[str, Tensor], row: Tensor) -> Tensor:
        return functional_call(layer, weights, (row[None],))[0].pow(2).sum()

    grads = vmap(grad(loss), in_dims=(None, 0))(weights, inputs(layer))
    return [grads[name] for name in sorted(grads)]


def _hessian(make: Make) -> Numbers:
    layer = make()
    return [hessian(lambda x: layer(x)[0].pow(2).sum())(inputs(layer, 1, TIME, SIZE))]


def _functional_call(make: Make) -> Numbers:
    layer = make()
    other = {
        name: (weight * 0.5).detach().requires_grad_() for name, weight in layer.named_parameters()
    }
    y = functional_call(layer, other, (inputs(layer),))[0]
    return [y, *torch.autograd.grad(y.pow(2).sum(), [other[name] for name in sorted(other)])]


def _grads_batched(make: Make) -> Numbers:
    layer = make()
    x = inputs(layer).requires_grad_()
    y = layer(x)[0]
    several = inputs(layer, 3, *y.shape, seed=5)
    return [y, *torch.autograd.grad(y, x, several, is_grads_batched=True)]


def _vectorised(make: Make) -> Numbers:
    layer = make()
    jacobian = torch.autograd.functional.jacobian(
        lambda x: layer(x)[0].sum(1), inputs(layer), vectorize=True
    )
    return [jacobian]


def _copied(make: Make) -> Numbers:
    layer = make()
    return trained(copy.deepcopy(layer), inputs(layer))


def _pickled(make: Make) -> Numbers:
    layer = make()
    return trained(pickle.loads(pickle.dumps(layer)), inputs(layer))


def _compiled(make: Make, *, whole: bool) -> Numbers:
    layer = make()
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=whole)
    numbers = trained(compiled, inputs(layer))
    with torch.no_grad():  # and of other batches and times
        for rows, time in [(3, TIME), (3, TIME + 2), (4, TIME + 4)]:
            numbers.append(compiled(inputs(layer, rows, time, SIZE))[0])
    return numbers


def _traced(make: Make) -> Numbers:
    layer = make().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(layer, (inputs(layer),), check_trace=False)
    y, state = traced(inputs(layer, 3, TIME, SIZE))
    return [y, *_leaves(state)]


def _exported(make: Make, *, times: bool) -> Numbers:
    layer = make().eval()
    sizes = {0: torch.export.Dim("batch", min=1, max=64)}
    if times:
        sizes[1] = torch.export.Dim("time", min=2, max=64)
    shapes: Any = {"x": sizes, "state": None}
    graph = torch.export.export(layer, (inputs(layer), None), dynamic_shapes=shapes).module()
    y, state = graph(inputs(layer, 3, TIME + 2 * times, SIZE), None)
    return [y, *_leaves(state)]


def _weight(cell: Cell[Any]) -> str:
    return "from_input" if "from_input" in cell._parameters else next(iter(cell._parameters))


def _made_of_others(make: Make, change: Callable[..., Any]) -> Numbers:
    layer = make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(layer.cell, _weight(layer.cell))
    with torch.no_grad():  # a norm begins anywhere, and the same in each type
        for i, buffer in enumerate(layer.buffers()):
            if buffer.dim() == 1:
                buffer.copy_(nn.functional.normalize(inputs(layer, len(buffer), seed=i), dim=0))
    numbers = trained(layer, inputs(layer))
    with torch.no_grad():
        for weight in layer.parameters():
            weight.sub_(weight.grad, alpha=0.01)
            weight.grad = None
    return numbers + trained(layer, inputs(layer, 3, TIME, SIZE))


def _tied(make: Make) -> Numbers:
    layer = make()
    return trained(Stack(layer, layer), inputs(layer))


def _frozen(make: Make) -> Numbers:
    layer = make()
    frozen = layer.cell.get_parameter(_weight(layer.cell)).requires_grad_(requires_grad=False)
    numbers = trained(layer, inputs(layer))
    assert frozen.grad is None
    return numbers


def _hooked(make: Make) -> Numbers:
    layer = make()
    layer.cell.register_forward_pre_hook(lambda cell, given: (given[0] * 2, *given[1:]))
    layer.cell.register_forward_hook(lambda cell, given, result: (result[0] * 3, result[1]))
    layer.register_forward_hook(lambda layer, given, result: (result[0] + 1, result[1]))
    return trained(layer, inputs(layer))


def _expanded(make: Make) -> Numbers:
    layer = make()
    x = inputs(layer, 1, 1, SIZE).requires_grad_()
    y = layer(x.expand(ROWS, TIME, SIZE))[0]
    return [y, *torch.autograd.grad(y.pow(2).sum(), [x, *layer.parameters()])]


def _strided(make: Make) -> Numbers:
    layer = make()
    return trained(layer, inputs(layer, SIZE, 2 * TIME, ROWS)[:, ::2].transpose(0, 2))


def _autocast(make: Make) -> Numbers:
    layer = make()
    with torch.autocast("cpu", torch.bfloat16):
        return trained(layer, inputs(layer))


TOOLS: dict[str, Callable[[Make], Numbers]] = {
    "torch.func.vjp": _vjp,
    "torch.func.jacrev": lambda make: [jacrev(_outputs(make()))(inputs(make()))],
    "torch.func.jacfwd": lambda make: [jacfwd(_outputs(make()))(inputs(make()))],
    "torch.func.jvp": _jvp,
    "vmap over inputs": _vmap,
    "vmap over weights": _ensemble,
    "gradients per sample": _per_sample,
    "torch.func.hessian": _hessian,
    "functional_call": _functional_call,
    "is_grads_batched": _grads_batched,
    "jacobian(vectorize=True)": _vectorised,
    "copy.deepcopy": _copied,
    "pickle of the module": _pickled,
    "prune": lambda make: _made_of_others(
        make, lambda cell, name: prune.l1_unstructured(cell, name, amount=0.5)
    ),
    "weight_norm": lambda make: _made_of_others(make, nn.utils.weight_norm),
    "spectral_norm": lambda make: _made_of_others(make, nn.utils.spectral_norm),
    "parametrizations": lambda make: _made_of_others(make, parametrizations.weight_norm),
    "one cell twice": _tied,
    "a frozen weight": _frozen,
    "hooks": _hooked,
    "expanded inputs": _expanded,
    "inputs not contiguous": _strided,
    "batch of 0": lambda make: trained(make(), inputs(make(), 0, TIME, SIZE)),
    "time of 0": lambda make: trained(make(), inputs(make(), ROWS, 0, SIZE)),
    "autocast": _autocast,
    "torch.jit.trace, other batch": _traced,
    "torch.compile": lambda make: _compiled(make, whole=False),
    "torch.compile(fullgraph=True)": lambda make: _compiled(make, whole=True),
    "torch.export, any batch": lambda make: _exported(make, times=False),
    "torch.export, any batch and time": lambda make: _exported(make, times=True),
}
MAKES_GRAPHS = [name for name in TOOLS if name.startswith("torch.compile") or "export" in name]
