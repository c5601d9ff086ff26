"""How a network is trained: recipe, loop, checkpoints, metrics."""
