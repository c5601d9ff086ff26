"""What a task does with an exported folder: inputs in, answers out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from recurra.errors import InputError
from recurra.runtime.live import Live
from recurra.runtime.stream import Stream
from recurra.training.recipe import Recipe

if TYPE_CHECKING:
    from recurra.runtime.model import Exported

Part = str | Any  # of a piece as it is written: parts, and then the whole


class Task:
    """One application on an exported folder.

    Args:
        graphs: the folder's.
        files: of the codec, by name.
    """

    recipe: ClassVar[type[Recipe]] = Recipe  # what decides an answer

    def __init__(self, graphs: Exported, files: Mapping[str, str]) -> None:
        self.graphs = graphs

    def predict(self, inputs: Sequence[Any], recipe: Any) -> list[Any]:
        """Return one answer per input, as `Model.predict` does.

        Raises:
            RecurraError: an input cannot be read, and the text says which.
        """
        raise NotImplementedError

    def live(self, recipe: Any) -> Live:
        """Return a session, which takes an input as it comes.

        Raises:
            RecurraError: the task or this model waits for the end of its input.
        """
        task = self.graphs.described["task"]
        raise InputError(f"{task} tells nothing while its input comes; use predict")

    def begun(self) -> Stream:
        """Return a stream of one row.

        Raises:
            RecurraError: this model waits for the end of its input.
        """
        if "step" not in self.graphs.graphs:
            raise InputError(
                "this model reads both ways, and waits for the end of its input; export one that "
                "was trained with --no-bidirectional"
            )
        return self.graphs.stream()

    def generate(self, prompt: Any, recipe: Any) -> Iterator[Part]:
        """Yield the parts of a piece as they are written, and last the whole answer.

        Raises:
            RecurraError: the task writes nothing, or the prompt cannot be read.
        """
        raise InputError(f"{self.graphs.described['task']} writes nothing; use predict")
