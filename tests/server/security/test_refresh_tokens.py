"""Refresh tokens that the CRM changes with every use: the newest is used, by one process at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import RetryableError, SettingsError
from closedloop.mapping import load_mappings
from closedloop_server.encryption import Cipher, rotate
from closedloop_server.services import connect_all
from closedloop_server.store.credentials import KeptRefreshTokens

if TYPE_CHECKING:
    from tests.server.conftest import Loop


class Rotating:
    """A CRM that voids a refresh token when it is used, and ends everything when a void one is."""

    def __init__(self, first: str) -> None:
        self.valid = first
        self.uses = 0
        self._lock = threading.Lock()

    def change(self, used: str) -> str:
        with self._lock:
            assert used == self.valid, "the CRM takes this for a theft"
            self.uses += 1
            self.valid = f"r{self.uses}"
            return self.valid


def kept(loop: Loop, key: str = "key", pause: Callable[[float], None] | None = None) -> KeptRefreshTokens:
    waits = pause or (lambda _: None)
    return KeptRefreshTokens(loop.engine, Cipher([key]), "sales", clock=loop.clock, pause=waits)


def refresh(tokens: KeptRefreshTokens, crm: Rotating, given: str = "given") -> None:
    with tokens.using(given) as used:
        used.keep(crm.change(used.value))


def test_the_newest_one_is_used_after_a_restart(loop: Loop) -> None:
    crm = Rotating("given")
    for _ in range(3):
        refresh(kept(loop), crm)
    assert crm.uses == 3
    (row,) = loop.rows("credentials")
    assert row["refresh_token"] not in {"given", "r1", "r2", "r3"}, "it is stored encrypted"


def test_a_new_one_in_the_settings_comes_first(loop: Loop) -> None:
    refresh(kept(loop), Rotating("given"))
    another = Rotating("another")
    refresh(kept(loop), another, given="another")
    refresh(kept(loop), another, given="another")
    assert another.uses == 2


def test_many_processes_never_use_one_twice(loop: Loop) -> None:
    crm = Rotating("given")

    def pause() -> None:
        threading.Event().wait(0.01)

    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(refresh, kept(loop, pause=lambda _: pause()), crm) for _ in range(12)]:
            each.result()
    assert crm.uses == 12


def test_who_dies_while_using_it_leaves_it_after_a_while(loop: Loop) -> None:
    dead = kept(loop).using("given")
    dead.__enter__()
    with pytest.raises(RetryableError) as caught:
        refresh(kept(loop), Rotating("given"))
    assert caught.value.reason == "token_in_use"
    loop.clock.pass_(minutes=3)
    refresh(kept(loop), Rotating("given"))
    dead.__exit__(None, None, None)


def test_it_is_left_when_the_crm_refuses(loop: Loop) -> None:
    with pytest.raises(ZeroDivisionError), kept(loop).using("given"):
        _ = 1 / 0
    refresh(kept(loop), Rotating("given"))


def test_a_changed_key_does_not_lose_it(loop: Loop) -> None:
    crm = Rotating("given")
    refresh(kept(loop, "old"), crm)
    assert rotate(loop.engine, Cipher(["new", "old"])) == 1
    refresh(kept(loop, "new"), crm)
    with pytest.raises(SettingsError):
        refresh(kept(loop, "a third"), crm)


def test_connections_with_a_refresh_token_keep_it_in_the_database(loop: Loop) -> None:
    settings = loop.services.settings
    sales, marketing = settings.connections
    credentials = SalesforceCredentials(
        login_url="https://x.my.salesforce.com", client_id="app", refresh_token="given"
    )
    settings = replace(settings, connections=(replace(sales, credentials=credentials), marketing))
    crms = connect_all(settings, load_mappings(), engine=loop.engine, clock=lambda: datetime.now(UTC))
    assert set(crms) == {"sales", "marketing"}
