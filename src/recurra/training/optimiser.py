"""AdamW over a network's parameters, and the learning rate over a run."""

from __future__ import annotations

import math

import torch
from torch import nn

from recurra.training.recipe import Recipe


def adamw(network: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW; biases, norms and other parameters with one axis do not decay.

    Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101, algorithm 2.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # The fused kernel takes real numbers only, and does not clip what a 16-bit scaler has scaled.
    fused = recipe.precision != "16-mixed" and all(
        p.is_floating_point() and p.device.type in {"cpu", "cuda"} for p in parameters
    )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=fused)


def learning_rate(recipe: Recipe, share: float, factor: float = 1.0) -> float:
    """Return the learning rate where `share` of the run is done.

        warm-up: η share / w        cosine: η (1 + cos π (share − w) / (1 − w)) / 2

    Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5, without restarts.

    Args:
        recipe: the peak η, the warm-up's share w, and the schedule after it.
        share: of the steps or of the time that the run may take, whichever is larger.
        factor: what the plateaus so far have left of the rate.
    """
    peak, warmup, share = recipe.learning_rate, recipe.warmup, min(share, 1.0)
    if share < warmup:
        return peak * share / warmup
    if recipe.schedule == "cosine":
        return peak * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup))) / 2
    return peak * factor
