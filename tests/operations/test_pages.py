"""What the pages of operations show, and what their forms do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import html
from sqlalchemy import select

from closedloop_server.access import Role
from closedloop_server.store import audit, deliveries, readings
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import cursors, delivered, desired, inbox, tokens

SALES = "salesforce-emea"
FIRST_DAY = {
    "/operations/": "Nothing waits",
    "/operations/connections": "not begun",
    "/operations/inbox": "Nothing came in yet",
    "/operations/deliveries": "Nothing waits",
    "/operations/deliveries?state=refused": "Nothing is refused",
    "/operations/deliveries?state=changed": "Nothing was changed by hand",
    "/operations/subscriptions": "Nobody is told yet",
    "/operations/tokens": "the admin",
}


@pytest.fixture
def browse(operated: Any, form_of: Callable[..., str]) -> Any:
    """An admin's browser that opens pages and sends their forms."""
    client = operated.client(Role.ADMIN)

    def opened(address: str, **form: Any) -> Any:
        if form:
            answer = client.post(address, data={"form": form_of(client), **form}, follow_redirects=True)
        else:
            answer = client.get(address)
        assert answer.status_code == 200, answer.get_data(as_text=True)[-800:]
        return html.document_fromstring(answer.get_data(as_text=True))

    return opened


def _entries(site: Any) -> list[tuple[str, str, str]]:
    with reading(site.engine) as connection:
        return [(each.who, each.action, each.target) for each in audit.entries(connection, limit=3)]


def _said(page: Any) -> str:
    return " ".join(page.xpath("string(//p[@class='notice'])").split())


@pytest.mark.parametrize("address", FIRST_DAY)
def test_on_the_first_day_a_page_says_what_will_be_there(empty: Any, address: str) -> None:
    answer = empty.client(Role.ADMIN).get(address)
    assert answer.status_code == 200
    assert FIRST_DAY[address] in answer.get_data(as_text=True)


def test_nothing_that_came_from_outside_becomes_markup(watched: Any, page_addresses: list[str]) -> None:
    client = watched.client(Role.ADMIN)
    for address in page_addresses:
        text = client.get(address).get_data(as_text=True)
        assert "<script" not in text, address
        assert " style=" not in text, address


def test_every_page_has_one_heading_and_a_title_of_its_own(watched: Any, page_addresses: list[str]) -> None:
    client = watched.client(Role.ADMIN)
    for address in page_addresses:
        page: Any = html.document_fromstring(client.get(address).get_data(as_text=True))
        assert len(page.xpath("//h1")) == 1, address
        assert page.xpath("string(//title)").startswith(page.xpath("string(//h1)").strip()[:10]), address


@pytest.mark.parametrize(
    ("address", "link", "rows"),
    [
        ("/operations/inbox", "//tbody//a[@class='name']/@href", 120),
        ("/operations/inbox?state=waiting", "//tbody//a[@class='name']/@href", 5),
        ("/operations/inbox?connection=hubspot-marketing", "//tbody//a[@class='name']/@href", 40),
        ("/operations/inbox?since=2026-11-20T13:03", "//tbody//a[@class='name']/@href", 60),
    ],
)
def test_the_pages_of_the_inbox_hold_each_delivery_once(
    browse: Any, address: str, link: str, rows: int
) -> None:
    found: list[str] = []
    at: str | None = address
    while at:
        page = browse(at)
        found += page.xpath(link)
        at = next(iter(page.xpath("//a[@rel='next']/@href")), None)
    assert len(found) == len(set(found)) == rows


@pytest.mark.parametrize("state", ["waiting", "refused", "changed"])
def test_the_pages_of_the_deliveries_hold_as_many_as_they_say(browse: Any, state: str) -> None:
    address: str | None = f"/operations/deliveries?state={state}"
    found: list[str] = []
    said = ""
    while address:
        page = browse(address)
        said = page.xpath("string(//nav[@aria-label='State']//a[@aria-current])").split()[-1]
        table = page.xpath("//table[last()]")[-1]
        found += [row.text_content() for row in table.xpath(".//tbody/tr/th")]
        address = next(iter(page.xpath("//a[@rel='next']/@href")), None)
    assert len(found) == len(set(found)) == int(said.replace(",", ""))
    assert found


def test_a_body_is_shown_as_text(browse: Any) -> None:
    shown = browse("/operations/inbox/119").xpath("string(//pre)")
    assert '<script>alert("1")</script>' in shown
    assert '"objectId": 117' in browse("/operations/inbox/118").xpath("string(//pre)")


