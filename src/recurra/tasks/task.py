"""A task gives a topology its data: a frozen value, not a base class."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Protocol, runtime_checkable

from torch import Tensor, nn

from recurra.data.splits import Splits
from recurra.errors import RecurraError
from recurra.reports import Part
from recurra.tasks.streams import Streamed
from recurra.training.recipe import R

LOWER_IS_BETTER = frozenset(
    {"loss", "nll", "mse", "mae", "mae_units", "mase", "smape", "crps", "wer", "cer"}
)

Items = Sequence[tuple[Tensor, ...]]
Tell = Callable[[str], None]


@runtime_checkable
class Codec(Protocol):
    """Everything between a user's examples and tensors that prediction needs beside weights."""

    def encode(self, example: Any) -> tuple[Tensor, ...]:
        """Return one example as unpadded tensors; the first one's length is the row's length."""
        ...

    def collate(self, items: Sequence[tuple[Tensor, ...]]) -> Any:
        """Return a padded batch (data/batch.py) of encoded examples."""
        ...

    def files(self) -> dict[str, str]:
        """Return the text files, by name, that the bundle keeps."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Codec:
        """Return the codec that wrote these files."""
        ...


@runtime_checkable
class Prediction(Protocol):
    """One answer: `asdict()` for JSON lines, `str()` for people."""

    def asdict(self) -> dict[str, Any]:
        """Return plain values."""
        ...


def whole(predict: Callable[[Any, Any, Sequence[Any], Any], list[Any]]) -> Callable[..., Any]:
    """Return the `write` of a task whose pieces are its predictions, told when they are whole."""

    def write(
        network: Any, codec: Any, prompts: Sequence[Any], recipe: Any, tell: Tell
    ) -> Iterator[Any]:
        yield from predict(network, codec, prompts, recipe)

    return write


def encoded(codec: Any, examples: Sequence[Any], recipe: Any) -> Items:
    """Return every example as one item."""
    return [codec.encode(example) for example in examples]


@dataclass(frozen=True)
class Task(Generic[R]):
    """One application.

    Args:
        name: what the command line calls it.
        type: the type of RNN: "one-to-one" … "many-to-many unequal".
        summary: one line: what goes in, what comes out.
        reads: the file formats, one line.
        example: an input to try, as typed on a command line.
        recipe: the options that it has, a record over the common `Recipe`.
        read: recipe → examples in three parts; the embedded sample where `recipe.data` is None.
        codec: a bundle's text files → codec.
        fit: training examples, recipe → codec (vocabulary, labels, tokenizer).
        build: codec, recipe → network, untrained.
        validate: network, codec, examples, recipe → cheap metrics that steer the training.
        criterion: the one of `validate` that decides which checkpoint is best.
        evaluate: the same signature → every metric, decoding where the task decodes.
        metric: the headline of `evaluate`; `sample_metric` on the embedded sample.
        baseline: codec, training, test examples, recipe → the trivial answer's metrics.
        parse: a command-line argument (or line of input) → what `predict` takes.
        predict: network, codec, inputs, recipe → one prediction each.
        defaults: recipe fields that this task sets otherwise.
        sample_defaults: recipe fields for the embedded sample, which trains within a minute.
        presets: by name, recipe fields that were found to go well together: `--preset quality`.
        items: codec, training examples, recipe → what batches are made of: each example, or
            windows and stretches of them (data/windows.py).
        peers: codec, training and test examples, recipe → by name, the metrics of what a user would
            otherwise pick, fitted on the training examples.
        write: network, codec, prompts, recipe, tell → the pieces that it writes, one after another,
            where the task writes; what can be read while a piece is being written, `tell` is given.
        prepare: network, codec, examples in three parts, recipe → the same examples, with what a
            frozen part of the network makes of them; called once, before training.
        finish: network with its best weights, codec, validation examples, recipe: sets what is told
            by a trained network, such as a threshold, in its buffers.
        review: network, codec, at most the first 1,000 test examples, recipe → what a reader of
            the report may want to see of the answers, as parts of its page.
        takes_words: whether an input of `predict` may be a list of words.
        stream: network, codec, recipe → the model step by step, where its input has steps; raises
            RecurraError where this model waits for the end of it.
    Raises:
        every callable: RecurraError, one clear line, for what the user can mend.
    """

    name: str
    type: str
    summary: str
    reads: str
    example: str
    recipe: builtins.type[R]
    read: Callable[[R], Splits[Any]]
    codec: Callable[[Mapping[str, str]], Codec]
    fit: Callable[[Sequence[Any], R], Codec]
    build: Callable[[Any, R], nn.Module]
    validate: Callable[[Any, Any, Sequence[Any], R], dict[str, float]]
    criterion: str
    evaluate: Callable[[Any, Any, Sequence[Any], R], dict[str, float]]
    metric: str
    sample_metric: str
    baseline: Callable[[Any, Sequence[Any], Sequence[Any], R], dict[str, float]]
    parse: Callable[[str], Any]
    predict: Callable[[Any, Any, Sequence[Any], R], list[Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sample_defaults: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    items: Callable[[Any, Sequence[Any], R], Items] = encoded
    peers: Callable[[Any, Sequence[Any], Sequence[Any], R], dict[str, dict[str, float]]] | None = (
        None
    )
    write: Callable[[Any, Any, Sequence[Any], R, Tell], Iterator[Any]] | None = None
    prepare: Callable[[Any, Any, Splits[Any], R], Splits[Any]] | None = None
    finish: Callable[[Any, Any, Sequence[Any], R], None] | None = None
    review: Callable[[Any, Any, Sequence[Any], R], list[Part]] | None = None
    takes_words: bool = False
    stream: Callable[[Any, Any, R], Streamed] | None = None

    def preset(self, name: str | None) -> Mapping[str, Any]:
        """Return the fields of a preset; of none, none.

        Raises:
            RecurraError: the task has no such preset.
        """
        if name is None or name in self.presets:
            return {} if name is None else self.presets[name]
        listed = ", ".join(self.presets) or "none"
        raise RecurraError(f"preset {name!r}: {self.name} has {listed}")

    @property
    def options(self) -> frozenset[str]:
        """Return the names of the recipe's fields."""
        return frozenset(known.name for known in fields(self.recipe))
