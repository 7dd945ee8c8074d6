"""What every page owes a browser: valid markup, nothing inline, names that stay names."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

Page = Callable[[str], html.HtmlElement]

CAMPAIGN = "/campaigns/salesforce-emea/701Qy0000000000AAA"
MARKED_UP = "/campaigns/salesforce-emea/701Qy0000000006AAA"
PAGES = [
    "/",
    "/?model=linear&q=webinar&sort=name",
    "/?q=zzz",
    "/?delivery=refused",
    CAMPAIGN,
    f"{CAMPAIGN}?model=linear&outcome=lost&reason=price",
    MARKED_UP,
    "/campaigns/salesforce-emea/701Qy0000000015AAA",
    "/decisions?outcome=won",
    "/unattributed",
    "/unmapped",
]
VOID = {"meta", "link", "input", "br", "img", "hr"}


class _Checker(HTMLParser):
    """Notes tags that are closed in the wrong order or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's signature
        if tag not in VOID | {"path", "rect", "circle"}:
            self.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}, line {self.getpos()[0]}")
        else:
            self.open.pop()


@pytest.mark.parametrize("address", PAGES)
def test_every_tag_is_closed_where_it_was_opened(client: FlaskClient, address: str) -> None:
    checker = _Checker()
    checker.feed(client.get(address).get_data(as_text=True))
    assert checker.faults == []
    assert checker.open == []


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_built_the_way_assistive_tools_expect(page: Page, address: str) -> None:
    found = page(address)
    assert found.get("lang") == "en"
    assert len(found.xpath("//h1")) == 1
    assert len(found.xpath("//main")) == 1
    assert found.xpath("//title")[0].text.endswith("· Closed Loop")
    ids = found.xpath("//@id")
    assert len(ids) == len(set(ids))
    for named in found.xpath("//@aria-labelledby"):
        assert named in ids
    for table in found.xpath("//table"):
        assert table.xpath("./caption")
        assert not table.xpath(".//th[not(@scope)]")
    for field in found.xpath('//input[not(@type="hidden")] | //select'):
        assert field.xpath("ancestor::label") or found.xpath(f'//label[@for="{field.get("id")}"]')
    for picture in found.xpath("//svg"):
        assert picture.get("aria-hidden") == "true" or picture.get("aria-label", "").strip()


@pytest.mark.parametrize("address", [*PAGES, "/login"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client: FlaskClient, address: str) -> None:
    answer = client.get(address, follow_redirects=True)
    found: Any = html.document_fromstring(answer.get_data(as_text=True))
    assert found.xpath("//script | //style | //@style | //iframe | //object") == []
    assert [name for element in found.iter() for name in element.attrib if name.startswith("on")] == []
    for address_ in found.xpath("//@href | //@src | //@action"):
        assert re.match(r"[/#](?!/)", address_), address_
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "address",
    [
        "/?q=script",
        MARKED_UP,
        "/decisions?q=%3Cscript%3E",
        "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/?connection=%3Cscript%3Ealert(1)%3C/script%3E",
        "/decisions?raw=%3Cscript%3E&source=%3Cscript%3E",
        "/nothing/%3Cscript%3E",
        "/?sort=%3Cscript%3E",
        "/login?next=%22%3E%3Cscript%3E&link=%3Cscript%3E",
    ],
)
def test_markup_in_names_and_addresses_stays_text(client: FlaskClient, address: str) -> None:
    text = client.get(address).get_data(as_text=True)
    assert "<script" not in text
    assert "<i>Ask" not in text


def test_the_name_with_markup_is_shown_as_it_is(page: Page, seed: Any) -> None:
    (heading,) = page(MARKED_UP).xpath("//h1")
    assert heading.text == seed.MARKUP


def test_the_style_sheet_is_kept_by_browsers_until_it_changes(client: FlaskClient, page: Page) -> None:
    (sheet,) = page("/").xpath('//link[@rel="stylesheet"]/@href')
    answer = client.get(sheet)
    assert answer.status_code == 200
    assert "max-age=2592000" in answer.headers["Cache-Control"]
    assert "?v=" in sheet
    answer.close()
