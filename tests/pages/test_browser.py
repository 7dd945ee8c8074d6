"""The pages in a real browser, on a phone and on a desk, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.sandbox.http import LocalServer
from closedloop_server.access import digest, make_link
from closedloop_server.store.engine import writing

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
"""When the company's site believes it is: a link is good for some minutes."""

CAMPAIGN = "/campaigns/salesforce-emea/701Qy0000000000AAA?model=linear"
UNBROKEN = "/campaigns/salesforce-emea/701Qy0000000011AAA?model=linear"
ADDRESSES = [
    "/?model=linear",
    "/?delivery=refused",
    CAMPAIGN,
    UNBROKEN,
    "/decisions?outcome=won",
    "/unattributed",
    "/unmapped",
]


@pytest.fixture(scope="module")
def url(site: Any) -> Iterator[str]:
    """The company's site on a local port."""
    with LocalServer(site.app) as server:
        yield server.url


@pytest.fixture
def tab(browser: Any, url: str, site: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A signed-in tab; the parameter gives width and colour scheme. What the console says is an error."""
    width, scheme = getattr(request, "param", (1280, "light"))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, base_url=url, reduced_motion="reduce"
    )
    page = context.new_page()
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda asked: said.append(f"{asked.failure}: {asked.url}"))
    page.goto(_link(site))
    assert page.url == f"{url}/", "a link that was typed in signs in at once"
    yield page
    context.close()
    # Leaving a page stops what it was still loading.
    assert [each for each in said if not each.startswith("net::ERR_ABORTED")] == []


def _link(site: Any) -> str:
    """A link that signs in once."""
    with writing(site.engine) as connection:
        return make_link(connection, digest(site.token), now=NOW)


SIZES = [(360, "light"), (390, "dark"), (1280, "light")]


@pytest.mark.parametrize("tab", SIZES, indirect=True, ids=str)
def test_no_page_scrolls_sideways_even_with_everything_unfolded(tab: Any, too_wide: Any) -> None:
    for address in ADDRESSES:
        tab.goto(address)
        tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert too_wide(tab) == [], address


@pytest.mark.parametrize("tab", [(1280, "light"), (1280, "dark"), (390, "dark")], indirect=True, ids=str)
def test_all_text_stands_out_from_what_is_behind_it(tab: Any, too_faint: Any) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large text."""
    for address in ADDRESSES:
        tab.goto(address)
        assert too_faint(tab) == [], address


SEGMENTS = """() => {
  const light = text => text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll('.totals > svg.bar rect')].map(each => {
    const own = light(getComputedStyle(each).fill);
    return (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05);
  });
}"""


@pytest.mark.parametrize("tab", [(1280, "light"), (1280, "dark")], indirect=True, ids=str)
def test_the_bars_stand_out_from_the_page(tab: Any) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for graphics."""
    tab.goto("/?model=linear")
    ratios = tab.evaluate(SEGMENTS)
    assert len(ratios) == 6
    assert min(ratios) >= 3


def test_the_keyboard_reaches_everything_and_shows_where_it_is(tab: Any) -> None:
    tab.goto(CAMPAIGN)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#main"
    seen = set()
    for _ in range(36):  # a date has several stops of its own
        tab.keyboard.press("Tab")
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        seen.add(tab.evaluate("[...document.all].indexOf(document.activeElement)"))
        assert outline != "none"
    assert len(seen) >= 30


def test_a_click_on_a_number_shows_the_decisions_behind_it(tab: Any) -> None:
    tab.goto(CAMPAIGN)
    link = tab.locator(".why a.number").nth(1)
    value = link.get_attribute("title")
    link.click()
    assert tab.locator("#decisions .sum strong").get_attribute("title") == value
    assert tab.evaluate("document.querySelector('#decisions').getBoundingClientRect().top") < 400


def test_searching_signing_out_and_signing_in_work_by_hand(tab: Any, site: Any) -> None:
    tab.goto("/")
    tab.get_by_label("Search").fill("webinar")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert tab.locator("table.campaigns tbody tr").count() >= 2
    tab.get_by_role("button", name="Sign out", exact=True).click()
    assert tab.url.endswith("/login")
    tab.get_by_label("Access token").fill(site.token)
    tab.get_by_role("button", name="Sign in").click()
    assert tab.locator("table.campaigns tbody tr").count() == 25


@pytest.mark.parametrize("tab", [(390, "light")], indirect=True, ids=str)
def test_fingers_find_the_controls(tab: Any) -> None:
    """WCAG 2.2, 2.5.8: 24 pixels at least."""
    for address in ("/", CAMPAIGN):
        tab.goto(address)
        small = tab.evaluate(
            "[...document.querySelectorAll('button, select, input:not([type=hidden]), nav a, summary')]"
            ".filter(each => { const box = each.getBoundingClientRect();"
            " return box.width > 1 && (box.height < 24 || box.width < 24) })"
            ".map(each => each.outerHTML.slice(0, 80))"
        )
        assert small == []


def test_a_printed_page_leaves_the_controls_out(tab: Any) -> None:
    tab.goto(CAMPAIGN)
    tab.emulate_media(media="print")
    for selector in (".filters", ".switch", ".sign-out"):
        assert not tab.locator(selector).first.is_visible()
    assert tab.locator("h1").is_visible()


@pytest.mark.parametrize("tab", [(1280, "light")], indirect=True, ids=str)
def test_a_printed_table_is_a_table(tab: Any) -> None:
    tab.emulate_media(media="print")
    tab.goto("/")
    shown = "[...document.querySelectorAll('tr')].map(each => getComputedStyle(each).display)"
    assert set(tab.evaluate(shown)) == {"table-row"}
