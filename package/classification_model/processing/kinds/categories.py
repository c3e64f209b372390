"""Infer whether a column holds truth values, categories or texts, and which words among them are no gaps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classification_model.processing.kinds.inferred import ONE_HOT_LIMIT, Guess
from classification_model.runtime.input.values import FALSE_WORDS, TRUE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.processing.kinds.distinct_values import DistinctValues

#: A text, rather than a category: this share of distinct values, of this many words in the mean.
TEXT_SHARE, TEXT_WORDS = 0.5, 3.0
#: Codes of two capitals are countries where there are this many.
_LEAST_COUNTRIES, _COUNTRY_SHARE = 8, 0.9
#: The reason for leaving out a column that may be an index.
EVERY_ONE_DIFFERS = "every value is different"
_MAYBE_VALUES = {"na", "none", "-"}
_DIGITS_AND_SIGNS = re.compile(r"(?=.*[.,])[^\W\d_]{0,3}\W{0,3}(?:\d++[.,:' -]{0,2}){2,9}\W{0,3}[^\W\d_]{0,3}")
_VERSION = re.compile(r"[^\W\d_]?\d+(?:\.\d+){2,}")
_COUNTRY = re.compile("[A-Z]{2}")


def words_that_are_values(values: DistinctValues) -> tuple[list[str], str]:
    """Find words that mean "missing" elsewhere, and are values here; say why.

    ``none`` is a value where without it a single other value would be left, or where gaps are written otherwise. ``NA``
    is one among codes of countries.
    """
    words = {word.lower(): word for word in values.marks}
    gaps = values.missing - sum(values.marks.values())
    if "none" in words:
        count = values.marks[words["none"]]
        if len(values.counts) == 1:
            return [
                words["none"]
            ], f"{words['none']} is a value here, as the only other one is {next(iter(values.counts))}"
        if gaps and count > 1 and not any(text.lower() in TRUE_WORDS | FALSE_WORDS for text in values.counts):
            return [words["none"]], f"{words['none']} is a value here, as gaps are empty cells"
    countries = [text for text in values.counts if _COUNTRY.fullmatch(text)]
    if "NA" in values.marks and len(countries) >= max(_LEAST_COUNTRIES, _COUNTRY_SHARE * len(values.counts)):
        return ["NA"], "NA is a value here, as all values are codes of two letters, such as those of countries"
    return [], ""


def infer_boolean(values: DistinctValues) -> Guess | None:
    """Infer that a column holds truth values; None if it does not."""
    words = {text.lower() for text in values.counts}
    if len(words) == 2 and words <= TRUE_WORDS | FALSE_WORDS and len(words & TRUE_WORDS) == 1:
        return Guess("boolean", " and ".join(sorted(words)))
    return None


def infer_category(values: DistinctValues) -> Guess:
    """Infer a kind for a column of any texts or codes."""
    distinct = len(values.counts)
    words = sum(len(text.split()) * count for text, count in values.counts.items()) / values.total
    if distinct > ONE_HOT_LIMIT and distinct / values.total > TEXT_SHARE and words >= TEXT_WORDS:
        remark = "a text enters the model only by features derived from it, such as pattern or contains: see below"
        return Guess("text", f"{distinct} texts of {words:.0f} words on average", remarks=[remark])
    if values.all_differ and distinct > ONE_HOT_LIMIT:
        like = _like_a_number(values)
        return Guess(None, f"numbers in a form that is not known here, such as {like}" if like else EVERY_ONE_DIFFERS)
    remarks = list(_words_that_are_missing(values))
    if distinct > ONE_HOT_LIMIT:
        return Guess("categorical", f"{distinct} categories", {"encode": "target"}, remarks)
    what = "1 category, or missing" if distinct == 1 else f"{distinct} categories"
    return Guess("categorical", what, remarks=remarks)


def _words_that_are_missing(values: DistinctValues) -> Iterator[str]:
    """Remark on words that are read as missing, and may be values: ``NA``, ``none`` and ``-``."""
    for word, count in values.marks.items():
        if word.lower() in _MAYBE_VALUES:
            yield f"{word} in {count} row(s) is read as missing: if it is a value, list it under not_missing"


def _like_a_number(values: DistinctValues) -> str | None:
    """Return a value of a column in which most are more digits than letters, with signs between them."""
    texts = [text for text in values.texts if _DIGITS_AND_SIGNS.fullmatch(text) and not _VERSION.fullmatch(text)]
    return texts[0] if values.rows_of(texts) * 2 > values.total else None
