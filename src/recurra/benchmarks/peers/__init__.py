"""Whom recurra is compared with: each at its best, on the same weights, data and threads."""