def test_an_emptied_body_says_why(browse: Any) -> None:
    assert "a person who was erased" in browse("/operations/inbox/3").text_content()


def test_one_delivery_is_read_once_more(browse: Any, operated: Any) -> None:
    page = browse("/operations/inbox/7/replay", some="thing")
    assert "Delivery 7 is read once more." in _said(page)
    assert _entries(operated)[0] == ("the admin", "inbox.replay", "")
    with reading(operated.engine) as connection:
        found = deliveries.one(connection, 7)
    assert found is not None
    assert found[0].state is deliveries.State.WAITING


def test_a_range_is_asked_about_before_it_is_read_once_more(browse: Any, operated: Any) -> None:
    asked = browse("/operations/inbox/replay", connection=SALES, state="unreadable")
    assert "could not be read" in asked.text_content()
    kept = {each.get("name"): each.get("value") for each in asked.xpath("//main//input[@type='hidden']")}
    assert kept["connection"] == SALES
    assert kept["sure"] == "yes"
    kept.pop("form")
    page = browse("/operations/inbox/replay", **kept)
    assert "1 delivery is read once more." in _said(page)
    with reading(operated.engine) as connection:
        again = connection.scalars(select(inbox.c.id).where(inbox.c.replays > 0)).all()
    assert list(again) == [80]


def test_reading_is_paused_resumed_and_begun_anew(browse: Any, operated: Any) -> None:
    def state() -> readings.State:
        with reading(operated.engine) as connection:
            return readings.progress(connection, SALES).state

    assert "is paused" in _said(browse(f"/operations/connections/{SALES}/pause", a="b"))
    assert state() is readings.State.PAUSED
    assert "goes on" in _said(browse(f"/operations/connections/{SALES}/resume", a="b"))
    assert state() is readings.State.FOLLOWING
    asked = browse(f"/operations/connections/{SALES}/read-again", a="b")
    assert "cannot be called back" in asked.text_content()
    assert state() is readings.State.FOLLOWING
    assert "from the beginning" in _said(browse(f"/operations/connections/{SALES}/read-again", sure="yes"))
    assert state() is readings.State.NEVER
    assert [action for _, action, _ in _entries(operated)] == [
        "connection.read_again",
        "connection.resume",
        "connection.pause",
    ]


def test_the_calls_of_a_day_stand_beside_what_is_allowed(browse: Any) -> None:
    page = browse("/operations/connections")
    told = {
        name: " ".join(
            page.xpath(f"string(//section[@id='c-{name}']//h3[.='Calls']/following-sibling::dl//dd)").split()
        )
        for name in (SALES, "hubspot-marketing")
    }
    assert told == {SALES: "1,204, no limit set", "hubspot-marketing": "4,990 of 5,000"}


def test_every_page_lets_a_person_sign_out_on_all_devices(operated: Any, form_of: Callable[..., str]) -> None:
    here, there = operated.client(Role.VIEWER), operated.client(Role.VIEWER)
    page: Any = html.document_fromstring(here.get("/").get_data(as_text=True))
    (form,) = page.xpath("//footer//form")
    assert here.post(form.get("action"), data=dict(form.fields)).status_code == 303
    assert there.get("/").status_code == 303


def test_a_connection_that_the_settings_do_not_name_is_not_touched(operated: Any, form_of: Any) -> None:
    client = operated.client(Role.ADMIN)
    answer = client.post("/operations/connections/other/pause", data={"form": form_of(client)})
    assert answer.status_code == 404
    with reading(operated.engine) as connection:
        names = connection.scalars(select(cursors.c.connection)).all()
    assert "other" not in names


