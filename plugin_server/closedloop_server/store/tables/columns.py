"""What all tables share: their catalogue, and how times and exact numbers are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite itself keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is not None and value.utcoffset() is None:
            raise ValueError("a naive datetime names no instant: give it a time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from a CRM or a stranger, of any length. What no database keeps (NUL, half a surrogate pair) is
    replaced.

    SQLite, which minds no lengths, goes on calling a column `VARCHAR(length)`: its tables stay as they are.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _words(dialect, self.length)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else storable(value)


def _words(dialect: Dialect, length: int | None) -> TypeEngine[Any]:
    return String(length) if length and dialect.name == "sqlite" else Text()


def storable(text: str) -> str:
    """The text as a database takes it."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Exact(TypeDecorator[Decimal]):
    """A Decimal kept as text: SQLite has no exact numbers."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _words(dialect, 40)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else Decimal(value)


Number = BigInteger().with_variant(Integer(), "sqlite")
"""Counts up for ever. SQLite's integers are as wide, and it numbers rows by itself only as INTEGER."""

ENCRYPTED = {"encrypted": True}
"""`Column(…, info=ENCRYPTED)` holds what `Cipher.encrypt` made; a change of the key finds it by this mark."""


def is_encrypted(column: Column[Any]) -> bool:
    """Whether the column holds encrypted secrets."""
    return bool(column.info.get("encrypted"))
