"""What torch multiplies: W x of all steps, and the gradients of it."""

import torch
from torch import Tensor


def products(x: Tensor) -> torch.dtype:
    """Return the type of numbers that are multiplied: autocast's, or that of x."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
