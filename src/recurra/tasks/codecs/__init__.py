"""Between a user's examples and tensors: one file per kind of example."""
