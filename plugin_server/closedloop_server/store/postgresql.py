"""What is PostgreSQL's own: how it is reached, and how a machine that hangs or is cut off is noticed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url

from closedloop.errors import SettingsError

_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})

_IN_TOUCH = {
    # Seconds. A partition shows as silence: both ends give up after about ten seconds of it.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}

_SESSION = {
    "application_name": "closedloop",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    # A process that stops in the middle of a transaction keeps its locks no longer than this.
    "idle_in_transaction_session_timeout": "20s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}


def database_url(told: str) -> URL:
    """The URL with the driver that we use; SettingsError for any other database, or without the driver."""
    url = make_url(told)
    if url.drivername not in _SCHEMES:
        raise SettingsError(
            f"the database is of the kind {url.drivername!r}: expected a file name for SQLite, or "
            "postgresql://user@host/name",
            reason="unknown_database",
        )
    if find_spec("psycopg") is None or find_spec("procrastinate") is None:
        raise SettingsError(
            "PostgreSQL needs two libraries more: pip install 'closedloop[postgresql]'",
            reason="missing_library",
        )
    return url.set(drivername="postgresql+psycopg")


def open_postgresql(told: str) -> Engine:
    """An engine on a PostgreSQL database, READ COMMITTED."""
    engine = create_engine(
        database_url(told),
        # An error message must not carry a customer's data into the log: see also `_say_less`.
        hide_parameters=True,
        # As many as are in use at once when all work is done here: what is above is opened and closed again.
        pool_size=10,
        max_overflow=10,
        pool_timeout=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        connect_args={**_IN_TOUCH, "options": _options(make_url(told))},
    )
    event.listen(engine, "connect", _without_nul)
    event.listen(engine, "handle_error", _say_less)
    return engine


def conninfo(told: str, *, search_path: str) -> str:
    """The same address in the words of the driver, for a library that has its own connections and tables."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - an extra

    url = database_url(told)
    _, given = url.get_dialect()().create_connect_args(url)
    return make_conninfo(**{**given, **_IN_TOUCH, "options": f"{_options(url)} -c search_path={search_path}"})


def _options(url: URL) -> str:
    ours = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    given = url.query.get("options", "")
    return f"{ours} {given if isinstance(given, str) else ' '.join(given)}".rstrip()


def _say_less(context: ExceptionContext) -> None:
    """Takes out of an error what PostgreSQL adds to its first line: the details quote whole rows."""
    error: Any = context.original_exception
    first = getattr(getattr(error, "diag", None), "message_primary", None)
    told = context.sqlalchemy_exception
    if told is None or first is None:
        return
    error.args = (first,)
    told.args = (f"({type(error).__module__}.{type(error).__name__}) {first}",)


def _without_nul(connection: Any, _: Any) -> None:
    """Has every text stored, be there a NUL in it: PostgreSQL refuses it, and a CRM may hold one."""
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - an extra

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)

    connection.adapters.register_dumper(str, WithoutNul)
