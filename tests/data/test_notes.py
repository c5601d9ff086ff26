"""The music tokenizer's own numbers."""

from recurra.data.music import Notes


def test_bars_are_counted_by_their_tokens() -> None:
    notes = Notes()
    bar, other = notes.tokenizer["Bar_None"], notes.tokenizer["Pitch_60"]
    assert notes.bars([bar, other, other, bar, other]) == 2
    assert notes.bars([]) == 0
