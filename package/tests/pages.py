"""Pages of HTML, read."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """A page, read: its elements, the words in it, and whether its elements are closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember words that are read, not styles."""
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words of the page, blanks made one."""
        return " ".join(" ".join(self.words).split())

    def targets(self) -> list[str]:
        """Return what attributes would have a browser fetch or open: of links, images, styles and scripts."""
        names = ("src", "href", "xlink:href", "srcset", "data", "action")
        return [str(given[name]) for _, given in self.elements for name in names if given.get(name) is not None]
