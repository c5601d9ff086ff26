"""A look-back in, a horizon out: read by segments, written in parallel."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Foretold
from recurra.errors import InputError
from recurra.layers.base import Layer
from recurra.layers.dropout import Dropout
from recurra.layers.instance import ReversibleNorm, RowScale
from recurra.topologies.distributions import Distribution
from recurra.topologies.loss import Loss


class Forecaster(nn.Module):
    """Foretell the next steps of a series from its last ones.

        x̂ = (x − m) / s                            each row on a scale of its own
        z_k = relu(W [x̂; live; known of segment k])    h = body(z_1 … z_n)
        ŷ_j = head(body₁(q_j, h))    q_j = [position j; channel c] + V [known of segment n + j]

    The body reads the look-back's segments, and from its last state writes every segment of the
    horizon at once, one step each: SegRNN, Lin et al. 2023, https://arxiv.org/abs/2308.11200,
    section 4 (PMF). Any recurrent body will do. What is not known yet (NaN) counts nowhere: it is
    read as the scale's middle, and no loss is taken of it. The loss is that of the distribution on
    the row's scale.

    Args:
        body: recurrent layers, one way, without delay; reads `body.input_size` features.
        output: what becomes of the numbers that are foretold.
        channels: of the series.
        segment: steps of a segment; a look-back that is no multiple is filled up in front.
        horizon: steps that are foretold.
        covariates: known of the past and of the future.
        norm: "last" or "mean" (`ReversibleNorm`), or "none".
        independent: every channel is a row of its own, by the same weights; else all are read and
            written together.
        marks: tell the body which steps are missing.
        dropout: before the head.
    Raises:
        ValueError: a size is not positive, the body reads backward or lags, or features are fewer
            than two.
    """

    def __init__(
        self,
        body: Layer,
        output: Distribution,
        channels: int,
        *,
        segment: int,
        horizon: int,
        covariates: int = 0,
        norm: Literal["last", "mean", "none"] = "last",
        independent: bool = True,
        marks: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for name, size in [("channels", channels), ("segment", segment), ("horizon", horizon)]:
            if size < 1:
                raise InputError(f"{name} is {size}; Forecaster takes 1 or more")
        if not body.streams or body.delay:
            raise InputError("the body reads backward or lags; Forecaster takes one that streams")
        features = body.input_size
        if features < 2:
            raise InputError(f"the body reads {features} feature; Forecaster takes 2 or more")
        self.body, self.output, self.channels = body, output, channels
        self.segment, self.horizon, self.covariates = segment, horizon, covariates
        self.independent, self.marks = independent, marks
        self.norm = None if norm == "none" else ReversibleNorm(channels, norm)
        self.groups, self.width = (channels, 1) if independent else (1, channels)
        size = segment * (self.width * (2 if marks else 1) + covariates)
        self.read = nn.Linear(size, features)
        half = features // 2 if self.groups > 1 else features
        self.position = nn.Embedding(-(-horizon // segment), half)
        self.channel = nn.Embedding(self.groups, features - half) if self.groups > 1 else None
        self.ahead = nn.Linear(segment * covariates, features) if covariates else None
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(body.output_size, segment * self.width * output.size)

    @property
    def draws(self) -> bool:
        """Whether its output has something to draw from."""
        return self.output.draws

    def forward(
        self,
        past: Float[Tensor, "batch past channels"],
        known: Float[Tensor, "batch time covariates"],
    ) -> tuple[Float[Tensor, "batch horizon channels size"], RowScale]:
        """Return what the distribution reads, on each row's own scale, and that scale.

        Args:
            past: the look-back; NaN where a number is missing.
            known: covariates of the look-back and of the horizon.
        """
        weight = self.head.weight
        inputs.numbers("Forecaster", "past", past, ("batch", "past", self.channels), weight)
        rows, steps = past.shape[0], past.shape[1] + self.horizon
        inputs.numbers("Forecaster", "known", known, (rows, steps, self.covariates), weight)
        live = ~past.isnan()
        x, scale = self._scaled(past, live)
        x, live = self._segments(x), self._segments(live.to(x.dtype))
        parts = [self._by_group(x), *([self._by_group(live)] if self.marks else [])]
        known = known.nan_to_num()
        if self.covariates:
            before = self._segments(known[:, : past.shape[1]]).flatten(2)
            parts.append(before[:, None].expand(-1, self.groups, -1, -1))
        read = self.read(torch.cat(parts, -1)).relu().flatten(0, 1)
        _, state = self.body(read)
        written = self.body.branch(self._questions(known[:, past.shape[1] :]), state)
        raw = self.head(self.dropout(written))
        ahead = self.position.num_embeddings * self.segment
        raw = raw.view(rows, self.groups, ahead, self.width, self.output.size)
        raw = raw.transpose(1, 2).flatten(2, 3)
        return raw[:, : self.horizon], scale

    def _scaled(self, past: Tensor, live: Tensor) -> tuple[Tensor, RowScale]:
        if self.norm is not None:
            scaled: tuple[Tensor, RowScale] = self.norm(past, live)
            return scaled
        zero = torch.zeros_like(past[:, :1])
        return torch.where(live, past, 0.0), RowScale(zero, zero + 1)

    def _segments(self, x: Tensor) -> Tensor:
        """Return [batch segments steps features], filled up in front."""
        x = nn.functional.pad(x, (0, 0, -x.shape[1] % self.segment, 0))
        return x.reshape(x.shape[0], -1, self.segment, x.shape[2])

    def _by_group(self, x: Tensor) -> Tensor:
        """Return [batch groups segments features] of what is read: a channel alone, or all."""
        return x.permute(0, 3, 1, 2) if self.independent else x.flatten(2)[:, None]

    def _questions(self, known: Tensor) -> Tensor:
        """Return [rows segments features]: which segment is asked for, of which channel.

        Rows of the batch share the channels' questions where no covariates tell them apart.
        """
        asked: Tensor = self.position.weight.expand(self.groups, -1, -1)
        if self.channel is not None:
            of = self.channel.weight[:, None].expand(-1, asked.shape[1], -1)
            asked = torch.cat([asked, of], -1)
        if self.ahead is None:
            return asked
        after = nn.functional.pad(known, (0, 0, 0, -known.shape[1] % self.segment))
        after = after.reshape(known.shape[0], -1, self.segment * self.covariates)
        questions: Tensor = asked + self.ahead(after)[:, None]
        return questions.flatten(0, 1)

    def loss(self, batch: Foretold, smoothing: float = 0.0) -> Loss:
        """Return the loss over all numbers that came; numbers have no classes to smooth over."""
        inputs.fields("Forecaster", "the batch", batch, Foretold)
        raw, scale = self(batch.past, batch.known)
        sizes = (batch.past.shape[0], self.horizon, self.channels)
        inputs.numbers("Forecaster", "future", batch.future, sizes, raw)
        return self.output.loss(raw, (batch.future - scale.middle) / scale.size)

    def middle(
        self,
        past: Float[Tensor, "batch past channels"],
        known: Float[Tensor, "batch time covariates"],
    ) -> Float[Tensor, "batch horizon channels"]:
        """Return the mean or median of each number to come."""
        raw, scale = self(past, known)
        found: Tensor = self.output.middle(raw) * scale.size + scale.middle
        return found

    def quantile(
        self,
        past: Float[Tensor, "batch past channels"],
        known: Float[Tensor, "batch time covariates"],
        levels: tuple[float, ...],
    ) -> Float[Tensor, "batch horizon channels levels"]:
        """Return the numbers below which those to come are with these probabilities.

        Raises:
            ValueError: the distribution does not tell such a level.
        """
        raw, scale = self(past, known)
        found = self.output.quantile(raw, levels)
        quantiles: Tensor = found * scale.size[..., None] + scale.middle[..., None]
        return quantiles

    def sample(
        self,
        past: Float[Tensor, "batch past channels"],
        known: Float[Tensor, "batch time covariates"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "batch horizon channels"]:
        """Return one draw of each number to come.

        Raises:
            ValueError: the distribution has nothing to draw from.
        """
        raw, scale = self(past, known)
        found: Tensor = self.output.sample(raw, generator) * scale.size + scale.middle
        return found
