"""Files of tagged sentences as other people write them: comments, indices, headers, CSV."""

import json
from pathlib import Path

import pytest

import recurra
from recurra.data.readers.conll import read, read_file
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe

FLAT = [["Ann", "visits", "Oslo", "#"], ["Paris", ",", '"'], ["#", "It", "rained"]]
TAGS = [["B-PER", "O", "B-LOC", "O"], ["B-LOC", "O", "O"], ["O", "O", "O"]]


def tokens_of(path: Path, text: str, **fields: str) -> list[list[str]]:
    path.write_bytes(text.encode())
    return [row.tokens for row in read_file(path, Rows(), Recipe(**fields))]


def parsed(path: Path, text: str, **fields: str) -> tuple[list[list[str]], list[list[str]]]:
    path.write_bytes(text.encode())
    rows = read_file(path, Rows(), Recipe(**fields))
    return [row.tokens for row in rows], [row.tags for row in rows]


@pytest.mark.parametrize("separator", [" ", "\t", "  \t"], ids=["space", "tab", "both"])
@pytest.mark.parametrize(
    "token",
    ["10\u00a0000", "10\u2009000", "a\u2028b", "a\u0085b", "a\u001cb", "\u00a0", "\u2003", "a\fb"],
    ids=ascii,
)
def test_only_spaces_and_tabs_part_columns(tmp_path: Path, token: str, separator: str) -> None:
    text = f"Ann{separator}B-PER\n{token}{separator}O\n \nOslo{separator}B-LOC\n"
    assert tokens_of(tmp_path / "n.txt", text) == [["Ann", token], ["Oslo"]]


def table(form: str, count: int = 3) -> str:
    """Return the sentences of FLAT in one of the forms that people keep them in."""
    text = ""
    some = zip(FLAT[:count], TAGS[:count], strict=True)
    for number, (tokens, tags) in enumerate(some, start=1):
        rows = list(enumerate(zip(tokens, tags, strict=True), start=1))
        if form == "conll-u":
            text += f"# newdoc id = d{number}\n# sent_id = {number}\n#text= {' '.join(tokens)}\n"
            for i, (token, tag) in rows:
                if i == 2:
                    text += "2-3\tvisitsOslo\t_\t_\t_\n"
                text += f"{i}\t{token}\tNOUN\t{i - 1}\t{tag}\n"
                if i == 3:
                    text += "3.1\tleft\t_\t_\t_\n"
        elif form == "germeval":
            text += f"#\thttp://example.org/{number}.html [2009-10-{number}]\n"
            text += "".join(f"{i}\t{token}\t{tag}\tO\n" for i, (token, tag) in rows)
        elif form == "uner":
            text += f"# sent_id = {number}\n# text = {' '.join(tokens)}\n"
            text += "".join(f"{i}\t{token}\t{tag}\t-\tAn B-otator\n" for i, (token, tag) in rows)
        elif form == "multiconer":
            text += f"# id 4fa1-{number}\tdomain=en\n"
            text += "".join(f"{token} _ _ {tag}\n" for _, (token, tag) in rows)
        elif form == "header":
            text += "" if text else "Token\tPOS\tNER\n\n"
            text += "".join(f"{token}\tX\t{tag}\n" for _, (token, tag) in rows)
        elif form == "docstart":
            text += "-DOCSTART- -X- -X- O\n\n"
            text += "".join(f"{token} X I-NP {tag}\n" for _, (token, tag) in rows)
        elif form == "index without blank lines":
            text += "".join(f"{i - 1} {token} {tag}\n" for i, (token, tag) in rows)
            continue
        text += " \t\n"
    return text


FORMS = (
    *("conll-u", "germeval", "uner", "multiconer", "header", "docstart"),
    "index without blank lines",
)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("form", FORMS)
def test_comments_indices_and_headers(tmp_path: Path, form: str, end: str) -> None:
    text = table(form).replace("\n", end)
    assert parsed(tmp_path / "n.conll", text) == (FLAT, TAGS)


