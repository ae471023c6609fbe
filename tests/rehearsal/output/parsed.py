"""Parses an HTML page; each element must be closed where it was opened."""

from __future__ import annotations

from html.parser import HTMLParser

# https://html.spec.whatwg.org/multipage/syntax.html#void-elements
_VOID = {"base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
# Attributes whose address a browser fetches or follows.
_ADDRESSES = ("src", "srcset", "href", "xlink:href", "data", "poster", "action", "formaction")


class Parsed(HTMLParser):
    """The page's texts, elements, ids and addresses; raises ValueError on bad nesting."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.addresses: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        if self._open:
            raise ValueError(f"not closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "aria-labelledby":
                self.named.append(value or "")
            elif name in _ADDRESSES:
                self.addresses.append(value or "")
            elif name == "style":
                self.styles.append(value or "")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> at {self.getpos()} closes another element")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles.append(data)
        else:
            self.text += data