def test_what_was_refused_is_tried_again(browse: Any, operated: Any) -> None:
    def refused() -> set[str]:
        query = select(delivered.c.key).where(
            delivered.c.connection == SALES, delivered.c.delivery == "refused"
        )
        with reading(operated.engine) as connection:
            return set(connection.scalars(query))

    before = refused()
    page = browse("/operations/deliveries?state=refused")
    key = page.xpath("string(//input[@name='key']/@value)")
    assert "1 value is tried again." in _said(
        browse("/operations/deliveries/try-again", connection=SALES, key=key)
    )
    assert before - refused() == {key}
    with reading(operated.engine) as connection:
        waits = connection.scalar(
            select(desired.c.waits).where(desired.c.connection == SALES, desired.c.key == key)
        )
    assert waits is True
    many = {"connection": SALES, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    assert "Tell salesforce-emea again?" in browse("/operations/deliveries/try-again", **many).text_content()
    browse("/operations/deliveries/try-again", **many, sure="yes")
    page = browse("/operations/deliveries?state=refused")
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" not in page.text_content()
    assert _entries(operated)[0] == ("the admin", "delivery.try_again", SALES)


def test_a_token_is_shown_once_and_revoked_after_a_question(browse: Any, operated: Any) -> None:
    made = browse("/operations/tokens", name="reporting", role="viewer", days="30")
    token = made.xpath("string(//section[@class='made']//code)")
    assert token.startswith("cl_")
    assert token not in browse("/operations/tokens").text_content()
    headers = {"Authorization": f"Bearer {token}"}
    ask = operated.app.test_client().get
    assert ask("/api/v1/reasons", headers=headers).status_code == 200
    assert "signed out" in browse("/operations/tokens/revoke", name="reporting").text_content()
    assert ask("/api/v1/reasons", headers=headers).status_code == 200
    assert "is revoked" in _said(browse("/operations/tokens/revoke", name="reporting", sure="yes"))
    assert ask("/api/v1/reasons", headers=headers).status_code == 401
    assert [action for _, action, _ in _entries(operated)][:2] == ["token.revoke", "token.create"]


def test_a_token_without_a_name_is_not_made(operated: Any, form_of: Any) -> None:
    client = operated.client(Role.ADMIN)
    with reading(operated.engine) as connection:
        before = len(connection.execute(select(tokens)).all())
    form = {"form": form_of(client), "name": "  ", "role": "viewer", "days": "30"}
    answer = client.post("/operations/tokens", data=form)
    assert answer.status_code == 400
    assert "needs a name" in answer.get_data(as_text=True)
    assert client.post("/operations/tokens", data={**form, "role": "emperor"}).status_code == 400
    with reading(operated.engine) as connection:
        assert len(connection.execute(select(tokens)).all()) == before


def test_a_subscription_is_paused_resumed_and_removed(browse: Any) -> None:
    address = "/operations/subscriptions/sub_111111111111111111111111"
    assert "active" in _said(browse(f"{address}/resume", a="b"))
    assert "paused" in _said(browse(f"{address}/pause", a="b"))
    assert "cannot be undone" in browse(f"{address}/remove", a="b").text_content()
    assert "is removed" in _said(browse(f"{address}/remove", sure="yes"))
    assert "sub_1111" not in html.tostring(browse("/operations/subscriptions")).decode()


def test_a_new_secret_is_shown_once(browse: Any) -> None:
    address = "/operations/subscriptions/sub_111111111111111111111111"
    assert "Make a new secret for" in browse(f"{address}/rotate", a="b").text_content()
    secret = browse(f"{address}/rotate", sure="yes").xpath("string(//section[@class='made']//code)")
    assert secret.startswith("whsec_")
    assert secret not in browse(address).text_content()


def test_a_subscription_that_cannot_be_made_says_why_and_keeps_what_was_typed(
    operated: Any, form_of: Any
) -> None:
    client = operated.client(Role.ADMIN)
    form = {
        "form": form_of(client),
        "name": "Billing",
        "url": "http://127.0.0.1:9/",
        "types": "lead.accepted",
    }
    answer = client.post("/operations/subscriptions", data=form)
    assert answer.status_code == 400
    page = html.document_fromstring(answer.get_data(as_text=True))
    assert page.xpath("string(//p[@role='alert'])")
    assert page.xpath("//input[@name='name']/@value") == ["Billing"]
    assert page.xpath("//input[@name='types'][@checked]/@value") == ["lead.accepted"]


def test_events_are_sent_again(browse: Any) -> None:
    address = "/operations/subscriptions/sub_0123456789abcdef01234567"
    assert "1 event is sent again." in _said(browse(f"{address}/replay", event="evt_" + "a" * 31 + "d"))
    wanted = {"since": "2026-11-20T10:03", "until": "2026-11-20T13:03"}
    assert "events are sent again." in _said(browse(f"{address}/replay", **wanted))


def test_a_disabled_subscription_is_announced_to_admins_on_every_page(watched: Any) -> None:
    for role, told in ((Role.ADMIN, True), (Role.OPERATOR, False), (Role.VIEWER, False)):
        assert ("was disabled" in watched.client(role).get("/").get_data(as_text=True)) == told
