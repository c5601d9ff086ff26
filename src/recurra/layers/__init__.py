"""Layers: sequence in; sequence and state out."""

from recurra.layers.attention import AdditiveAttention, Attention, MultiplicativeAttention
from recurra.layers.augment import SpecAugment, WaveAugment
from recurra.layers.base import Layer
from recurra.layers.beside import Beside, BesideState
from recurra.layers.bidirectional import Bidirectional, BidirectionalState
from recurra.layers.conversion import (
    from_torch,
    state_from_torch,
    state_to_torch,
    to_torch,
)
from recurra.layers.convolution import Convolution, ConvolutionState, LiveNorm
from recurra.layers.dropout import Dropout, VariationalDropout
from recurra.layers.frames import FrameStack
from recurra.layers.instance import ReversibleNorm, RowScale
from recurra.layers.lengths import within, zero_beyond
from recurra.layers.lookahead import LookAhead, LookAheadState, aligned
from recurra.layers.plane import PlaneConvolution, PlaneState
from recurra.layers.pointwise import Pointwise
from recurra.layers.pool import AttentionPool, Last, Max, Mean
from recurra.layers.recurrent import Recurrent, as_layer
from recurra.layers.residual import Residual, ResidualState
from recurra.layers.running import Running, RunningState
from recurra.layers.scale import FixedScale
from recurra.layers.spectrum import Cepstrum, LogMel, SpectrumState
from recurra.layers.stack import Stack
from recurra.layers.stepwise import step_losses

__all__ = [
    "AdditiveAttention",
    "Attention",
    "AttentionPool",
    "Beside",
    "BesideState",
    "Bidirectional",
    "BidirectionalState",
    "Cepstrum",
    "Convolution",
    "ConvolutionState",
    "Dropout",
    "FixedScale",
    "FrameStack",
    "Last",
    "Layer",
    "LiveNorm",
    "LogMel",
    "LookAhead",
    "LookAheadState",
    "Max",
    "Mean",
    "MultiplicativeAttention",
    "PlaneConvolution",
    "PlaneState",
    "Pointwise",
    "Recurrent",
    "Residual",
    "ResidualState",
    "ReversibleNorm",
    "RowScale",
    "Running",
    "RunningState",
    "SpecAugment",
    "SpectrumState",
    "Stack",
    "VariationalDropout",
    "WaveAugment",
    "aligned",
    "as_layer",
    "from_torch",
    "state_from_torch",
    "state_to_torch",
    "step_losses",
    "to_torch",
    "within",
    "zero_beyond",
]
