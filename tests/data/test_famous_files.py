"""Tables as the field's best-known data sets write them, with sentences of our own."""

import json
from collections import Counter
from pathlib import Path

import pytest

from recurra.data.readers import tabular
from recurra.errors import DataError
from tests.every import Every as Recipe

N = 40
GOOD = [f"We would gladly come here again, round {i} was a delight" for i in range(N)]
BAD = [f"Nobody should sit through number {i}; it is dull" for i in range(N)]
TEXTS = [text for pair in zip(GOOD, BAD, strict=True) for text in pair]


def table(header: str, row: str, texts: list[str] = TEXTS, sort: bool = False) -> str:
    order = range(0, len(texts), 2), range(1, len(texts), 2)
    rows = [i for part in order for i in part] if sort else range(len(texts))
    filled = (row.format(i=i, t=texts[i], g=1 - i % 2, n=i % 7, **marks(i)) for i in rows)
    return header + "".join(f"{line}\n" for line in filled)


def marks(i: int) -> dict[str, str]:
    good = i % 2 == 0
    return {
        "pn": "positive" if good else "negative",
        "hs": "ham" if good else "spam",
        "gold": ("positive" if good else "negative") if i in (3, 8) else "",
        "four": "4" if good else "0",
        "reason": "" if good else ("Late Flight", "Lost Luggage", "Rude Service")[i % 3],
        "zone": ("Eastern Time (US & Canada)", "London", "")[i % 3],
    }


AIRLINE = (
    "tweet_id,airline_sentiment,airline_sentiment_confidence,negativereason,airline,"
    "airline_sentiment_gold,name,retweet_count,text,tweet_created,user_timezone\n"
)
AIRLINE_ROW = (
    '57030{i},{pn},0.{n}1,{reason},Virgin,{gold},user{i},{n},"@Virgin {t}",'
    "2015-02-24 11:35:{i:02} -0800,{zone}"
)
FORMS = {
    "imdb.csv": ("review,sentiment\n", '"{t}.<br /><br />""Well"" said",{pn}'),
    "sst2.tsv": ("sentence\tlabel\n", "{t}\t{g}"),
    "imdb_labelled.txt": ("", '"Ha" {t}  \t{g}'),
    "yelp_labelled.txt": ("", '{t} 5" wide\t{g}'),
    "spam.csv": ("v1,v2,,,\n", '{hs},"{t}",,,'),
    "SMSSpamCollection": ("", "{hs}\t{t}"),
    "sentiment140.csv": (
        "",
        '"{four}","{i}467810","Mon Apr 06 22:19:{i:02} PDT 2009","NO_QUERY","user{i}","{t}"',
    ),
    "rotten.tsv": ("PhraseId\tSentenceId\tPhrase\tSentiment\n", "{i}\t{n}\t{t}\t{g}"),
    "ag_news.csv": ("", '"{four}","{t}","{t} - as \\$3 reporters told us, on and on"'),
    "ag_news_head.csv": (
        "Class Index,Title,Description\n",
        '{four},"Short news {i}","{t} - as reporters told us, on and on"',
    ),
    "yelp_polarity.csv": ("", '"{four}","{t}\\n\\nIt was \\""fine\\"""'),
    "amazon_polarity.csv": ("", '"{four}","Title {i}","{t}"'),
    "airline.csv": (
        AIRLINE,
        AIRLINE_ROW,
    ),
    "tweets.csv": ("id,label,tweet\n", '{i},{g},"@user {t} #{n}"'),
    "quora.csv": ("qid,question_text,target\n", '00002165{i},"{t}?",{g}'),
    "stars.csv": ("reviewerID,asin,overall,reviewText\n", 'A2SU{i},0006,{n}.0,"{t}"'),
    "numbered.csv": (",text,label\n", '{i},"{t}",{g}'),  # with the index of pandas
    "excel.csv": ("sep=;\nText;Kind\n", '"{t}";{g}'),
    "train.ft.txt": ("", "__label__{g} {t}"),
    "semicolon.csv": ("Text;Label\n", '"{t}";{g}'),
    "bar.txt": ("text|label\n", "{t}|{g}"),
}
EXPECTED_LABELS = {
    "imdb.csv": {"positive", "negative"},
    "airline.csv": {"positive", "negative"},
    "stars.csv": {str(i) for i in range(7)},
    "spam.csv": {"ham", "spam"},
    "SMSSpamCollection": {"ham", "spam"},
}
for name in ("sentiment140", "ag_news", "ag_news_head", "yelp_polarity", "amazon_polarity"):
    EXPECTED_LABELS[f"{name}.csv"] = {"0", "4"}


