"""The pages of operations in a real browser, on a phone and on a desk, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from closedloop.sandbox.http import LocalServer
from closedloop_server.access import Role


@pytest.fixture(scope="module")
def url(watched: Any) -> Iterator[str]:
    """The site on a local port."""
    with LocalServer(watched.app) as server:
        yield server.url


@pytest.fixture
def tab(browser: Any, url: str, watched: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An admin's tab; the parameter gives width and colour scheme. What the console says is an error."""
    width, scheme = getattr(request, "param", (1280, "light"))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, base_url=url, reduced_motion="reduce"
    )
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.goto("/login")
    page.get_by_label("Access token").fill(watched.tokens[Role.ADMIN])
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()
    assert [each for each in said if not each.startswith("net::ERR_ABORTED")] == []


@pytest.mark.parametrize("tab", [(360, "light"), (390, "dark"), (1280, "light")], indirect=True, ids=str)
def test_no_page_scrolls_sideways(tab: Any, too_wide: Any, page_addresses: list[str]) -> None:
    for address in page_addresses:
        tab.goto(address)
        tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert too_wide(tab) == [], address


@pytest.mark.parametrize("tab", [(1280, "light"), (1280, "dark"), (390, "dark")], indirect=True, ids=str)
def test_all_text_stands_out_from_what_is_behind_it(
    tab: Any, too_faint: Any, page_addresses: list[str]
) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large text."""
    for address in page_addresses:
        tab.goto(address)
        assert too_faint(tab) == [], address


@pytest.mark.parametrize("tab", [(390, "light")], indirect=True, ids=str)
def test_fingers_find_the_controls(tab: Any, page_addresses: list[str]) -> None:
    """WCAG 2.2, 2.5.8: 24 pixels at least."""
    for address in page_addresses:
        tab.goto(address)
        small = tab.evaluate(
            "[...document.querySelectorAll('button, select, input:not([type=hidden]), nav a, summary')]"
            ".filter(each => { const box = each.getBoundingClientRect();"
            " return box.width > 1 && (box.height < 24 || box.width < 24) })"
            ".map(each => each.outerHTML.slice(0, 80))"
        )
        assert small == [], address


def test_a_question_is_answered_with_the_keyboard_alone(tab: Any) -> None:
    tab.goto("/operations/connections")
    tab.get_by_role("button", name="Read everything again…").first.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/read-again")
    assert tab.get_by_role("heading", level=1).inner_text().startswith("Read everything of")
    tab.get_by_role("link", name="No, go back").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/operations/connections")


@pytest.mark.parametrize("tab", [(390, "light"), (1280, "light")], indirect=True, ids=str)
def test_every_page_is_a_click_away(tab: Any) -> None:
    tab.goto("/")
    tab.get_by_role("link", name="Operations").click()
    for name in ("Connections", "Inbox", "Deliveries", "Subscriptions", "Tokens", "Audit", "System"):
        tab.get_by_role("navigation", name="Operations").get_by_role("link", name=name).click()
        assert tab.get_by_role("heading", level=1).inner_text() == name
