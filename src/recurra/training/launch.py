"""The device, the precision and the processes of a run: Lightning Fabric from a recipe."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from recurra.errors import RecurraError
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# One process validates while the others wait for it, which may take long.
TIMEOUT = timedelta(hours=2)


def launch(recipe: Recipe) -> Fabric:
    """Return Fabric, connected to the other processes where torchrun started several.

    Raises:
        RecurraError: the recipe names a device that is not here.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    kind, _, number = recipe.device.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", str(processes)))
    if kind == "cuda":
        needed = int(number) + 1 if number else local
        if torch.cuda.device_count() < needed:
            raise RecurraError(
                f"device: received {recipe.device!r} for {local} process(es), but "
                f"{torch.cuda.device_count()} CUDA device(s) are here; use device cpu or auto"
            )
    fabric = Fabric(
        accelerator=kind,
        devices=[int(number)] if number and processes == 1 else local,
        num_nodes=max(1, processes // local),
        strategy=DDPStrategy(timeout=TIMEOUT) if processes > 1 else "auto",
        precision=recipe.precision,
    )
    fabric.launch()
    return fabric