@pytest.mark.parametrize("sort", [False, True], ids=["mixed", "sorted"])
@pytest.mark.parametrize("name", FORMS)
def test_a_well_known_form(
    tmp_path: Path, name: str, sort: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(table(*FORMS[name], sort=sort))
    splits = tabular.read(Recipe(data=str(path)))
    rows = [row for part in splits.parts for row in part]
    assert {row.label for row in rows} == EXPECTED_LABELS.get(name, {"0", "1"})
    assert len(rows) == len(TEXTS)
    for row in rows:
        assert any(text in row.text for text in TEXTS)
    told = capsys.readouterr().err.splitlines()[0]
    header = FORMS[name][0].count("\n")
    assert "fastText" in told or (f"header in row {header}" if header else "no header") in told
    assert told.endswith("(--text-column, --label-column)")


def test_names_and_numbers_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "sentiment140.csv"
    path.write_text(table(*FORMS[path.name]))
    for text in ("6", "3"):
        splits = tabular.read(Recipe(data=str(path), label_column="1", text_column=text))
        assert {row.label for row in splits.train} == {"0", "4"}
        assert ("Apr" in splits.train[0].text) == (text == "3")
    path = tmp_path / "spam.csv"
    path.write_text(table(*FORMS[path.name]))
    found = [
        tabular.read(Recipe(data=str(path), label_column=label, text_column=text))
        for label, text in (("v1", "v2"), ("1", "2"), ("v1", "2"))
    ]
    assert found[0].parts == found[1].parts == found[2].parts
    with pytest.raises(DataError, match="has no column 'v3'; its columns are v1, v2, 3, 4, 5"):
        tabular.read(Recipe(data=str(path), text_column="v3"))
    with pytest.raises(DataError, match="has no column '6'; its columns are v1"):
        tabular.read(Recipe(data=str(path), text_column="6"))
    path.write_text("a,b,b\n" + "".join(f"{i % 2},text {i},other\n" for i in range(40)))
    with pytest.raises(DataError, match="has 2 columns named 'b'; give a number: 2 and 3"):
        tabular.read(Recipe(data=str(path), text_column="b"))
    read = tabular.read(Recipe(data=str(path), label_column="a"))
    assert read.train[0].text.startswith("text ")
    assert sum(map(len, found[0].parts)) == len(TEXTS)


def test_the_smallest_class_is_a_class(tmp_path: Path) -> None:
    path = tmp_path / "spam.csv"
    rows = [f'{"spam" if i % 20 == 7 else "ham"},"{text}"' for i, text in enumerate(TEXTS)]
    path.write_text("\n".join(rows))
    splits = tabular.read(Recipe(data=str(path)))
    assert Counter(row.label for part in splits.parts for row in part)["spam"] == 4


JSON = [{"text": text, "label": i % 2} for i, text in enumerate(TEXTS)]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(JSON),
        json.dumps(JSON, indent=2),
        json.dumps({"version": "1.0", "data": JSON}),
        json.dumps({key: {str(i): row[key] for i, row in enumerate(JSON)} for key in JSON[0]}),
        json.dumps({str(i): row for i, row in enumerate(JSON)}),
        json.dumps({key: [row[key] for row in JSON] for key in JSON[0]}),
        json.dumps({"columns": ["text", "label"], "data": [[*row.values()] for row in JSON]}),
        "\n\n".join(map(json.dumps, JSON)),
        "\n".join(json.dumps({"label": row["label"], "id": [1], **row}) for row in JSON) + "\n",
        "\r".join(map(json.dumps, JSON)),
    ],
    ids=[
        *("array", "indented", "wrapped", "columns", "index"),
        *("lists", "split", "blank", "other", "cr"),
    ],
)
@pytest.mark.parametrize("ending", ["json", "txt"])
def test_json_of_other_programs(tmp_path: Path, content: str, ending: str) -> None:
    path = tmp_path / f"rows.{ending}"
    path.write_bytes(content.encode())
    splits = tabular.read(Recipe(data=str(path)))
    rows = [row[:2] for part in splits.parts for row in part]
    assert sorted(rows) == sorted((row["text"], str(row["label"])) for row in JSON)
