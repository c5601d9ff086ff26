"""What reads pictures for a writer: convolutions that learn along, or a network that is frozen."""

from recurra.tasks.encoders.convolution import ImageEncoder, pixels
from recurra.tasks.encoders.features import remembered
from recurra.tasks.encoders.frozen import FrozenEncoder
from recurra.tasks.encoders.shift import Shift
from recurra.tasks.encoders.sources import Seen, seen_by

__all__ = ["FrozenEncoder", "ImageEncoder", "Seen", "Shift", "pixels", "remembered", "seen_by"]
