"""The newest refresh token of each connection whose CRM changes it, for all processes together.

Salesforce, with refresh token rotation, voids a refresh token when it is used, and takes the use of a void
one as a theft that ends all tokens of the app. So one process at a time uses it, and the next one is stored
before anything else happens. Nothing is locked in the database meanwhile: who uses it stands in the row,
and is believed until a time that no call to a CRM outlasts.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, select, update

from closedloop.errors import RetryableError
from closedloop_server.encryption import Cipher
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import insert_new
from closedloop_server.store.tables import credentials

_HELD = timedelta(minutes=3)
"""Longer than the CRM is waited for. A process that died in between leaves it for so long."""
_PATIENCE = 30.0
_PAUSE = 0.2


@dataclass(slots=True)
class _Used:
    """The refresh token while this process alone uses it."""

    value: str
    keep: Callable[[str], None]


class KeptRefreshTokens:
    """The refresh tokens of the connection `name`, kept in the database, encrypted."""

    def __init__(
        self,
        engine: Engine,
        cipher: Cipher,
        name: str,
        *,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._cipher = cipher
        self._name = name
        self._clock = clock
        self._pause = pause

    @contextmanager
    def using(self, given: str) -> Iterator[_Used]:
        """The newest one, while nobody else uses it; RetryableError when somebody does for too long.

        `given`, the settings' one, comes first when it is not the one that the stored one came from.
        """
        holder = self._take()
        try:
            yield _Used(self._newest(given), lambda changed: self._keep(given, changed))
        finally:
            self._leave(holder)

    def _take(self) -> str:
        holder = uuid.uuid4().hex
        for _ in range(int(_PATIENCE / _PAUSE)):
            if self._is_mine(holder):
                return holder
            self._pause(_PAUSE)
        raise RetryableError(
            f"another process is renewing the token of “{self._name}”: it takes unusually long",
            reason="token_in_use",
        )

    def _is_mine(self, holder: str) -> bool:
        now = self._clock()
        free = or_(credentials.c.held_until.is_(None), credentials.c.held_until <= now)
        with writing(self._engine) as connection:
            insert_new(connection, credentials, [{"connection": self._name}])
            taken = (
                update(credentials)
                .where(credentials.c.connection == self._name, free)
                .values(holder=holder, held_until=now + _HELD)
            )
            return connection.execute(taken).rowcount == 1

    def _newest(self, given: str) -> str:
        with reading(self._engine) as connection:
            row = connection.execute(
                select(credentials.c.given, credentials.c.refresh_token).where(
                    credentials.c.connection == self._name
                )
            ).one()
        if row.refresh_token is None or row.given != _digest(given):
            return given
        return self._cipher.decrypt(row.refresh_token)

    def _keep(self, given: str, changed: str) -> None:
        values = {
            "given": _digest(given),
            "refresh_token": self._cipher.encrypt(changed),
            "changed_at": self._clock(),
        }
        with writing(self._engine) as connection:
            mine = credentials.c.connection == self._name
            connection.execute(update(credentials).where(mine).values(values))

    def _leave(self, holder: str) -> None:
        with writing(self._engine) as connection:
            mine = (credentials.c.connection == self._name, credentials.c.holder == holder)
            connection.execute(update(credentials).where(*mine).values(holder=None, held_until=None))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
