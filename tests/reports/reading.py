"""A page as a test wants it: well formed, alone, and its tables as texts, by section."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Reads a page, and refuses what is not closed, is outside, or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.section = ""
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[list[list[str]]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = ""
        if tag == "table":
            self.tables.setdefault(self.section, []).append([])
        if tag == "tr":
            self.tables[self.section][-1].append([])
        if tag in ("td", "th"):
            self.tables[self.section][-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}, tag
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("href", "src"):
                assert (value or "").startswith(("data:image/png;base64,", "#")), value
            assert "url(" not in (value or ""), value

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["h2"] and "section" in self.open:
            self.section += data
        self.texts[self.section] = self.texts.get(self.section, "") + data
        if self.open[-1:] in (["td"], ["th"]):
            self.tables[self.section][-1][-1][-1] += data


def read(page: str) -> Reader:
    """Return what a page holds."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == ["html"] or not reader.open
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    return reader


def table(page: str, section: str) -> dict[str, dict[str, str]]:
    """Return the cells of a section's first table, by row and column."""
    head, *rows = read(page).tables[section][0]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
