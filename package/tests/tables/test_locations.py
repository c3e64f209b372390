"""What a URL holds that no message may repeat."""

from __future__ import annotations

import pytest

from classification_model.tables.locations import locate
from classification_model.tables.reading.open_file import unreadable


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://me:s3cr3t%2F@host/a.csv", "login of me:s3cr3t%2F@host refused"),
        ("ftp://me:s3cr3t%2F@host/a.csv", "login with s3cr3t/ refused"),
        ("https://host/a.csv?signature=s3cr3t", "404, url='https://host/a.csv?signature=s3cr3t'"),
        ("https://host/a.csv?signature=s3cr3t", "GET /a.csv?signature=s3cr3t refused"),
    ],
)
def test_the_reason_of_a_library_is_told_without_secrets(url: str, text: str) -> None:
    """Libraries repeat a URL, or parts of it, in their errors."""
    location = locate(url)
    message = str(unreadable(location.name, OSError(text), location.redact))
    assert message.startswith(f"{url.partition(':')[0]}://host/a.csv cannot be read: {text[:3]}")
    assert "s3cr3t" not in message
