"""What the name of a table says: a file, a URL of one, a table or query of a database, or another service.

A URL may hold a password or a signature. So no message repeats it: `Location.name` is what a table is called, and
`Location.redact` removes the secrets from the text of a library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from classification_model.errors import DataError, InputError
from classification_model.tables.formats import STANDARD_STREAM, has_known_suffix
from classification_model.tables.services import services

Kind = Literal["stream", "file", "remote file", "database", "service"]

#: Databases that SQLAlchemy knows by itself, and BigQuery; others are known when their dialect is installed.
_DATABASES = frozenset({"postgresql", "postgres", "sqlite", "mysql", "mariadb", "mssql", "oracle", "bigquery"})
_QUERY = re.compile(r"[?&]query=")
_SCHEME = re.compile(r"[a-z][a-z0-9_+.-]*(::[a-z][a-z0-9_+.-]*)*", re.IGNORECASE)
_AFTER_HOST = re.compile(r"[/?#]")
#: What looks like connection settings or a mistyped URL, which are no file and may hold a password.
_SETTINGS = re.compile(r":.*@|(password|pwd)\s*=|^[a-z][a-z0-9+.-]+:.*(#|[?&]query=)", re.IGNORECASE | re.DOTALL)
_PARAMETERS = re.compile(r"\?[^\s'\"]+")
_SQLITE_URL = re.compile(r"(sqlite(?:\+\w+)?:///)(.+)", re.DOTALL)
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Location:
    """Where a table is.

    Attributes
    ----------
    source
        The name as it was given, without ``#table`` or ``query=`` for a database. It may hold a password.
    kind
        What opens it.
    name
        What it is called in messages, without secrets.
    table, query
        Table or query of a database.
    """

    source: str = field(repr=False)
    kind: Kind
    name: str
    table: str | None = None
    query: str | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """The part before ``://``, without the driver of a database."""
        return scheme_of(self.source)

    @property
    def has_password(self) -> bool:
        """Whether the URL holds one, or a signature."""
        parameters = self.source.partition("?")[2]
        is_signed = self.kind == "remote file" and parameters != ""
        return ":" in _authority(self.source).rpartition("@")[0] or is_signed or "password=" in parameters.lower()

    def redact(self, text: str) -> str:
        """Remove the secrets of the URL from the text of a library's error."""
        if "://" not in self.source:
            return text
        text = _PARAMETERS.sub("?***", text.replace(self.source, self.name))  # a library may escape them otherwise
        user, _, password = _authority(self.source).rpartition("@")[0].partition(":")
        parameters = self.source.partition("?")[2].partition("#")[0]
        return hide(text, {password, unquote(password), parameters, f"{user}:{password}" if password else ""})


