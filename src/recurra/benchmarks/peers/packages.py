"""Packages of recurrent cells on PyTorch: minGRU-pytorch, torchrecurrent."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job, differentiate


def _min_gru(job: Job) -> Any:
    from minGRU_pytorch import minGRU

    cell: Any = job.cell
    module = minGRU(cell.input_size).to(job.x.dtype)
    z, candidate = cell.from_input.detach().chunk(2)
    with torch.no_grad():  # it has no bias, and the candidate before the gate
        module.to_hidden_and_gate.weight.copy_(torch.cat([candidate, z]))
    return module


def min_gru(job: Job) -> Entry:
    """Return minGRU-pytorch's layer, a scan in log space; a MinGRU without bias is the same."""
    module = _min_gru(job)
    weights = list(module.parameters())
    return Entry(lambda: differentiate(module(job.x), job, weights), ["y", "x"])


def min_gru_compiled(job: Job) -> Entry:
    """Return the same layer under `torch.compile`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: Any = torch.compile(_min_gru(job))
    weights = list(module.parameters())
    return Entry(lambda: differentiate(module(job.x), job, weights), ["y", "x"])


def ind_rnn(job: Job) -> Entry:
    """Return torchrecurrent's IndRNN."""
    from torchrecurrent import IndRNN

    cell: Any = job.cell
    _, _, inputs, hidden = job.shape
    module = IndRNN(inputs, hidden, batch_first=True, nonlinearity=torch.relu)
    own = module.cells[0]
    with torch.no_grad():
        own.weight_ih.copy_(cell.from_input)
        own.vector_u.copy_(cell.recurrence())
        own.bias_ih.copy_(cell.bias)
        own.bias_hh.zero_()
    weights: list[Tensor] = list(module.parameters())
    return Entry(lambda: differentiate(module(job.x)[0], job, weights), ["y", "x"])


MIN_GRU = Peer("minGRU-pytorch", min_gru, "minGRU_pytorch")
MIN_GRU_COMPILED = Peer("minGRU-pytorch, torch.compile", min_gru_compiled, "minGRU_pytorch")
IND_RNN = Peer("torchrecurrent", ind_rnn, "torchrecurrent")
