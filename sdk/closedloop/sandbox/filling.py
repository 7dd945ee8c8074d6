"""Puts a market of any size into a pair of sandboxes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world.market import Market
from closedloop.sandbox.world.populate import populate
from closedloop.sandbox.world.population import Population


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The market, the sandboxes that it lives in, and which of their records are which of its people."""

    market: Market
    population: Population
    salesforce: SalesforceSandbox
    hubspot: HubSpotSandbox


def market_of(people: int, *, seed: int = 1) -> Market:
    """The market of so many people, drawn from a seed; its past ends now."""
    return Market.of(people, seed=seed, start=datetime.now(UTC))


def fill(market: Market, *, salesforce: SalesforceSandbox | None, hubspot: HubSpotSandbox | None) -> Filled:
    """Fills both with the market, which lives in both CRMs: for one that is None, one that nobody can call is
    filled."""
    salesforce, hubspot = salesforce or SalesforceSandbox(), hubspot or HubSpotSandbox()
    population = populate(market, salesforce, hubspot)
    return Filled(market=market, population=population, salesforce=salesforce, hubspot=hubspot)
