"""A recording transcribed while it is heard."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from recurra.data.readers.sound import Samples
from recurra.errors import RecurraError
from recurra.streaming import Stream
from recurra.tasks.codecs.speech import SpeechCodec, Transcript
from recurra.tasks.model import Model
from recurra.tasks.transcribing import decoders, located, symbols_of
from recurra.topologies import CTC
from recurra.training.options import Listened


class Listener:
    """Hears samples as they come, and writes down what is said.

    Given a recording in any pieces, it ends with what `predict` says of the whole.

    Args:
        model: of speech_recognition, one that reads one way only.
        decoding: options to use instead of the model's own: beam, lm, ….
    Raises:
        RecurraError: the model is of another task or reads backward, or has no use for an option.

    Attributes:
        delay: milliseconds that the answer to a frame comes later than the frame.
    """

    def __init__(self, model: Model, **decoding: Any) -> None:
        if model.task.name != "speech_recognition":
            raise RecurraError(f"a {model.task.name} model hears no speech")
        recipe = model.task.recipe.of(model.recipe.asdict(), decoding)
        self.codec = cast(SpeechCodec, model.codec)
        self.network = cast(CTC, model.network)
        if not self.network.body.streams:
            raise RecurraError(
                "this model reads backward too, and must hear a recording to its end; train one "
                "with --no-bidirectional --lookahead 4"
            )
        self.stream = Stream(self.network.layer.eval())
        self.decoder = decoders(self.codec.units, cast(Listened, recipe))()
        self.delay = 1000 * self.stream.delay * self.codec.seconds
        self._scores: list[Tensor] = []
        self._waiting = np.zeros(0, np.float32)
        self._late = self.stream.delay  # outputs that answer what was before the beginning
        self._heard = 0

    def push(self, samples: Samples) -> str:
        """Take the next samples, of the model's rate and full scale 1; return the text so far."""
        self._heard += len(samples)
        whole = np.concatenate([self._waiting, np.asarray(samples, np.float32)])
        ready = len(whole) // self.codec.frame * self.codec.frame
        self._waiting = whole[ready:]
        self._hear(self.codec.frames(whole[:ready]))
        return self.text

    def finish(self) -> Transcript:
        """Return the transcript of all that was heard, with the times of its words."""
        self._hear(self.codec.frames(self._waiting))
        self._waiting = self._waiting[:0]
        self._hear(torch.zeros(self.stream.delay, self.codec.frame))
        scores = torch.cat(self._scores) if self._scores else torch.zeros(0, self.network.classes)
        emissions, logp = located(scores, symbols_of(self.decoder))
        return self.codec.heard(emissions, logp, self._heard, self.stream.delay)

    @property
    def text(self) -> str:
        """What is written down so far; a beam may still change its last words."""
        return self.codec.units.decode(symbols_of(self.decoder))

    def _hear(self, frames: Tensor) -> None:
        device = next(self.network.parameters()).device
        for frame in frames:
            answer = self.stream.step(frame[None].to(device))
            if self._late:
                self._late -= 1
                continue
            scores = answer.double().cpu()
            self._scores.append(scores)
            self.decoder.push(scores.log_softmax(-1))
