"""`torch.nn`: padded and packed; and the cell's own step, compiled by `torch.compile`."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job, differentiate, mode
from recurra.layers import Recurrent, to_torch


def _module(job: Job) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return the module of the job's cell, and its weights by recurra's names where both agree."""
    module = to_torch(Recurrent(job.cell)).train(job.grad is not None)
    names = {"weight_ih_l0": "from_input", "weight_hh_l0": "from_state", "bias_ih_l0": "bias"}
    return module, {names.get(name, name): p for name, p in module.named_parameters()}


def _entry(job: Job, weights: dict[str, Tensor], forward: Any) -> Entry:
    def run() -> tuple[Tensor, ...]:
        with mode(job):
            return differentiate(forward(job.x), job, list(weights.values()))

    shared = ["y", "x", "from_input", "from_state", "bias"]
    return Entry(run, shared if job.grad is not None else ["y"])


def padded(job: Job) -> Entry:
    """Return torch.nn's layer, which runs all rows to the end."""
    module, weights = _module(job)
    return _entry(job, weights, lambda x: module(x)[0])


def packed(job: Job) -> Entry:
    """Return torch.nn's layer on a PackedSequence."""
    module, weights = _module(job)
    steps, lengths = job.x.shape[1], job.lengths
    assert lengths is not None

    def forward(x: Tensor) -> Tensor:
        rows = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y: Tensor = pad_packed_sequence(module(rows)[0], batch_first=True, total_length=steps)[0]
        return y

    return _entry(job, weights, forward)


def gru(job: Job) -> Entry:
    """Return nn.GRU of the job's sizes, whatever its cell: it computes something else."""
    _, _, inputs, hidden = job.shape
    module = nn.GRU(inputs, hidden, batch_first=True)
    entry = _entry(job, dict(module.named_parameters()), lambda x: module(x)[0])
    return Entry(entry.run, [])


def compiled(job: Job) -> Entry:
    """Return the loop over the cell's own step, compiled; the projection is one product before."""
    cell = job.cell
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = torch.compile(cell.step)
    weights = dict(cell.named_parameters())

    def forward(x: Tensor) -> Tensor:
        state, outputs = cell.initial_state(len(x)), []
        for u in cell.project(x).unbind(1):
            y, state = step(u, state)
            outputs.append(y)
        return torch.stack(outputs, 1)

    def run() -> tuple[Tensor, ...]:
        with mode(job):
            return differentiate(forward(job.x), job, list(weights.values()))

    return Entry(run, ["y", "x", *weights])


PADDED = Peer("torch.nn", padded)
PACKED = Peer("torch.nn packed", packed)
GRU = Peer("nn.GRU", gru)
COMPILED = Peer("torch.compile of the step", compiled)
