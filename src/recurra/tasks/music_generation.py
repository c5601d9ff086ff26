"""Music from a key and a mode: one-to-many."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recurra.data.batch import Paired
from recurra.data.music import KEYS, MODES, Notes, note_list
from recurra.data.readers import midi
from recurra.data.readers.midi import Tune
from recurra.data.samples import chorales
from recurra.data.splits import Splits
from recurra.decoding import sample
from recurra.errors import RecurraError
from recurra.tasks.body import body
from recurra.tasks.evaluation import lengths, mean_loss, pad, prior_loss
from recurra.tasks.task import Task
from recurra.topologies import Decoder, OneToMany, Writer
from recurra.training.recipe import Recipe


@dataclass(frozen=True)
class MusicCodec:
    """Notes to tokens (bars, positions, pitches, durations), key and mode to numbers.

    Args:
        notes: the tokenizer.
        max_length: tokens that are read or written, at most.
    """

    notes: Notes
    max_length: int

    def encode(self, example: Tune) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens shifted right, tokens, (key, mode)."""
        ids = self.notes.encode(example.score)[: self.max_length - 1]
        x, y = torch.tensor([self.notes.start, *ids]), torch.tensor([*ids, self.notes.end])
        return x, y, torch.tensor([example.key, MODES.index(example.mode)])

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Paired:
        """Return a padded batch."""
        x, y, attributes = zip(*items, strict=True)
        return Paired(torch.stack(attributes), pad(x), pad(y), lengths(x))

    def files(self) -> dict[str, str]:
        """Return the tokenizer's settings."""
        settings = {"max_length": self.max_length}
        return {"notes.json": self.notes.to_json(), "music.json": json.dumps(settings)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> MusicCodec:
        """Return the codec that wrote these files."""
        return cls(Notes.from_json(files["notes.json"]), **json.loads(files["music.json"]))


@dataclass(frozen=True)
class GeneratedTune:
    """A tune written by a model: a standard MIDI file."""

    key: str
    mode: str
    bars: int
    tokens: list[int]
    midi: bytes

    def asdict(self) -> dict[str, Any]:
        """Return plain values (the file itself is left out)."""
        values = asdict(self)
        del values["midi"]
        return values

    def notes(self) -> list[tuple[float, float, int]]:
        """Return (start, length, pitch) of every note, times in beats."""
        return note_list(self.midi)

    def save(self, path: str | Path) -> Path:
        """Write the `.mid` file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.midi)
        return path

    def __str__(self) -> str:
        """Show key, mode and length."""
        return f"{self.key} {self.mode}, {self.bars} bars, {len(self.tokens)} tokens"


class Attributes(nn.Module):
    """Key and mode as one vector."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.key, self.mode = nn.Embedding(len(KEYS), size), nn.Embedding(len(MODES), size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both embeddings."""
        vector: Tensor = self.key(x[:, 0]) + self.mode(x[:, 1])
        return vector


def parse(text: str) -> tuple[int, str]:
    """Return (key, mode) of "G major", "f# minor", or "D".

    Raises:
        RecurraError: it names no key or mode.
    """
    name, _, mode = text.strip().partition(" ")
    name = name.replace("♯", "#").replace("♭", "b")
    flats = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
    name = name[:1].upper() + name[1:]
    name = flats.get(name, name)
    mode = mode.strip().lower() or "major"
    if name not in KEYS or mode not in MODES:
        raise RecurraError(f"{text!r} is no key and mode; write G major, f# minor, Bb major")
    return KEYS.index(name), mode


def read(recipe: Recipe) -> Splits[Tune]:
    """Return the user's MIDI files, or Bach's chorales."""
    return midi.read(recipe) if recipe.data else chorales.load(recipe)


def fit(train: Sequence[Tune], recipe: Recipe) -> MusicCodec:
    """Return the tokenizer; its vocabulary is fixed."""
    return MusicCodec(Notes(), recipe.max_length)


def build(codec: MusicCodec, recipe: Recipe) -> nn.Module:
    """Return an embedding of the attributes, and a decoder conditioned on it."""
    size = 16
    layers = body(recipe, recipe.embedding + size, bidirectional=False)
    decoder = Decoder(
        len(codec.notes),
        recipe.embedding,
        layers,
        context_size=size,
        attention=None,
        dropout=recipe.dropout,
    )
    return OneToMany(Attributes(size), decoder)


def evaluate(
    network: nn.Module, codec: MusicCodec, rows: Sequence[Tune], recipe: Recipe
) -> dict[str, float]:
    """Return the negative log likelihood per token, in nats."""
    loss = mean_loss(network, codec, rows, size=recipe.batch_size)["loss"]
    return {"nll": loss, "perplexity": math.exp(min(loss, 50.0)), "loss": loss}


def baseline(train: Sequence[Tune], test: Sequence[Tune]) -> dict[str, float]:
    """Return what the unigram model reaches: every token by its training frequency."""
    codec = MusicCodec(Notes(), 1 << 20)
    seen, asked = (
        [t for row in rows for t in codec.encode(row)[1].tolist()] for rows in (train, test)
    )
    unigram = prior_loss(seen, asked)
    return {"nll": unigram, "perplexity": math.exp(unigram), "loss": unigram}


def predict(
    network: Writer, codec: MusicCodec, inputs: Sequence[tuple[int, str] | str], recipe: Recipe
) -> list[GeneratedTune]:
    """Return one tune per (key, mode), sampled with the recipe's temperature, top-k and top-p."""
    wanted = [parse(one) if isinstance(one, str) else one for one in inputs]
    device = next(network.parameters()).device
    context = torch.tensor([[key, MODES.index(mode)] for key, mode in wanted], device=device)
    randomness = torch.Generator(device).manual_seed(recipe.seed)
    written = sample(
        network,
        (context,),
        start=codec.notes.start,
        end=codec.notes.end,
        max_steps=recipe.max_length,
        temperature=recipe.temperature,
        top_k=recipe.top_k,
        top_p=recipe.top_p,
        generator_seed=randomness,
    )
    return [
        GeneratedTune(
            KEYS[key],
            mode,
            codec.notes.bars(tune.tokens),
            tune.tokens,
            codec.notes.decode(tune.tokens).dumps_midi(),
        )
        for (key, mode), tune in zip(wanted, written, strict=True)
    ]


def longest_copy(tokens: Sequence[int], corpus: Sequence[Sequence[int]]) -> int:
    """Return the longest run of tokens that also stands in a piece of the corpus."""
    best = 0
    for piece in corpus:
        where: dict[int, list[int]] = {}
        for i, token in enumerate(piece):
            where.setdefault(token, []).append(i)
        runs: Counter[int] = Counter()
        for token in tokens:
            runs = Counter({i: runs[i - 1] + 1 for i in where.get(token, [])})
            best = max(best, max(runs.values(), default=0))
    return best


MUSIC_GENERATION = Task(
    name="music_generation",
    type="one-to-many",
    summary="A piece of music in the key and mode that one asks for.",
    reads="folder or .zip of MIDI files, any polyphony (pitched tracks are read as one)",
    example="G major",
    read=read,
    codec=MusicCodec.from_files,
    fit=fit,
    build=build,
    validate=evaluate,
    criterion="nll",
    evaluate=evaluate,
    metric="nll",
    sample_metric="nll",
    baseline=baseline,
    parse=parse,
    predict=predict,
    defaults={
        "hidden": 256,
        "embedding": 96,
        "layers": 2,
        "max_length": 1024,
        "batch_size": 16,
        "temperature": 0.9,
        "top_p": 0.95,
        "learning_rate": 3e-3,
    },
    sample_defaults={
        "cell": "mingru",
        "hidden": 192,
        "epochs": 7,
        "batch_size": 8,
        "learning_rate": 6e-3,
    },
)
