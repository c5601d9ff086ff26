"""All that a run goes on from, as tensors: weights, optimiser, random generators, carried state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from recurra import bundle, tree
from recurra.errors import BundleError
from recurra.topologies.carry import carriers
from recurra.training.average import Average

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def capture(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    fabric: Fabric,
    average: Average | None = None,
) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Return weights, optimiser and random generators as tensors, and the optimiser's groups.

    Every process must call it: each has random generators of its own.
    """
    kept = optimiser.state_dict()
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in average.kept.items()}
    for index, state in kept["state"].items():
        tensors |= {f"optimiser.{index}.{key}": tensor for key, tensor in state.items()}
    for kind, own in generators(fabric.device).items():
        tensors[f"random.{kind}"] = _of_every_process(own.flatten(), fabric)
    for index, part in enumerate(carriers(network)):
        leaves = [] if part.carried is None else tree.leaves(part.carried)
        for place, leaf in enumerate(leaves):
            tensors[f"carried.{index}.{place}"] = _of_every_process(leaf, fabric)
    return tensors, kept["param_groups"]


def _of_every_process(own: Tensor, fabric: Fabric) -> Tensor:
    every = fabric.all_gather(own)
    assert isinstance(every, Tensor)
    return every.reshape(fabric.world_size, *own.shape).cpu()


def restore(
    tensors: Mapping[str, Tensor],
    groups: list[dict[str, Any]],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    fabric: Fabric,
    source: Path,
    average: Average | None = None,
) -> None:
    """Put back what `capture` returned.

    Raises:
        BundleError: it belongs to another network.
    """
    parts: dict[str, dict[str, Tensor]] = {
        kind: {} for kind in ("network", "average", "optimiser", "random", "carried")
    }
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    bundle.fill(network, parts["network"], source)
    if average is not None:
        average.load(parts["average"], source)
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, _, key = name.partition(".")
        # Cloned: what was read lies in the file's own pages.
        state.setdefault(int(index), {})[key] = tensor.clone()
    try:
        optimiser.load_state_dict({"state": state, "param_groups": groups})
    except (ValueError, KeyError) as error:
        raise BundleError(f"{source} holds another network's optimiser: {error}") from error
    rank = fabric.global_rank
    # On more processes than before, the new ones keep the generators they were seeded with.
    own = {
        kind: every[rank].clone() for kind, every in parts["random"].items() if rank < len(every)
    }
    set_generators(own, fabric.device)
    _go_on(parts["carried"], network, fabric, source)


def _go_on(carried: Mapping[str, Tensor], network: nn.Module, fabric: Fabric, source: Path) -> None:
    """Have a network carry the states that its process carried.

    Raises:
        BundleError: there were other processes, or it is another network's state.
    """
    for index, part in enumerate(carriers(network)):
        like = part.body.initial_state(0)
        names = [f"{index}.{place}" for place in range(len(tree.leaves(like)))]
        every = [carried[name] for name in names if name in carried]
        if not every:
            continue
        if len(every[0]) != fabric.world_size:
            raise BundleError(
                f"{source} was saved on {len(every[0])} processes, each with lanes of its own; "
                f"go on with as many, not {fabric.world_size}"
            )
        own = [leaf[fabric.global_rank].to(fabric.device, copy=True) for leaf in every]
        shapes = [leaf.shape[1:] for leaf in tree.leaves(like)]
        if [leaf.shape[1:] for leaf in own] != shapes:
            raise BundleError(f"{source} holds the carried state of another network")
        part.carried = tree.unflatten(like, own)


def generators(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the random generators that training draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_generators(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Put back what `generators` returned."""
    if "cpu" in states:
        torch.set_rng_state(states["cpu"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
