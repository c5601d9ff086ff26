"""Speech as numbers, and what was said in it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from recurra.codecs.sounds import framed
from recurra.codecs.standard import Standard
from recurra.codecs.units import Units
from recurra.data.readers.sound import Samples
from recurra.decoding.best_path import Emission


@dataclass(frozen=True)
class Speech:
    """Samples to frames, transcripts to symbols.

    Args:
        units: of the transcripts.
        scale: of the features, fitted on the training part.
        rate: samples a second.
        frame: samples of a frame: what the network hears in one step.
    """

    units: Units
    scale: Standard
    rate: int
    frame: int

    @property
    def seconds(self) -> float:
        """How long a frame lasts."""
        return self.frame / self.rate

    def numbers(self, samples: Samples) -> NDArray[Any]:
        """Return samples as frames [time frame]; zeros fill the last one."""
        return framed(samples, self.frame)

    def files(self) -> dict[str, str]:
        """Return units and settings."""
        settings = {
            "kind": self.units.kind,
            "lowercase": self.units.lowercase,
            "scale": self.scale.asdict(),
            "rate": self.rate,
            "frame": self.frame,
        }
        return {"units.json": self.units.to_json(), "speech.json": json.dumps(settings)}

    @classmethod
    def from_files(cls: type[C], files: Mapping[str, str]) -> C:
        """Return the codec that wrote these files."""
        stored = json.loads(files["speech.json"])
        units = Units.of(stored["kind"], files["units.json"], lowercase=stored["lowercase"])
        return cls(units, Standard.of(stored["scale"]), stored["rate"], stored["frame"])

    def heard(
        self,
        emissions: Sequence[Emission],
        log_probability: float,
        samples: int,
        delay: int,
        sound: str = "",
    ) -> Transcript:
        """Return the transcript of symbols and of the frames where each is heard.

        Args:
            emissions: the symbols, each with its frames.
            log_probability: of all of them, in nats.
            samples: how many there were.
            delay: frames that a stream is late.
            sound: where the recording comes from.
        """
        words, seconds = [], samples / self.rate
        for text, parts in self.units.words((one.symbol, one) for one in emissions):
            start, stop = parts[0].start * self.seconds, parts[-1].stop * self.seconds
            sure = math.exp(sum(part.score for part in parts) / len(parts))
            words.append(Word(text, round(start, 3), round(min(stop, seconds), 3), round(sure, 4)))
        text = " ".join(word.word for word in words)
        confidence = math.exp(min(log_probability, 0.0))
        late = 1000 * delay * self.seconds
        return Transcript(sound, text, words, confidence, round(seconds, 3), late)


C = TypeVar("C", bound=Speech)


@dataclass(frozen=True)
class Word:
    """A word, and from when to when it is heard.

    Args:
        word: as it is written.
        start: seconds from the beginning.
        stop: seconds, too.
        confidence: how sure its symbols are, each in its clearest frame: their geometric mean.
    """

    word: str
    start: float
    stop: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """What was said in a recording.

    Args:
        sound: where the recording comes from.
        text: the transcript.
        words: its words with their times.
        confidence: the probability that the model gives this transcript among all.
        seconds: how long the recording lasts.
        delay: milliseconds that a stream of this model answers later than it hears.
    """

    sound: str
    text: str
    words: list[Word]
    confidence: float
    seconds: float
    delay: float

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        """Show the transcript with the times of its words."""
        shown = " ".join(f"{word.word}@{word.start:.2f}" for word in self.words)
        return f"{self.text or '(nothing)'}   {self.confidence:.0%}   {shown}".rstrip()
