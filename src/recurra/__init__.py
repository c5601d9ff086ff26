"""Recurrent neural networks on PyTorch: every type of RNN, trained, explained, streamed, served."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recurra import (
        cells,
        data,
        decoding,
        diagnostics,
        engines,
        init,
        layers,
        onnx,
        runtime,
        streaming,
        tasks,
        topologies,
    )
    from recurra.cells import (
        GRU,
        LRU,
        LSTM,
        MLSTM,
        RGLRU,
        SLSTM,
        Cell,
        Elman,
        IndRNN,
        LinearCell,
        MinGRU,
        MinLSTM,
    )
    from recurra.engines import unroll
    from recurra.errors import RecurraError
    from recurra.layers import (
        Bidirectional,
        Layer,
        LookAhead,
        Recurrent,
        Residual,
        Stack,
        from_torch,
        to_torch,
    )
    from recurra.onnx.export import export
    from recurra.streaming import Stream
    from recurra.tasks.compare import compare
    from recurra.tasks.diagnosis import diagnose
    from recurra.tasks.model import Model, load
    from recurra.tasks.pieces import listen
    from recurra.tasks.rate import find_rate
    from recurra.tasks.run import train
    from recurra.tasks.streams.session import Session
    from recurra.tasks.watch import Watch
    from recurra.testing import check_cell

__version__ = "0.1.0"

_HOME = {
    "recurra.cells": ("Cell LinearCell Elman LSTM GRU IndRNN SLSTM MinGRU MinLSTM LRU RGLRU MLSTM"),
    "recurra.engines": "unroll",
    "recurra.errors": "RecurraError",
    "recurra.layers": (
        "Layer Recurrent Stack Residual Bidirectional LookAhead from_torch to_torch"
    ),
    "recurra.onnx.export": "export",
    "recurra.streaming": "Stream",
    "recurra.tasks.compare": "compare",
    "recurra.tasks.diagnosis": "diagnose",
    "recurra.tasks.model": "Model load",
    "recurra.tasks.pieces": "listen",
    "recurra.tasks.rate": "find_rate",
    "recurra.tasks.run": "train",
    "recurra.tasks.streams.session": "Session",
    "recurra.tasks.watch": "Watch",
    "recurra.testing": "check_cell",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}
_PACKAGES = (
    *(
        "cells",
        "data",
        "decoding",
        "diagnostics",
        "engines",
        "init",
        "layers",
        "onnx",
        "runtime",
        "streaming",
        "tasks",
    ),
    "topologies",
)

__all__ = [
    "GRU",
    "LRU",
    "LSTM",
    "MLSTM",
    "RGLRU",
    "SLSTM",
    "Bidirectional",
    "Cell",
    "Elman",
    "IndRNN",
    "Layer",
    "LinearCell",
    "LookAhead",
    "MinGRU",
    "MinLSTM",
    "Model",
    "RecurraError",
    "Recurrent",
    "Residual",
    "Session",
    "Stack",
    "Stream",
    "Watch",
    "cells",
    "check_cell",
    "compare",
    "data",
    "decoding",
    "diagnose",
    "diagnostics",
    "engines",
    "export",
    "find_rate",
    "from_torch",
    "init",
    "layers",
    "listen",
    "load",
    "onnx",
    "runtime",
    "streaming",
    "tasks",
    "to_torch",
    "topologies",
    "train",
    "unroll",
]


def __getattr__(name: str) -> Any:
    # names are found on first use, so that `recurra --help` need not wait for torch
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _PACKAGES:
        return import_module(f"recurra.{name}")
    raise AttributeError(f"module 'recurra' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
