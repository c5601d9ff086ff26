"""Speech and its transcript as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from recurra.codecs.speech import Speech, Transcript, Word
from recurra.data.batch import Transcribed
from recurra.data.readers.sound import Samples
from recurra.data.readers.source import place
from recurra.data.readers.transcripts import Utterance
from recurra.errors import DataError
from recurra.tasks.evaluation import lengths, pad

__all__ = ["SpeechCodec", "Transcript", "Word"]


@dataclass(frozen=True)
class SpeechCodec(Speech):
    """Samples to frames, transcripts to symbols, as tensors."""

    def frames(self, samples: Samples) -> Tensor:
        """Return samples as frames [time frame]; zeros fill the last one."""
        return torch.from_numpy(self.numbers(samples))

    def encode(self, example: Utterance) -> tuple[Tensor, Tensor]:
        """Return frames and symbols.

        Raises:
            DataError: the transcript has more symbols than fit into the frames.
        """
        x, symbols = self.frames(example.samples), self.units.encode(example.text)
        repeats = sum(a == b for a, b in pairwise(symbols))
        if len(symbols) + repeats > len(x):
            path, row = place(example)
            raise DataError(
                path,
                f"has {len(symbols)} symbols, {repeats} of them repeats, in {len(x)} frames of "
                f"{1000 * self.seconds:g} ms; frames as many as symbols and repeats are needed: "
                "is it what is said there? else lower --subsample, or take larger units",
                row,
            )
        return x, torch.tensor(symbols, dtype=torch.long)

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Transcribed:
        """Return a padded batch."""
        x, y = zip(*items, strict=True)
        return Transcribed(pad(x), lengths(x), pad(y), lengths(y))
