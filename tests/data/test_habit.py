"""Raw text is cut into words as the training data's own sentences are."""

import re
import unicodedata
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra
from recurra.data.evidence import learn
from recurra.data.habit import Habit
from recurra.data.readers.conll import Tagged, read_file
from recurra.data.readers.text import Rows
from recurra.data.vocabulary import UNKNOWN, Vocabulary, composed, words
from recurra.errors import BundleError
from recurra.tasks.codecs.tags import TagCodec

NEWS = """The U.S. asked AT&T about Jean-Luc today .
I do n't know O'Neill , he said .
Mr. Smith 's car cost $ 3.5 million in N.Y. last May ( or so ) .
They paid 1,000 euros ; 5 % more , at 12:30 .
" We ca n't go , " Ann said !
Coca-Cola Inc. sold it and / or its well-known arm , the S&P 500 .
Is it John F. Kennedy ?
It is n't one of E.U. or U.N. rules , is it ?
The workers ' party wo n't win ; it 's over ..."""
PLAIN = """I don't know O'Neill's
#brexit is great RT @ann_b :) http://t.co/a1b2-c
Oslo isn't $3.5 away
they're 5% up @home #fail"""
STICKING = """Ann, who saw Oslo, left.
"Bo" met Ann.
Did Bo leave Oslo?
Who saw Bo, and left Ann?"""
FRENCH = """L' homme n' est pas d' ici , dit-il .
C' est aujourd'hui l' été à Aix-en-Provence .
Qu' il vienne de l' eau !"""
POINTWISE = """I don ' t know Jean - Luc in the U . S .
It ' s 3 . 5 or 1 , 000 in St . Paul ' s
AT & T isn ' t big"""
GERMAN = """Am 3. Mai kam die 2. Liga zu Ende .
Er zahlte 1.000 Euro am 26. Juni .
Das U-Boot lag in St. Pauli ."""
ALL = {
    "news": NEWS,
    "plain": PLAIN,
    "sticking": STICKING,
    "French": FRENCH,
    "pointwise": POINTWISE,
    "German": GERMAN,
}


def sentences(text: str) -> list[list[str]]:
    return [line.split(" ") for line in text.split("\n")]


def written(tokens: list[str]) -> str:
    """Return an English sentence as it is usually written: the tokens without their spaces."""
    text = " ".join(tokens)
    text = re.sub(r'" ([^"]*) "', r'"\1"', text)
    text = re.sub(r" (n't\b|'(?:s|re|ve|ll|d|m)\b|[.,!?;:%)]|\.\.\.)(?=\s|$|[\"),.])", r"\1", text)
    return re.sub(r"([($#]) ", r"\1", text).replace(" '", "'").replace(" / ", "/")


@pytest.mark.parametrize("name", ALL)
def test_tokens_parted_by_blanks_come_back(name: str) -> None:
    data = sentences(ALL[name])
    habit = learn(data)
    for tokens in data:
        assert habit.words(" ".join(tokens)) == tokens


def test_written_english_comes_back() -> None:
    data = sentences(NEWS)
    habit = learn(data)
    for tokens in data:
        text = written(tokens)
        assert text.count(" ") < len(tokens) - 1
        assert habit.words(text) == tokens


def test_the_packaged_sentences_come_back() -> None:
    path = files("recurra.data.samples") / "ner" / "train.conll"
    data = [row.tokens for row in read_file(str(path), Rows())]
    habit = learn(data)
    for tokens in data:
        assert habit.words(" ".join(tokens)) == tokens
        assert habit.words(written(tokens)) == tokens


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("news", "Al-Qaida's R&D hadn't 2,500.5!", "Al-Qaida 's R&D had n't 2,500.5 !"),
        ("news", '(AT&T, "U.K.") O’Hara’s', '( AT&T , " U.K. " ) O’Hara ’s'),
        ("news", "the players' O'Hara ' s", "the players ' O'Hara ' s"),
        ("news", "Jean-Luc-Marie left Coca-Cola Inc..", "Jean-Luc-Marie left Coca-Cola Inc. ."),
        ("news", "George W. Bush either/or B.", "George W. Bush either / or B ."),
        ("plain", "Bergen isn't #new @bob_c 7% off", "Bergen isn't #new @bob_c 7% off"),
        ("plain", "see http://t.co/x-y, ok :)", "see http://t.co/x-y , ok :)"),
        ("sticking", "Did Rome fall? (No!)", "Did Rome fall? (No!)"),
        ("French", "L'autre n'a qu'une peur-là.", "L' autre n' a qu' une peur-là ."),
        ("French", "aujourd'hui d’Aix", "aujourd'hui d’ Aix"),
        ("pointwise", "He can't go to A-B U.K. 2.5", "He can ' t go to A - B U . K . 2 . 5"),
        ("German", "Am 7. Juli 2.000 U-Bahn.", "Am 7. Juli 2.000 U-Bahn ."),
    ],
)
def test_what_was_never_seen_is_cut_likewise(name: str, text: str, tokens: str) -> None:
    assert learn(sentences(ALL[name])).words(text) == tokens.split()


def test_other_blanks_and_blanks_within_tokens() -> None:
    habit = learn([["New York", "has", "10\u00a0000", "men", "\u00a0"], ["in", "New York", "."]])
    assert habit.words("10\u00a0000 New York, in 20\u00a0000.") == [
        *("10\u00a0000", "New York", ",", "in", "20\u00a0000", ".")
    ]
    assert habit.words("New Yorker") == ["New", "Yorker"]