def test_a_comment_within_a_sentence_without_indices_is_a_bad_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"n\.txt:2: has 1 columns where 2"):
        tokens_of(tmp_path / "n.txt", "Ann B-PER\n#hashtag\nOslo B-LOC\n\nit O\n")
    with pytest.raises(DataError, match=r"n\.txt:1: has 1 columns where 2"):
        tokens_of(tmp_path / "n.txt", "#hashtag\nOslo B-LOC\n\nit O\n")


def test_of_two_tag_columns_the_outer_or_the_one_asked_for(tmp_path: Path) -> None:
    text = "#\tsource\n1\tAnn\tB-PER\tO\n2\tOslo\tB-ORG\tB-LOC\n\n#\tsource\n1\tit\tO\tO\n"
    for wanted, tag in (({}, "B-ORG"), ({"tag_column": "4"}, "B-LOC")):
        assert parsed(tmp_path / "n.tsv", text, **wanted)[1][0][1] == tag


def test_one_damaged_tag_does_not_make_another_column_the_tags(tmp_path: Path) -> None:
    text = "".join(f"w{i} NN B-NP B-PER\n\n" for i in range(20)) + "Oslo NN B-NP PER\n"
    with pytest.raises(DataError, match=r"n\.txt:41: has the tag 'PER'"):
        tokens_of(tmp_path / "n.txt", text)


GMB = {
    "first row": (
        "Sentence #,Word,POS,Tag",
        lambda s, i, n, w, t: f"{f'Sentence: {s}' if i == 0 else ''},{w},NN,{t}",
    ),
    "index and number": (
        ",sentence_idx,lemma,word,tag",
        lambda s, i, n, w, t: f"{n},{s}.0,lemma,{w},{t}",
    ),
    "word and tag": ("Word,Tag", lambda s, i, n, w, t: f"{w},{t}"),
    "number, no header": (None, lambda s, i, n, w, t: f"{s},{w},{t}"),
    "first row, no header": (None, lambda s, i, n, w, t: f"{f'x{s}' if i == 0 else ''},{w},{t}"),
}


def gmb(form: str, *, blank: bool, delimiter: str = ",", count: int = 3) -> str:
    """Return FLAT as GMB's table is passed around; quotes as pandas writes them."""
    header, row = GMB[form]
    lines = [header.replace(",", delimiter)] if header else []
    n = 0
    some = zip(FLAT[:count], TAGS[:count], strict=True)
    for s, (tokens, tags) in enumerate(some, start=1):
        for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            quoted = '"' + token.replace('"', '""') + '"'
            plain = delimiter not in token and '"' not in token
            written = token if plain else quoted
            cells = row(s, i, n, "\0", tag).replace(",", delimiter)
            lines.append(cells.replace("\0", written))
            n += 1
        lines += [""] * blank
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("name", ["n.csv", "n.txt"])
@pytest.mark.parametrize("form", GMB)
def test_tables(tmp_path: Path, form: str, name: str, delimiter: str) -> None:
    text = gmb(form, blank=form == "word and tag", delimiter=delimiter)
    assert parsed(tmp_path / name, text) == (FLAT, TAGS)


def test_sentences_that_nothing_parts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds one sentence of 10 tokens.*--sentence-column"):
        tokens_of(tmp_path / "n.csv", gmb("word and tag", blank=False))
    with pytest.raises(DataError, match=r"holds one sentence of 300 tokens"):
        tokens_of(tmp_path / "n.txt", "Ann B-PER\n" * 300)


