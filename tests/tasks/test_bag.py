"""Bags by hand: each gram's bucket by Python's whole numbers, the sum over a dictionary."""

from collections import Counter
from itertools import pairwise

import torch

from recurra.codecs.texts import spelled
from recurra.data.batch import Labelled
from recurra.tasks.bag import BASE, BITS, GAIN, MIX, Bag
from recurra.tasks.evaluation import lengths, pad

TEXTS = [["not", "so", "bad"], ["so", "good", "so", "good"], [], ["extraordinarilylong"]]


def signed(n: int) -> int:
    n %= 1 << 64
    return n - (1 << 64) if n >> 63 else n


def bucket(code: int) -> int:
    code = signed(code)
    return signed((code ^ (code >> 29)) * MIX) >> (63 - BITS) & ((1 << BITS) - 1)


def code(letters: list[int]) -> int:
    return sum(letter * BASE**i for i, letter in enumerate(letters))


def grams(text: list[str]) -> tuple[Counter[int], Counter[int]]:
    spelt = [[ord(c) for c in word[:16]] for word in text]
    words = [code(word) for word in spelt]
    pairs = [BASE**2 * (a + BASE * b) for a, b in pairwise(words)]
    edged = [[1, *word, 1] for word in spelt]
    runs = [
        code(word[i : i + n]) + n for word in edged for n in (2, 3, 4, 5) for i in range(len(word))
        if i + n <= len(word)
    ]  # fmt: skip  # one line for each loop
    return Counter(map(bucket, [*words, *pairs])), Counter(map(bucket, runs))


def batch() -> Labelled:
    rows = [torch.from_numpy(spelled(text)) for text in TEXTS]
    x = pad(rows)
    beside = torch.full((*x.shape[:2], 1), 7)
    noise = torch.cat([beside, x], 2)
    for row, n in zip(noise, lengths(rows).tolist(), strict=True):
        row[n:] = 99  # beyond a text's end there is nothing
    return Labelled(noise, lengths(rows), torch.tensor([0, 1, 2, 0]))


def bag() -> Bag:
    torch.manual_seed(0)
    made = Bag(3, dropout=0.5)
    assert not made.table.weight.any()
    torch.nn.init.normal_(made.table.weight)
    torch.nn.init.normal_(made.bias)
    return made


def test_a_text_is_the_sum_of_its_words_pairs_and_runs_of_letters() -> None:
    made = bag().eval()
    logits = made(*batch()[:2])
    for row, text in zip(logits, TEXTS, strict=True):
        wanted = made.bias.clone()
        for kind in grams(text):
            for place, times in kind.items():
                wanted = wanted + GAIN * times * made.table.weight[place] / kind.total() ** 0.5
        torch.testing.assert_close(row, wanted)


def test_of_a_text_each_gram_has_a_bucket_of_its_own() -> None:
    words, runs = grams(TEXTS[0])
    assert len(words) == 5
    assert len(runs) == runs.total() == sum(4 * len(word) - 2 for word in TEXTS[0])
    assert not words.keys() & runs.keys()


def test_order_tells_by_its_pairs() -> None:
    made = bag().eval()
    texts = (["a", "b", "c"], ["a", "c", "b"])
    one, other = (made(torch.from_numpy(spelled(text))[None])[0] for text in texts)
    assert not torch.allclose(one, other)


def test_grams_are_dropped_in_training_and_their_mean_stays() -> None:
    made, (x, n, _) = bag(), batch()
    whole = made.eval()(x, n)
    made.train()
    some = torch.stack([made(x, n) for _ in range(400)])
    assert some.std(0)[:2].min() > 0.1
    assert torch.equal(some[:, 2].std(0), torch.zeros(3))
    error = some.std(0) / len(some) ** 0.5
    assert ((some.mean(0) - whole).abs() <= 4 * error + 1e-5).all()


def test_only_what_a_text_holds_learns() -> None:
    made, rows = bag(), batch()
    made.eval().loss(rows).total.backward()
    touched = {*made.table.weight.grad.abs().sum(1).nonzero()[:, 0].tolist()}
    assert touched == {place for text in TEXTS for kind in grams(text) for place in kind}
