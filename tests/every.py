"""A recipe with all options at once, for tests of what reads a few of them."""

from dataclasses import dataclass

from recurra.training import options


@dataclass(frozen=True, kw_only=True)
class Every(
    options.TextTable,
    options.CaptionTable,
    options.TaggedTable,
    options.PairTable,
    options.Words,
    options.Pooled,
    options.Attended,
    options.Taught,
    options.WordDropout,
    options.Classes,
    options.Searched,
):
    """Every option that several tasks share."""
