"""Encrypts the secrets that the database keeps, so that a copy of the database alone opens nothing.

A secret is stored as a Fernet token (AES-128-CBC with an HMAC-SHA256 over all of it), under a key that is
derived from the settings' `secret_key` with HKDF and used for nothing else. After `secret_key` was changed,
what was encrypted under one of `previous_secret_keys` still opens, and `closedloop secrets rotate` encrypts
it anew.

https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, Engine, Table, and_, select, update

from closedloop.errors import SettingsError
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import chunks
from closedloop_server.store.tables import metadata
from closedloop_server.store.tables.columns import is_encrypted

_PURPOSE = b"closedloop: secrets in the database"
_PORTION = 100


class Cipher:
    """Encrypts with the first of the keys, and decrypts what any of them encrypted."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise SettingsError(
                "a secret key is needed to keep secrets: none is empty", reason="missing_secret"
            )
        opened = [Fernet(_derived(key)) for key in keys]
        self._newest = opened[0]
        self._any = MultiFernet(opened)

    def encrypt(self, text: str) -> str:
        """The text, readable only with the key; the same text looks different every time."""
        return self._newest.encrypt(text.encode()).decode("ascii")

    def decrypt(self, stored: str) -> str:
        """The text that was encrypted; SettingsError when none of the keys did it, or somebody changed it."""
        try:
            return self._any.decrypt(stored.encode("ascii")).decode()
        except (InvalidToken, UnicodeError) as exc:
            raise SettingsError(
                "a stored secret cannot be read with secret_key: put the key it was stored with into "
                "previous_secret_keys, or store the secret again",
                reason="wrong_secret_key",
            ) from exc

    def can_read(self, stored: str) -> bool:
        """Whether one of the keys encrypted this."""
        try:
            self.decrypt(stored)
        except SettingsError:
            return False
        return True

    def is_newest(self, stored: str) -> bool:
        """Whether this was encrypted with the first of the keys."""
        try:
            self._newest.decrypt(stored.encode("ascii"))
        except (InvalidToken, UnicodeError):
            return False
        return True


def _derived(key: str) -> bytes:
    """A key of its own for this purpose: what signs the sessions must not open the secrets."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))


def rotate(engine: Engine, cipher: Cipher) -> int:
    """Encrypts every stored secret with the newest key and returns how many were not; may be repeated."""
    return sum(
        _rotate(engine, cipher, table, column)
        for table in metadata.sorted_tables
        for column in table.columns
        if is_encrypted(column)
    )


def _rotate(engine: Engine, cipher: Cipher, table: Table, column: Column[Any]) -> int:
    with reading(engine) as connection:
        found = connection.execute(select(*table.primary_key, column).where(column.is_not(None))).all()
    old = [row for row in found if not cipher.is_newest(row[-1])]
    done = 0
    for portion in chunks(old, _PORTION):
        with writing(engine) as connection:
            for *key, stored in portion:
                here = (own == value for own, value in zip(table.primary_key, key, strict=True))
                # Only what was read: somebody may have stored a new secret meanwhile, with the newest key.
                unchanged = and_(*here, column == stored)
                anew = cipher.encrypt(cipher.decrypt(stored))
                done += connection.execute(
                    update(table).where(unchanged).values({column.name: anew})
                ).rowcount
    return done
