"""A report as a browser would see it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """What a browser would make of it: titles, table rows, drawings, and anything it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.fetched: list[str] = []
        self.svgs: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.fetched += [
            str(value) for key, value in attrs if key in ("src", "href", "action") and str(value)[0] != "#"
        ]
        if tag in ("script", "link", "img", "iframe", "object", "embed"):
            self.fetched.append(tag)
        if tag == "svg":
            self.svgs.append(str(dict(attrs)["aria-label"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())
