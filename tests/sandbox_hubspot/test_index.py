"""The search index lags behind the portal, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal, random_lag

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def sandbox(clock: Any) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock) as running:
        running.portal.index_lag = 30
        yield running


@pytest.fixture
def seen(call: Callable[..., requests.Response]) -> Callable[..., dict[str, Any]]:
    """What a search shows: first names by id."""

    def search(**filters: str) -> dict[str, Any]:
        rows = [{"propertyName": k, "operator": "EQ", "value": v} for k, v in filters.items()]
        body = {"filterGroups": [{"filters": rows}] if rows else [], "properties": ["firstname"]}
        results = call("POST", f"{CONTACTS}/search", json=body).json()["results"]
        return {row["id"]: row["properties"]["firstname"] for row in results}

    return search


def test_a_new_record_is_found_late_and_read_at_once(hub: Any, portal: Portal, clock: Any, seen: Any) -> None:
    made = portal.create("contacts", {"firstname": "Ada"})
    assert hub.crm.contacts.basic_api.get_by_id(made, properties=["firstname"]).id == made
    assert [r.id for r in hub.crm.contacts.basic_api.get_page().results] == [made]
    clock.passes(29.9)
    assert seen() == {}
    clock.passes(0.2)
    assert seen() == {made: "Ada"}


def test_a_change_is_found_late(portal: Portal, clock: Any, seen: Any) -> None:
    made = portal.create("contacts", {"firstname": "Ada"})
    clock.passes(31)
    portal.update("contacts", made, {"firstname": "Grace"})
    clock.passes(10)
    portal.update("contacts", made, {"firstname": "Edith"})
    assert seen(firstname="Ada") == {made: "Ada"}
    assert seen(firstname="Edith") == {}
    clock.passes(21)
    assert seen() == {made: "Grace"}
    clock.passes(10)
    assert seen(firstname="Edith") == {made: "Edith"}


@pytest.mark.parametrize("way", ["delete", "merge", "privacy_delete"])
def test_a_record_that_is_gone_is_still_found_for_a_while(
    portal: Portal, clock: Any, seen: Any, way: str
) -> None:
    kept, gone = (portal.create("contacts", {"firstname": name}) for name in ("Kept", "Gone"))
    clock.passes(31)
    arguments = {"delete": ("contacts", gone), "merge": ("contacts", kept, gone), "privacy_delete": (gone,)}
    getattr(portal, way)(*arguments[way])
    assert seen(firstname="Gone") == {gone: "Gone"}
    clock.passes(31)
    assert seen(firstname="Gone") == {}
    assert list(seen().values()) == ["Kept"]


def test_a_random_lag_differs_by_record_and_not_by_run(portal: Portal, clock: Any, seen: Any) -> None:
    portal.index_lag = random_lag(5, 60, seed=7)
    made = [portal.create("contacts", {"firstname": f"P{n}"}) for n in range(8)]
    lags = {record: random_lag(5, 60, seed=7)(record) for record in made}
    assert len(set(lags.values())) == len(made)
    assert all(5 <= lag <= 60 for lag in lags.values())
    clock.passes(30)
    assert set(seen()) == {record for record, lag in lags.items() if lag <= 30}
    assert 0 < len(seen()) < len(made)


def test_nothing_lags_unless_it_is_told_to(portal: Portal, seen: Any) -> None:
    portal.index_lag = 0
    made = portal.create("contacts", {"firstname": "Ada"})
    assert seen() == {made: "Ada"}
