"""Text of any kind in Markdown, held against a reader of Markdown."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from classification_model.runtime.wheel.markdown import as_text, one_line

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(st.text(st.sampled_from(list("-+=*_~`#|[]()<>!&;:\\$\"'.019 \t\n\r\x00\u2028\u202eaé"))) | st.text())
@example("~~~")
@example("1. first")
@example("2) second")
@example("- item")
@example("---")
@example("===")
@example("+\tplus")
@example("> said")
@example("# heading")
@example("&amp; &#60;b> <b>")
@example("[a](http://b) ![c](d)")
@example("    code")
def test_a_text_is_shown_as_it_is(text: str) -> None:
    """As a paragraph and as the cell of a table, any text is the only text, and nothing else is made of it."""
    expected = one_line(text)
    for before, after in (("", ""), ("| a |\n|---|\n| ", " |")):
        inlines = [token for token in MARKDOWN.parse(f"{before}{as_text(text)}{after}") if token.nesting == 0]
        shown = (inlines[-1].children or []) if inlines else []
        assert {token.type for token in shown} <= {"text"}
        assert "".join(token.content for token in shown) == expected


@pytest.mark.parametrize("text", ["1.0.0", "-1.9 to 5.3", "2026-01-02T03:04:05Z", "12-", "C++ (and C)"])
def test_a_plain_text_is_left_as_it_is(text: str) -> None:
    """What no reader of Markdown takes for a mark is not escaped."""
    assert as_text(text) == text


def test_a_line_stays_a_line() -> None:
    """No break, control or order to write from the right is left, and joined emoji stay joined."""
    text = " a\r\nb\x00c\x85d\u2028e\u202ef\ud800 \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
    assert one_line(text) == "a b c d e f \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