def test_columns_by_name_and_number_with_and_without_a_header(tmp_path: Path) -> None:
    body = "a,1,B-X,x,O,B-Y\nb,1,O,y,O,O\nc,2,O,z,B-Z,O\n"
    for header, named in (("id,s,t1,W,t2,t3\n", ("W", "t2", "s")), ("", ("4", "5", "2"))):
        fields = dict(zip(("token_column", "tag_column", "sentence_column"), named, strict=True))
        found = parsed(tmp_path / "n.csv", header + body, **fields)
        assert found == ([["x", "y"], ["z"]], [["O", "O"], ["B-Z"]])
    for text in (body.replace(",", " "), body.replace(",", "\t")):
        found = parsed(tmp_path / "n.conll", text, **fields)
        assert found == ([["x", "y"], ["z"]], [["O", "O"], ["B-Z"]])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"token_column": "9"}, r"has no column '9' \(token_column\); its first row is 1 'Sent"),
        ({"token_column": "0"}, "has no column '0'"),
        ({"tag_column": "NER"}, r"has no column 'NER' \(tag_column\).*2 'Word', 3 'POS'"),
        ({"sentence_column": "doc"}, "has no column 'doc'"),
        ({"token_column": "Tag", "tag_column": "tag"}, "column 4 cannot be token and tag"),
        ({"tag_column": "POS"}, ":2: has the tag 'NN'"),
    ],
    ids=str,
)
def test_columns_that_are_not_there(tmp_path: Path, fields: dict[str, str], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        tokens_of(tmp_path / "n.csv", gmb("first row", blank=False), **fields)


def test_what_was_decided_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.csv").write_text(gmb("first row", blank=False))
    read(Recipe(data=str(tmp_path)))
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for word in (
        "column 2 ('Word')",
        "column 4 ('Tag')",
        "column 1 ('Sentence #')",
        "--tag-column",
    ):
        assert word in told


def test_sentences_whose_rows_stand_apart_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "sent,word,tag\n1,Ann,B-PER\n2,it,O\n1,saw,O\n2,is,O\n2,so,O\n"
    assert tokens_of(tmp_path / "n.csv", rows) == [["Ann"], ["it"], ["saw"], ["is", "so"]]
    assert (
        "4 sentences in column 1 ('sent'), 2 of them in several places" in capsys.readouterr().err
    )


def test_a_number_that_is_missing_within_a_sentence_ends_none(tmp_path: Path) -> None:
    rows = "sent,word,tag\n1,Ann,B-PER\n,saw,O\n1,it,O\n2,so,O\n"
    assert tokens_of(tmp_path / "n.csv", rows) == [["Ann", "saw", "it"], ["so"]]


def test_sentences_are_numbered_within_their_documents(tmp_path: Path) -> None:
    rows = "doc,sent,word,tag\n1,1,Ann,B-PER\n1,1,saw,O\n2,1,it,O\n2,1,is,O\n2,2,so,O\n"
    assert tokens_of(tmp_path / "n.csv", rows) == [["Ann", "saw"], ["it", "is"], ["so"]]


def test_a_column_asked_for_as_sentences_counts_no_tokens(tmp_path: Path) -> None:
    rows = "s;w;t\n1;Ann;B-PER\n1;saw;O\n2;it;O\n"
    found = tokens_of(tmp_path / "n.csv", rows, token_column="w", sentence_column="s")
    assert found == [["Ann", "saw"], ["it"]]


def test_tags_that_stand_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed(tmp_path / "n.bio", "O\tby\nB-PER\tAnn\n\nO\tit\n")[0] == [["by", "Ann"], ["it"]]
    assert "tokens in column 2, tags in column 1" in capsys.readouterr().err


def test_the_last_column_is_the_tags_where_it_has_no_entities_either(tmp_path: Path) -> None:
    text = "Ann NN B-NP O\nsaw V B-VP O\n\nit P B-NP O\n"
    assert parsed(tmp_path / "n.txt", text)[1] == [["O", "O"], ["O"]]


def test_a_header_in_other_words_is_a_bad_row_until_it_is_named(tmp_path: Path) -> None:
    text = "mot\tétiquette\nAnn\tB-PER\n\nit\tO\n"
    with pytest.raises(DataError, match=r"n\.tsv:1: .*'étiquette'.*--tag-column by its name"):
        tokens_of(tmp_path / "n.tsv", text)
    assert tokens_of(tmp_path / "n.tsv", text, tag_column="Étiquette") == [["Ann"], ["it"]]


@pytest.mark.parametrize("name", ["n.jsonl", "n.txt", "n.json"])
def test_lists_of_tokens_in_json(tmp_path: Path, name: str) -> None:
    rows = [{"id": 1, "words": w, "tags": t} for w, t in zip(FLAT, TAGS, strict=True)]
    text = "\n\n".join(map(json.dumps, rows)) if name != "n.json" else json.dumps(rows)
    assert parsed(tmp_path / name, text) == (FLAT, TAGS)
    for bad in ([1, 2, 3], ["", "O", "O"], ["O"], "OOO", None):
        wrong = json.dumps({**rows[0], "words" if bad and "" in bad else "tags": bad})
        with pytest.raises(DataError, match=r"n\.jsonl:3: (has|does)"):
            tokens_of(tmp_path / "n.jsonl", f"{json.dumps(rows[0])}\n\n{wrong}\n")
    with pytest.raises(DataError, match="no column 'x'; its columns are id, words, tags"):
        tokens_of(tmp_path / name, text, tag_column="x")
    assert tokens_of(tmp_path / name, text, token_column="2", tag_column="tags") == FLAT


def test_a_quote_that_is_not_closed_is_its_own_line_s_fault(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text('sent,Word,Tag\n1,Ann,B-PER\n1,",O\n2,Oslo,B-LOC\n3,"it",O\n')
    with pytest.raises(DataError, match=r"n\.csv:3: is quoted wrongly"):
        read_file(path, Rows())
    rows = Rows(skip=True)
    # Row 3 may have begun the sentence of row 4.
    assert [row.tokens for row in read_file(path, rows)] == [["it"]]
    assert rows.skipped == 1


def test_a_line_that_cannot_be_read_spoils_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    rows = Rows(skip=True)
    path.write_bytes(b"pad O\n\n" * 2000 + b"Ann B-PER\nsaw\0 O\nOslo B-LOC\n\nit O\n")
    assert [row.tokens for row in read_file(path, rows)][2000:] == [["it"]]


@pytest.mark.parametrize("form", ["germeval", "uner", "first row"])
def test_the_public_command_trains_on_them(tmp_path: Path, form: str) -> None:
    for part, count in (("train", 3), ("dev", 2), ("test", 1)):
        known = form in GMB
        text = gmb(form, blank=False, count=count) if known else table(form, count)
        (tmp_path / f"{part}.{'csv' if known else 'tsv'}").write_text(text)
    tiny = {"epochs": 1, "hidden": 4, "embedding": 4, "threads": 1}
    model = recurra.train("ner", data=str(tmp_path), out=str(tmp_path / "run"), **tiny)
    assert set(model.codec.tags) == {"O", "B-PER", "B-LOC"}
    assert model.metrics["train_examples"] == 3


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_gmb_in_its_own_encoding(
    tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    header, _, body = gmb("first row", blank=False).partition("\n")
    body = body.replace("rained", "s’était" if encoding == "cp1252" else "été")
    path = tmp_path / "ner_dataset.csv"
    path.write_bytes(f"{header}\n{body * 20}".replace("\n", "\r\n").encode(encoding))
    fields = {} if encoding != "latin-1" else {"encoding": encoding}
    splits = read(Recipe(data=str(path), **fields))
    assert {row.tokens[-1] for part in splits.parts for row in part} >= {"#", '"'}
    tokens = {token for part in splits.parts for row in part for token in row.tokens}
    assert tokens & {"s’était", "été"}
    assert "tokens in column 2 ('Word')" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS)
def test_returns_alone_end_lines(tmp_path: Path, form: str) -> None:
    assert parsed(tmp_path / "n.conll", table(form).replace("\n", "\r")) == (FLAT, TAGS)
