"""How fast recurra is on a GPU, beside whom: a short run that loses nothing when it is cut."""
