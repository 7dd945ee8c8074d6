"""The API and the pages about an earlier time: what they show, and that they say which time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from closedloop_server.access import Role, create_token
from closedloop_server.app import create_app
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Get = Callable[..., Any]

MONDAY, TUESDAY = "2026-11-02", "2026-11-03"
CAMPAIGN = "/campaigns/sales:C1"


@pytest.fixture
def told(history: History) -> History:
    """On Monday a lead was rejected for its budget; on Tuesday somebody corrected that, and rejected another;
    today is Wednesday."""
    history.rejected(1, name="Ann Arbor")
    history.loop.clock.pass_(days=1)
    history.rejected(1, reason="Competitor", name="Ann Arbor")
    history.rejected(2, reason="something that no rule knows")
    history.loop.clock.pass_(days=1)
    return history


@pytest.fixture
def client(told: History) -> FlaskClient:
    settings = replace(told.services.settings, public_url="http://localhost")
    app = create_app(replace(told.services, settings=settings))
    with writing(told.loop.engine) as connection:
        token = create_token(connection, name="test", role=Role.VIEWER, now=told.loop.clock())
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    form: Any = html.document_fromstring(client.get("/login").get_data(as_text=True))
    secret = form.xpath('//form//input[@name="form"]/@value')[0]
    assert client.post("/login", data={"form": secret, "token": token}).status_code == 303
    return client


@pytest.fixture
def get(client: FlaskClient) -> Get:
    """Asks the API and hands over the JSON."""

    def asked(path: str, *, status: int = 200, **arguments: Any) -> Any:
        answer = client.get(f"/api/v1{path}", query_string=arguments)
        assert answer.status_code == status, answer.get_data(as_text=True)[:300]
        return answer.get_json()

    return asked


@pytest.fixture
def page(client: FlaskClient) -> Callable[..., html.HtmlElement]:
    def opened(path: str, **arguments: Any) -> html.HtmlElement:
        answer = client.get(path, query_string=arguments)
        assert answer.status_code == 200
        return html.document_fromstring(answer.get_data(as_text=True))

    return opened


def reasons(answer: Any) -> dict[str, str]:
    return {line["reason"]: line["credit"] for line in answer["campaign"]["results"]["reasons"]}


def test_a_campaign_of_an_earlier_day_shows_what_was_known_at_its_end(get: Get) -> None:
    assert reasons(get(CAMPAIGN, as_of=MONDAY)) == {"no_budget": "1"}
    assert reasons(get(CAMPAIGN, as_of=TUESDAY)) == {"competitor": "1", "unmapped": "1"}
    assert reasons(get(CAMPAIGN)) == {"competitor": "1", "unmapped": "1"}
    assert reasons(get(CAMPAIGN, as_of="2026-11-01")) == {}


def test_a_moment_counts_what_was_learned_at_it(get: Get) -> None:
    assert reasons(get(CAMPAIGN, as_of="2026-11-02T09:00:00Z")) == {"no_budget": "1"}
    assert reasons(get(CAMPAIGN, as_of="2026-11-02T10:00:00+01:00")) == {"no_budget": "1"}
    assert reasons(get(CAMPAIGN, as_of="2026-11-02T08:59:59Z")) == {}


def test_a_day_is_its_end_however_it_is_written(get: Get) -> None:
    assert get("/campaigns", as_of="20261102")["as_of"] == "2026-11-02T23:59:59.999999Z"


@pytest.mark.parametrize(
    "path", ["/campaigns", CAMPAIGN, f"{CAMPAIGN}/dispositions", "/unattributed", "/reasons"]
)
def test_every_answer_says_which_time_it_shows(get: Get, path: str) -> None:
    assert get(path, as_of=MONDAY)["as_of"] == "2026-11-02T23:59:59.999999Z"
    assert get(path)["as_of"] is None


def test_a_time_to_come_is_now(get: Get, told: History) -> None:
    assert get("/campaigns", as_of="2027-01-01")["as_of"] == told.loop.clock().isoformat().replace(
        "+00:00", "Z"
    )


@pytest.mark.parametrize("as_of", ["2026-02-30", "yesterday", "2026-11-02T25:00:00Z", "\0"])
def test_what_is_no_time_is_refused(get: Get, as_of: str) -> None:
    assert get("/campaigns", status=400, as_of=as_of)["error"] == "bad_argument"


def test_the_decisions_of_an_earlier_day_are_those_that_held_then(get: Get) -> None:
    path = f"{CAMPAIGN}/dispositions"
    found = get(path, as_of=MONDAY)
    assert [(each["crm_id"], each["entry"], each["raw_reason"]) for each in found["dispositions"]] == [
        ("L1", 1, "No budget")
    ]
    assert [touch["member_id"] for touch in found["dispositions"][0]["touches"]] == ["M1"]
    assert found["sum"]["credit"] == "1"
    assert [each["entry"] for each in get(path)["dispositions"]] == [1, 2]


def test_the_totals_of_an_earlier_day_reconcile(get: Get) -> None:
    totals = get("/campaigns", as_of=MONDAY)["totals"]
    assert (totals["standing"], totals["credited"], totals["missing"]) == (1, "1", "0")
    assert get("/reasons", as_of=MONDAY)["unmapped"] == []
    assert [each["decisions"] for each in get("/reasons", as_of=TUESDAY)["unmapped"]] == [1]


def test_what_the_crm_was_told_is_not_shown_for_an_earlier_time(get: Get) -> None:
    assert get(CAMPAIGN)["campaign"]["told"] is not None
    assert get(CAMPAIGN, as_of=TUESDAY)["campaign"]["told"] is None


REPORTS = ["/", "/campaigns/sales/C1", "/decisions", "/unattributed", "/unmapped"]


@pytest.mark.parametrize("path", REPORTS)
def test_a_page_about_the_past_says_so_and_leads_back(page: Any, path: str) -> None:
    past = page(path, as_of=MONDAY, model="linear")
    (banner,) = past.xpath('//p[@role="status"]')
    assert "This is what was known on 2 Nov 2026, 23:59 UTC." in banner.text_content()
    assert banner.xpath(".//a/@href") == [f"{path}?model=linear"]
    assert past.xpath('//input[@type="date"]/@value') == [MONDAY]
    assert page(path).xpath('//p[@role="status"]') == []


@pytest.mark.parametrize("path", REPORTS)
def test_every_way_on_from_the_past_stays_in_it(page: Any, path: str) -> None:
    past = page(path, as_of=TUESDAY)
    ways = [
        href
        for href in past.xpath("//main//a[not(ancestor::p)]/@href")
        if href.startswith("/") and not href.startswith(("/assets", "/operations"))
    ]
    assert ways
    assert [way for way in ways if f"as_of={TUESDAY}" not in way] == []
    for form in past.xpath('//main//form[@method="get"]'):
        assert form.xpath('.//input[@name="as_of"]/@value') == [TUESDAY]


def test_the_figures_of_a_page_about_the_past_are_those_of_then(page: Any) -> None:
    past = page("/campaigns/sales/C1", as_of=MONDAY).text_content()
    assert "Budget" in past or "budget" in past
    assert "Sales wrote No budget" in " ".join(past.split())
    assert "was told then is not kept" in past
    now = page("/campaigns/sales/C1").text_content()
    assert "Sales wrote No budget" not in " ".join(now.split())


def test_before_the_first_decision_no_campaign_is_listed(page: Any) -> None:
    empty = page("/", as_of="2026-10-01").text_content()
    assert "Listed are the campaigns that sales had decided something about by then." in empty
    assert "No campaigns yet" not in empty


def test_the_day_after_the_last_change_is_today(get: Get, told: History) -> None:
    now, then = get("/campaigns"), get("/campaigns", as_of=datetime(2026, 11, 4, 9, tzinfo=UTC).isoformat())
    assert then["totals"] == now["totals"]
    assert [each["results"] for each in then["campaigns"]] == [each["results"] for each in now["campaigns"]]
    assert told.loop.clock() == datetime(2026, 11, 4, 9, tzinfo=UTC)