def test_a_slip_of_the_data_is_no_habit() -> None:
    data = [["it", "was", "day", "."]] * 20
    assert learn([*data, ["one", "day.", "more"]]).words("a day. or") == ["a", "day", ".", "or"]
    assert learn([*data, *[["day.", "on"]] * 3]).words("day. on") == ["day.", "on"]


def test_endings_are_cut_off_where_most_words_have_them_cut_off() -> None:
    apart = [["Ann", "'s", "Bo's", "car"], ["Rome", "'s", "car"]]
    whole = [["Ann", "'s", "Bo's", "Tom's", "car"]]
    assert learn(apart).words("Eve's Bo's") == ["Eve", "'s", "Bo's"]
    assert learn(whole).words("Eve's Bo's") == ["Eve's", "Bo's"]


def test_a_plural_s_apostrophe_parts_no_names() -> None:
    data = [
        [*f"the {owners} ' {what}".split(), "O'Neill"]
        for owners in ("boys", "girls", "dogs")
        for what in ("a", "b", "c")
    ]
    assert learn(data).words("the cats' O'Hara") == ["the", "cats", "'", "O'Hara"]


def test_an_abbreviation_that_ends_a_text_is_cut_where_training_s_never_end_one() -> None:
    habit = learn([["No.", "5", "said", "No", "."], ['"', "no", ",", "No", ".", '"']])
    assert habit.words('No. 7 said "No."') == ["No.", "7", "said", '"', "No", ".", '"']
    habit = learn([["No.", "5", "said", "No", "."], ["see", "No."]])
    assert habit.words("he said No.") == ["he", "said", "No."]


@given(st.text())
def test_without_training_nothing_changes(text: str) -> None:
    for habit in (Habit(), learn([])):
        assert "".join(habit.words(text)) == "".join(words(text, lower=False))


TOKENS = st.text("ab1AB.,-'’&$%# ("[:13] + "(\u0301é日\u00a0", min_size=1, max_size=5)


@settings(deadline=None, max_examples=50)  # each new habit compiles an expression
@given(st.lists(st.lists(TOKENS, min_size=1, max_size=5), max_size=6))
def test_any_tokens_parted_by_blanks_come_back(data: list[list[str]]) -> None:
    habit = learn(data)
    assert Habit.from_json(habit.to_json()) == habit
    for tokens in data:
        assert habit.words(" ".join(tokens)) == composed(" ".join(tokens)).split(" ")


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"x": 1}', '{"kept": [""]}', '{"kept": [1]}', '{"inside": "a"}', '{"blanks": 1}'],
)
def test_what_is_no_habit(text: str) -> None:
    with pytest.raises(BundleError, match="the habit of words cannot be read"):
        Habit.from_json(text)


def test_a_model_reads_raw_text_as_it_reads_its_data(tmp_path: Path) -> None:
    names = {"U.S.": "LOC", "AT&T": "ORG", "Jean-Luc": "PER", "cafe\u0301": "LOC", "O'Neill": "PER"}
    data = [["The", a, "did", "n't", "meet", b, "."] for a in names for b in names]
    for part, rows in (("train", data), ("dev", data[:9]), ("test", data[:5])):
        (tmp_path / f"{part}.txt").write_text(
            "".join(
                "".join(f"{t} {'B-' + names[t] if t in names else 'O'}\n" for t in tokens) + "\n"
                for tokens in rows
            ),
            encoding="utf-8",
        )
    out, tiny = str(tmp_path / "run"), {"epochs": 1, "hidden": 4, "embedding": 4, "threads": 1}
    recurra.train("ner", data=str(tmp_path), out=out, **tiny)
    model = recurra.load(out)
    texts = [f"The {a} didn't meet {b}." for _, a, _, _, _, b, _ in data]
    for form in ("NFC", "NFD"):
        raw = model.predict([unicodedata.normalize(form, text) for text in texts])
        given = model.predict([[unicodedata.normalize(form, t) for t in row] for row in data])
        assert [row.tags for row in raw] == [row.tags for row in given]
        assert [row.tokens for row in raw] == [[composed(t) for t in row] for row in data]
    ids = [
        model.codec.encode(Tagged([unicodedata.normalize(form, "cafe\u0301")], ["O"], ""))[0]
        for form in ("NFC", "NFD")
    ]
    assert ids[0].tolist() == ids[1].tolist()
    assert ids[0][0, 0] != UNKNOWN


def test_a_bundle_from_before_there_were_habits_is_read_as_it_was(tmp_path: Path) -> None:
    codec = TagCodec(
        Vocabulary.build([["cafe\u0301", "u.s."]], size=99),
        Vocabulary.build([list("cafe\u0301u.s")], size=99),
        ["O", "B-LOC"],
        9,
    )
    again = TagCodec.from_files(codec.files())
    assert "habit.json" not in codec.files()
    assert again.cut("U.S. caf\u00e9") == ["U", ".", "S", ".", "caf\u00e9"]
    known = [
        again.encode(Tagged([t], ["O"], ""))[0][0, 0] != UNKNOWN
        for t in ("cafe\u0301", "caf\u00e9")
    ]
    assert known == [True, False]
