"""What follows each token of a text that goes on."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.errors import InputError
from recurra.layers.base import Layer
from recurra.topologies.many_to_many_equal import ManyToManyEqual
from recurra.topologies.softmax import Softmax


class LanguageModel(ManyToManyEqual):
    """Foretell the next token at every step.

        h_t = body(E x_t, h_{t−1})        p(x_{t+1} | x_1 … x_t) = softmax(head(h_t))

    Trained on whole rows or, with the state carried, on stretches of a text, as every
    `ManyToManyEqual`; with `start` and `advance` it writes, and search may add its log
    probabilities to those of another model. Mikolov et al. 2010,
    https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html.

    Args:
        embed: tokens [batch time] → [batch time input] of the body.
        body: recurrent layers that stream.
        head: their outputs → logits [… vocabulary].
    Raises:
        ValueError: the body reads backward or lags behind its input.
    """

    def __init__(self, embed: nn.Module, body: Layer, head: nn.Module) -> None:
        if not body.streams or body.delay:
            raise InputError("a language model's body streams at once; this one looks ahead")
        super().__init__(embed, body, head, Softmax())

    def read(
        self, x: Int[Tensor, "batch time"], state: Any = None
    ) -> tuple[Float[Tensor, "batch time vocabulary"], Any]:
        """Return the logits of what follows each token, and the state after the last one.

        Args:
            x: tokens.
            state: where the tokens before them led to; None: the beginning.
        """
        inputs.whole("LanguageModel", "x", x, ("batch", "time"))
        inputs.taken("LanguageModel", "x", self.embed, x)
        y, state = self.body(self.embed(x), state)
        logits: Tensor = self.head(y)
        return logits, state

    def start(self, context: Int[Tensor, "batch time"]) -> Any:
        """Return the state after these tokens; of none, [batch 0], the first one.

        What `advance` is then given is the token that comes after them: of a prompt, the last.
        """
        inputs.whole("LanguageModel", "context", context, ("batch", "time"))
        state = self.body.initial_state(len(context))
        if context.shape[1]:
            inputs.taken("LanguageModel", "context", self.embed, context)
            state = self.body(self.embed(context), state)[1]
        return state

    def advance(
        self, token: Int[Tensor, "batch"], state: Any
    ) -> tuple[Float[Tensor, "batch vocabulary"], Any]:
        """Return the logits of what follows `token`, and the state there; None is the first one."""
        inputs.whole("LanguageModel", "token", token, ("batch",))
        logits, state = self.read(token[:, None], state)
        return logits[:, 0], state