def hide(text: str, secrets: Iterable[str | None]) -> str:
    """Put stars for secrets in a text; one of three letters or fewer would be shown by the stars."""
    for secret in sorted((each for each in secrets if each is not None and len(each) > 3), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def short_name(source: str) -> str:
    """Return what a table is called in a message: the name of a file without its folder, no secrets of a URL."""
    location = locate(source)
    return location.name if location.kind == "database" else Path(location.name).name


def resolved(source: str, folder: Path) -> str:
    """Return the name of a table in a config, whose paths are relative to its folder, also that of a SQLite file."""
    if sqlite := _SQLITE_URL.fullmatch(source):
        return f"{sqlite[1]}{folder.resolve() / sqlite[2]}"
    return source if "://" in source else str(folder / source)


def scheme_of(source: str) -> str:
    """Return the scheme of a URL in lower case, without a driver; empty for a path."""
    before, mark, _ = source.partition("://")
    return before.partition("+")[0].lower() if mark and _SCHEME.fullmatch(before) else ""


def locate(source: str) -> Location:
    """Read the name of a table.

    Parameters
    ----------
    source
        A path, ``-``, or a URL: of a file that fsspec opens, of a database with ``#table`` or ``?query=SELECT ...``
        at its end, or of a registered service.

    Raises
    ------
    InputError
        If nothing opens such a URL, a sign in it is to be escaped, or the URL of a database names no table.
    """
    if source == STANDARD_STREAM:
        return Location(source, "stream", source)
    scheme = scheme_of(source)
    if not scheme:
        _check_path(source)
        return Location(source, "file", source)
    if scheme in services():
        _check_url(source)
        return Location(source, "service", _without_secrets(source))
    if _is_database(scheme):
        return _locate_in_database(source, scheme)
    if scheme == "file":
        return locate(source.partition("://")[2])
    protocols = _file_protocols()
    if all(part.lower() in protocols for part in source.partition("://")[0].split("::")):
        _check_url(source)
        return Location(source, "remote file", _without_secrets(source))
    known = ", ".join(sorted({*services(), *_DATABASES - {"postgres"}, "s3", "gs", "https"}))
    msg = (
        f"nothing opens a URL that begins with {scheme}:// (known are {known}, and the protocols of fsspec): install "
        "what does, or register it (docs/add-a-data-source.md)"
    )
    raise InputError(msg)


def _file_protocols() -> frozenset[str]:
    import fsspec  # noqa: PLC0415 - an extra brings it

    return frozenset(fsspec.available_protocols())


def _is_database(scheme: str) -> bool:
    if scheme in _DATABASES:
        return True
    try:
        from sqlalchemy.dialects import registry  # noqa: PLC0415 - an extra brings it
        from sqlalchemy.exc import NoSuchModuleError  # noqa: PLC0415
    except ModuleNotFoundError:
        return False
    try:
        registry.load(scheme)
    except NoSuchModuleError:
        return False
    return True


def _locate_in_database(source: str, scheme: str) -> Location:
    """Read ``...?query=...`` or ``...#table``; a query goes on to the end, and may have escapes or not."""
    place, *rest = _QUERY.split(source, maxsplit=1)
    if rest and unquote(rest[0]).strip():
        return Location(place, "database", "the query", query=unquote(rest[0]))
    place, mark, table = source.rpartition("#")
    if rest or not (mark and unquote(table).strip()):
        found = "?query= without a query" if rest else "# without a table" if mark else "neither"
        msg = (
            f"expected the URL of a {scheme} database with the table at its end, as #table or #schema.table, or a "
            f"query, as ?query=SELECT ..., found {found}"
        )
        raise InputError(msg)
    if "@" in table or "?" in table:  # the # is one of the password, or parameters come too late
        msg = (
            f"expected the URL of a {scheme} database to end in #table, found @ or ? after #: write parameters before "
            "#, and in a name or password @ as %40, # as %23 and ? as %3F"
        )
        raise InputError(msg)
    table = unquote(table)
    return Location(place, "database", f"the table {table!r}", table=table)


def _without_secrets(source: str) -> str:
    """Return a URL without user, password and what follows a question mark, such as a signature."""
    parts = []
    for part in re.split(r"::(?=[a-z][a-z0-9_+.-]*://)", source):  # such as a file in an archive at a URL
        before, mark, after = part.partition("://")
        host, slash, path = after.partition("?")[0].partition("/")
        parts.append(f"{before}{mark}{host.rpartition('@')[2]}{slash}{path}")
    return "::".join(parts)


def _check_url(source: str) -> None:
    """Refuse a URL whose password may be cut in two by a sign in it, before a message repeats a part."""
    if ":" in _authority(source) and source.count("@") > _authority(source).count("@"):
        msg = (
            "expected @ in a URL before the host alone, found it later: in a name, a password or a path, write @ as "
            "%40, / as %2F, # as %23 and ? as %3F"
        )
        raise InputError(msg)


def _authority(url: str) -> str:
    """Return the user, password, host and port of a URL, also of a malformed one."""
    return _AFTER_HOST.split(url.partition("://")[2], maxsplit=1)[0]


def _check_path(source: str) -> None:
    """Refuse what is no path, before a message repeats it, and a SQLite file, which is no table."""
    try:
        is_there = Path(source).exists()
    except (OSError, ValueError):
        is_there = False
    if not is_there and (_SETTINGS.search(source) or ("@" in source and not has_known_suffix(source))):
        msg = (
            "expected a file or a URL, found settings of a connection: write a database as postgresql://host/name#table"
        )
        raise InputError(msg)
    if is_there and _is_sqlite(Path(source)):
        msg = f"{source} is a SQLite database: name one of its tables, as sqlite:///{source}#table"
        raise InputError(msg)


def _is_sqlite(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:  # opening it as a table says why
        return False


def check_is_file(location: Location, what: str) -> None:
    """Refuse what is not a file.

    Raises
    ------
    DataError
        Saying what it is.
    """
    if location.kind in {"database", "service"}:
        msg = f"{location.name}: expected a file for {what}, found a {location.kind}"
        raise DataError(msg)
