"""Every figure is a link to the records behind it, and those add up to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from lxml import html

from closedloop.schema.vocabulary import AttributionModel

Page = Callable[[str], html.HtmlElement]
CAMPAIGN = "/campaigns/salesforce-emea/701Qy0000000000AAA"


def _figures(page: html.HtmlElement) -> dict[str, Decimal]:
    """The exact value of each figure, by the address it links to."""
    return {
        link.get("href"): Decimal(link.get("title").removeprefix("Exactly "))
        for link in page.xpath('//a[@class="number"][@title]')
    }


def _sum(page: html.HtmlElement) -> Decimal:
    (strong,) = page.xpath('//section[@id="decisions"]//p[@class="sum"]/strong')
    return Decimal(strong.get("title").removeprefix("Exactly "))


def _listed(page: Page, address: str) -> Decimal:
    """The shares in a list, added up over all its pages."""
    total = Decimal(0)
    while True:
        found = page(address)
        cells = found.xpath('//table[contains(@class, "decisions")]//span[@class="number"]')
        total += sum((Decimal(cell.get("title").removeprefix("Exactly ")) for cell in cells), Decimal(0))
        onward = found.xpath('//a[@rel="next"]')
        if not onward:
            return total
        address = onward[0].get("href")


@pytest.mark.parametrize("model", list(AttributionModel))
@pytest.mark.parametrize("address", [CAMPAIGN, "/unattributed"])
def test_each_figure_of_a_page_leads_to_decisions_that_add_up_to_it(
    page: Page, address: str, model: AttributionModel
) -> None:
    figures = _figures(page(f"{address}?model={model}"))
    assert len(figures) >= 10
    for link, value in figures.items():
        assert _sum(page(link)) == value, link
        assert f"model={model}" in link


def test_each_figure_of_the_list_leads_to_decisions_that_add_up_to_it(page: Page) -> None:
    figures = _figures(page("/?model=linear&q=webinar"))
    assert len(figures) >= 20
    for link, value in figures.items():
        assert _sum(page(link)) == value, link


@pytest.mark.parametrize(
    "search", ["", "&q=a", "&connection=hubspot-marketing", "&q=o&connection=salesforce-emea"]
)
def test_the_totals_lead_to_decisions_that_add_up_to_them(page: Page, search: str) -> None:
    found = page(f"/?model=linear{search}")
    tiles = found.xpath('//ul[@class="tiles"]//a[@class="number"]')
    assert len(tiles) == 6
    for tile in tiles:
        value = Decimal(tile.get("title").removeprefix("Exactly "))
        assert _sum(page(tile.get("href"))) == value


@pytest.mark.parametrize(
    "address",
    [
        f"{CAMPAIGN}?model=linear&outcome=lost",
        f"{CAMPAIGN}?model=linear",
        "/decisions?model=linear&outcome=accepted",
        "/decisions?model=first",
        "/unattributed?model=last",
    ],
)
def test_the_rows_of_a_list_add_up_to_its_sum(page: Page, address: str) -> None:
    assert _listed(page, address) == _sum(page(address)) > 0


@pytest.mark.parametrize("model", list(AttributionModel))
def test_the_totals_of_all_campaigns_and_the_rest_are_all_decisions(
    page: Page, model: AttributionModel
) -> None:
    found = page(f"/?model={model}")
    standing = Decimal(found.xpath('//section[@class="totals"]/p[@class="sum"]/strong')[0].text.split()[0])
    parts = found.xpath('//section[@class="totals"]/p[@class="sum"]/a')
    assert sum(Decimal(part.get("title").removeprefix("Exactly ")) for part in parts) == standing
    tiles = found.xpath('//ul[@class="tiles"]//a[@class="number"]')
    credited = sum(Decimal(tile.get("title").removeprefix("Exactly ")) for tile in tiles)
    assert credited == Decimal(parts[0].get("title").removeprefix("Exactly "))


def test_each_unmapped_reason_leads_to_the_decisions_that_give_it(page: Page) -> None:
    links = page("/unmapped?model=linear").xpath('//td/a[@class="number"]')
    assert len(links) >= 4
    for link in links:
        assert _sum(page(link.get("href"))) == Decimal(link.text)


def test_the_list_shows_every_campaign_once_over_its_pages(page: Page) -> None:
    names: list[str] = []
    address = "/?sort=name"
    while address:
        found = page(address)
        names += [link.get("href") for link in found.xpath('//th/a[@class="name"]')]
        onward = found.xpath('//a[@rel="next"]')
        address = onward[0].get("href") if onward else ""
    assert len(names) == len(set(names)) == 28
