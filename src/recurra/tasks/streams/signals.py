"""A signal that comes row by row: its label so far, or the label of each step."""

from __future__ import annotations

from recurra.codecs.streams.signals import LabellingSignals
from recurra.tasks.codecs.signals import SignalCodec
from recurra.tasks.streams.causal import checked, so_far
from recurra.tasks.streams.classes import Classes
from recurra.topologies import ManyToManyEqual, ManyToOne


class Signals(Classes, LabellingSignals):
    """The label of a signal so far, or of each of its steps.

    Args:
        network: that reads steps one way.
        codec: its own.
    Raises:
        RecurraError: it waits for the end of a signal.
    """

    def __init__(self, network: ManyToOne | ManyToManyEqual, codec: SignalCodec) -> None:
        super().__init__(codec)
        self.layer = so_far(network) if isinstance(network, ManyToOne) else checked(network.body)
        self.embed, self.scores = network.embed, network.head
