"""Words, vocabularies and subwords."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from recurra.data.readers.conll import Tagged
from recurra.data.readers.parallel import Pair
from recurra.data.readers.tabular import TextLabel
from recurra.data.vocabulary import END, PAD, SPECIALS, START, UNKNOWN, Vocabulary, words
from recurra.data.vocabulary import train_subwords as train
from recurra.decoding import Hypothesis
from recurra.errors import BundleError
from recurra.tasks import translation
from recurra.tasks.ner import NER
from recurra.tasks.sentiment import SENTIMENT
from recurra.topologies import ManyToManyUnequal


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's GOOD, isn't it?", "it 's good , is n't it ?"),
        ("does n't it 's", "does n't it 's"),
        ("I can’t... 'quoted'", "i ca n’t ... ' quoted '"),
        ("1,000.50 at 12:30", "1,000.50 at 12:30"),
        ("Ñandú naïve हिन्दी", "ñandú naïve हिन्दी"),
        ("cafe\u0301", "caf\u00e9"),
        ("日本語 ok", "日 本 語 ok"),
        ("<s>", "< s >"),
        ("", ""),
    ],
)
def test_words(text: str, tokens: str) -> None:
    assert words(text) == tokens.split()


def test_words_keep_their_case_on_demand() -> None:
    assert words("Ada Lovelace's", lower=False) == ["Ada", "Lovelace", "'s"]


@given(st.text())
def test_words_lose_nothing_but_spaces(text: str) -> None:
    from unicodedata import normalize

    joined = "".join(words(text, lower=False))
    assert joined == "".join(normalize("NFC", text).split())


def test_the_most_frequent_tokens_are_kept() -> None:
    texts = [["c", "a", "b"], ["a", "b", "d"], ["a", "</s>"]]
    assert Vocabulary.build(texts, size=7).tokens == (*SPECIALS, "a", "b", "c")
    assert Vocabulary.build(texts, size=99, least=2).tokens == (*SPECIALS, "a", "b")
    assert Vocabulary.build([], size=0).tokens == SPECIALS


def test_encode_and_decode() -> None:
    vocabulary = Vocabulary((*SPECIALS, "a", "b"))
    assert vocabulary.encode(["b", "a", "z", "</s>"]) == [5, 4, UNKNOWN, UNKNOWN]
    assert vocabulary.decode([START, 4, UNKNOWN, 5, END, PAD]) == ["a", "<unk>", "b"]
    assert (len(vocabulary), "a" in vocabulary, "z" in vocabulary) == (6, True, False)


@given(st.sets(st.text(min_size=1)))
def test_json_there_and_back(tokens: set[str]) -> None:
    vocabulary = Vocabulary.build([sorted(tokens)], size=1000)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize(
    "text", ["", "{}", "3", "[1]", '["a"]', '["<pad>", "<unk>", "<s>", "</s>", "a", "a"]']
)
def test_what_is_no_vocabulary(text: str) -> None:
    with pytest.raises(BundleError, match="the vocabulary cannot be read"):
        Vocabulary.from_json(text)


TEXTS = ["the cat sat on the mat, in 2021", "the dog sat on the log", "a naïve cat"] * 20


def test_subwords_return_the_text() -> None:
    tokenizer = train(TEXTS, 100)
    assert tokenizer.get_vocab_size() <= 100
    assert [tokenizer.id_to_token(i) for i in range(4)] == list(SPECIALS)
    for text in TEXTS[:3]:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert "▁the" in tokenizer.encode("the cat").tokens
    assert tokenizer.encode("2021").tokens[-4:] == ["2", "0", "2", "1"]
    assert tokenizer.encode("the").ids == Tokenizer.from_str(tokenizer.to_str()).encode("the").ids


def test_small_vocabularies_have_an_unknown_token_and_large_ones_bytes() -> None:
    assert UNKNOWN in train(TEXTS, 100).encode("日").ids
    large = train(TEXTS, 1000)
    assert UNKNOWN not in large.encode("日 本").ids
    assert large.decode(large.encode("日 本").ids) == "日 本"


def test_no_text_spells_a_special_token() -> None:
    tokenizer = train(["<s> a </s> <pad>"] * 5, 100)
    assert not {PAD, START, END} & set(tokenizer.encode("<s> a </s> <pad> </s>").ids)
    assert tokenizer.decode(tokenizer.encode("<s> a </s>").ids) == "<s> a </s>"


FORMS = ("NFC", "NFD")
TEXT = "Ça, naïve Ándú – das größte Café"


@pytest.mark.parametrize("lower", [False, True])
def test_composed_and_decomposed_letters_are_the_same_words(lower: bool) -> None:
    one, other = (words(normalize(form, TEXT), lower=lower) for form in FORMS)
    assert one == other


def test_composed_and_decomposed_letters_are_the_same_to_every_task_s_codec() -> None:
    tokenizer = train([normalize("NFD", TEXT)] * 9, 200)
    assert len({tuple(tokenizer.encode(normalize(form, TEXT)).ids) for form in FORMS}) == 1
    for trained in FORMS:
        rows = [TextLabel(normalize(trained, TEXT), label, "") for label in "ab"]
        codec = SENTIMENT.fit(rows, SENTIMENT.recipe())
        ids = [codec.encode(TextLabel(normalize(form, TEXT), "a", ""))[0] for form in FORMS]
        assert ids[0].tolist() == ids[1].tolist()
        assert UNKNOWN not in ids[0]
        tagged = [Tagged(normalize(trained, TEXT).split(), ["O"] * 6, "")]
        codec = NER.fit(tagged, NER.recipe())
        ids = [
            codec.encode(Tagged(normalize(form, TEXT).split(), ["O"] * 6, ""))[0] for form in FORMS
        ]
        assert ids[0].tolist() == ids[1].tolist()
        assert UNKNOWN not in ids[0][:, 0]


@pytest.mark.parametrize("form", FORMS)
def test_a_right_translation_is_right_however_its_letters_were_typed(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Pair("a", normalize(form, TEXT), "")] * 3
    codec = translation.fit(rows, translation.TRANSLATION.recipe())
    tokens = codec.target.encode(normalize("NFC", TEXT)).ids
    monkeypatch.setattr(
        translation, "hypotheses", lambda *_: [Hypothesis(tokens, 0.0, None, 0.0)] * len(rows)
    )
    monkeypatch.setattr(translation, "mean_loss", lambda *_: {})
    network = object.__new__(ManyToManyUnequal)  # nothing is asked of it
    found = translation.evaluate(network, codec, rows, translation.TRANSLATION.recipe())
    assert found["exact_match"] == 1
    assert (
        translation.baseline(
            codec, rows, [Pair("a", normalize("NFC", TEXT), "")], translation.TRANSLATION.recipe()
        )["exact_match"]
        == 1
    )
