"""Spellings by hand: of each word alone, letter by letter."""

import torch

from recurra.cells import GRU, LSTM
from recurra.tasks.spelling import ConvolvedSpelling, RecurrentSpelling

WORDS = torch.tensor([[[4, 5, 6, 0], [7, 0, 0, 0]], [[4, 5, 6, 0], [8, 9, 4, 5]]])


def test_filters_answer_three_letters_and_the_strongest_counts() -> None:
    spelling = ConvolvedSpelling(10, 3, 5)
    found = spelling(WORDS)
    weight, bias = spelling.filters.weight, spelling.filters.bias
    for place in [(0, 0), (0, 1), (1, 1)]:
        letters = spelling.characters(WORDS[place][None])[0]
        padded = torch.cat([torch.zeros(1, 3), letters, torch.zeros(1, 3)])
        answers = [(weight * padded[i : i + 3].T).sum((1, 2)) + bias for i in range(4)]
        torch.testing.assert_close(found[place], torch.stack(answers).amax(0))
    assert torch.equal(found[0, 0], found[1, 0])


def test_a_word_is_read_from_both_ends() -> None:
    for kind in (GRU, LSTM):
        ahead, back = kind(3, 4), kind(3, 5)
        spelling = RecurrentSpelling(10, 3, ahead, back)
        found = spelling(WORDS)
        assert found.shape == (2, 2, 9)
        for place in [(0, 0), (0, 1), (1, 1)]:
            word = WORDS[place][WORDS[place] > 0]
            letters = spelling.characters(word[None])[0]
            ends = []
            for cell, order in ((ahead, letters), (back, letters.flip(0))):
                state = cell.initial_state(1)
                for letter in order:
                    y, state = cell(letter[None], state)
                ends.append(y[0])
            torch.testing.assert_close(found[place], torch.cat(ends))


def test_a_place_without_letters_changes_nothing() -> None:
    spelling = RecurrentSpelling(10, 3, GRU(3, 4), GRU(3, 4))
    blank = torch.cat([WORDS, torch.zeros_like(WORDS)], dim=1)
    assert torch.isfinite(spelling(blank)).all()
    torch.testing.assert_close(spelling(blank)[:, :2], spelling(WORDS))


def test_every_word_of_a_batch_learns() -> None:
    spelling = ConvolvedSpelling(10, 3, 5)
    spelling(WORDS).sum().backward()
    alone = ConvolvedSpelling(10, 3, 5)
    alone.load_state_dict(spelling.state_dict())
    words = WORDS.flatten(0, 1)
    sum(alone.spell(word[None]).sum() for word in words).backward()
    for one, other in zip(spelling.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
