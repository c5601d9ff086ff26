"""One session of a model: pieces of its input in, answers out as they become known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recurra.streaming import Stream

if TYPE_CHECKING:
    from recurra.tasks.model import Model


class Session:
    """A model that hears one input as it comes, and says what `predict` says of the whole.

    Args:
        model: one that streams.
    Raises:
        RecurraError: it waits for the end of its input, and the text says why.
    """

    def __init__(self, model: Model) -> None:
        self.streamed = model.streamed()
        self.stream = Stream(self.streamed.layer)
        self._begin()

    def push(self, given: Any) -> list[dict[str, Any]]:
        """Take what comes next; return what is known now, one answer a step.

        Args:
            given: a text; a list of numbers, or of words where the model tags them; an array of
                float32. `docs/server.md` says what each task takes and tells.
        Raises:
            RecurraError: it cannot be read; the session stays where it was.
        """
        return self._stepped(self.streamed.read(self.memory, given))

    def end(self) -> list[dict[str, Any]]:
        """Return what is left to tell of the input, which is over; then begin anew."""
        answers = self._stepped(self.streamed.rest(self.memory))
        flushed = torch.zeros(1, self.stream.delay, self.stream.input_size)
        answers += self._told(flushed)
        self._begin()
        return answers

    def _begin(self) -> None:
        self.memory, self.late = self.streamed.begin(), self.stream.delay
        self.stream.reset()

    @torch.inference_mode()
    def _stepped(self, frames: NDArray[Any]) -> list[dict[str, Any]]:
        if not len(frames):
            return []
        return self._told(self.streamed.embed(torch.from_numpy(np.ascontiguousarray(frames))[None]))

    @torch.inference_mode()
    def _told(self, x: Tensor) -> list[dict[str, Any]]:
        said = [self.stream.step(frame) for frame in x.unbind(1)]
        late, self.late = self.late, max(self.late - len(said), 0)
        if len(said) <= late:
            return []
        scores = self.streamed.head(torch.stack(said[late:], 1))
        return self.streamed.say(self.memory, scores[0].numpy())
