"""The running server: real threads, real HTTP on the loopback interface, real protocols of both CRMs."""

from __future__ import annotations

import gc
import http.client
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from closedloop.crm import retry
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import AuthenticationError, RetryableError, SettingsError
from closedloop.loop.feedback import CampaignFeedback
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType, Outcome
from closedloop_server.runtime import Runtime, spare_collector
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.work.threads import Worker, WorkerState

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD = Ref(ObjectType.LEAD, "L1")
PATIENCE = 60


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def runtime(loop: Loop, salesforce: Make) -> Iterator[Runtime]:
    """A server over the two CRMs in memory, on which a lead of campaign C1 is still open."""
    loop.sales.put(salesforce.lead("L1", "Working"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1"))
    settings = replace(loop.services.settings, public_url="", port=0, settle_seconds=0.01)
    with Runtime(settings, crms=loop.services.crms) as runtime:
        assert runtime.wait_idle(PATIENCE)
        yield runtime


def disqualified(loop: Loop) -> int:
    value = loop.sales.shown.get("campaign|C1")
    return int(value.credits[Outcome.DISQUALIFIED]) if isinstance(value, CampaignFeedback) else 0


def state(runtime: Runtime, name: str) -> WorkerState:
    return next(each for each in runtime.states() if each.name == name)


def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether the condition becomes true before patience ends; a busy machine makes it slow, not wrong."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def message(record_id: str) -> bytes:
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        "<OrganizationId>00D5g000004ABCDEA4</OrganizationId><ActionId>04k5g000000ABCDAAA</ActionId>"
        '<Notification><Id>04l5g000000ABCDAAA</Id><sObject xsi:type="sf:Lead"'
        f' xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{record_id}</sf:Id></sObject>'
        "</Notification></notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def test_the_collector_does_not_look_through_what_a_server_is_made_of(runtime: Runtime) -> None:
    assert runtime.states()
    left_out = gc.get_freeze_count()
    assert left_out > 50_000
    spare_collector()
    assert gc.get_freeze_count() <= left_out  # once in a process: garbage of later is not kept for ever


def test_a_webhook_becomes_feedback_within_one_breath(loop: Loop, runtime: Runtime, salesforce: Make) -> None:
    lead = "00Q5g000000ABCDAAA"
    loop.sales.put(salesforce.lead(lead, "Unqualified", updated_at=now()))
    loop.sales.put(salesforce.member("M2", "C1", lead_id=lead, updated_at=now()))
    request = urllib.request.Request(  # noqa: S310 - the address of our own server
        f"{runtime.url}/webhooks/salesforce/sales/a-secret-part-of-the-path",
        data=message(lead),
        headers={"Content-Type": "text/xml; charset=utf-8"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert b"<Ack>true</Ack>" in answer.read()
    assert runtime.wait_idle(PATIENCE)
    assert disqualified(loop) == 1


def test_a_body_in_chunks_that_is_too_large_is_refused_by_the_server_itself(runtime: Runtime) -> None:
    connection = http.client.HTTPConnection(urlsplit(runtime.url).netloc, timeout=30)
    chunks = (b" " * 100_000 for _ in range(21))
    path = "/webhooks/salesforce/sales/a-secret-part-of-the-path"
    connection.request("POST", path, body=chunks, headers={"Content-Type": "text/xml"}, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    answer.read()
    connection.close()


def test_polling_now_finds_what_no_webhook_told(loop: Loop, runtime: Runtime) -> None:
    loop.sales.change(LEAD, stage="Unqualified", updated_at=now())
    runtime.poll_now()
    assert runtime.wait_idle(PATIENCE)
    assert disqualified(loop) == 1


def test_a_worker_outlives_an_unexpected_error_and_says_where_it_was(
    loop: Loop, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> int:
        raise KeyError("ann@example.com")

    with monkeypatch.context() as patch:
        patch.setattr("closedloop_server.work.loop.derive", broken)
        loop.sales.change(LEAD, stage="Unqualified", updated_at=now())
        runtime.poll_now()
        # Between two attempts: while one is under way nothing holds the worker.
        assert comes_true(lambda: state(runtime, "loop").held_until is not None)
        failed = state(runtime, "loop")
        assert failed.failures >= 1
        assert failed.error is not None
        assert failed.error.startswith("unexpected: KeyError at test_runtime.py:")
        assert failed.held_until is not None
        assert not runtime.idle()
    assert "ann@" not in caplog.text + failed.error
    assert runtime.wait_idle(PATIENCE)
    assert disqualified(loop) == 1
    # Nothing is left to do a moment before the turn that did it returns and is noted.
    assert comes_true(lambda: state(runtime, "loop").error is None)


def test_a_crm_that_refuses_the_credentials_holds_up_no_other(loop: Loop, runtime: Runtime) -> None:
    loop.marketing.down = AuthenticationError("the token was revoked", reason="bad_token")
    loop.sales.change(LEAD, stage="Unqualified", updated_at=now())
    runtime.poll_now()
    assert comes_true(lambda: disqualified(loop) == 1)
    assert comes_true(lambda: state(runtime, "read marketing").error is not None)
    assert state(runtime, "read marketing").error == "bad_token: the token was revoked"
    assert not runtime.idle()
    loop.marketing.down = None
    runtime.poll_now()
    assert runtime.wait_idle(PATIENCE)


def test_a_stopped_server_leaves_no_thread_and_no_socket(runtime: Runtime) -> None:
    runtime.stop()
    runtime.stop()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"loop", "http", "read sales", "tell sales", "read marketing", "tell marketing"}
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{runtime.url}/healthz")  # noqa: S310
    assert not runtime.wait_idle(0)
    with pytest.raises(RuntimeError, match="make a new one"):
        runtime.start()


def test_a_poll_in_progress_is_left_between_two_pages(loop: Loop, runtime: Runtime, salesforce: Make) -> None:
    """The CRM has no end of pages: the server stops all the same."""
    seen = threading.Event()
    paging = loop.sales.poll

    def endless(cursor: str | None) -> object:
        while True:
            yield from paging(None)
            seen.set()

    loop.sales.poll = endless  # type: ignore[method-assign,assignment]
    runtime.poll_now()
    assert seen.wait(PATIENCE)
    assert not runtime.idle()
    runtime.stop()


def test_what_was_left_undone_is_done_after_the_next_start(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.lead("L1", "Unqualified"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1"))
    loop.hint("sales", LEAD)
    settings = replace(loop.services.settings, public_url="", port=0, settle_seconds=0)
    for _ in range(2):
        with Runtime(settings, crms=loop.services.crms) as runtime:
            assert runtime.wait_idle(PATIENCE)
    assert disqualified(loop) == 1
    assert len(loop.sales.told) == len(set(loop.sales.told))


def test_another_attribution_model_is_shown_after_the_next_start(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.contact("P1"))
    for campaign in ("C1", "C2"):
        touched = loop.clock.pass_(days=1)
        loop.sales.put(salesforce.member(f"M-{campaign}", campaign, contact_id="P1", touched_at=touched))
    lost_at = loop.clock.pass_(days=1)
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=lost_at, contact_id="P1"))
    settings = replace(loop.services.settings, public_url="", port=0, settle_seconds=0)
    shares = []
    for model in (AttributionModel.LAST, AttributionModel.FIRST):
        changed = replace(settings, attribution=model)
        with Runtime(changed, crms=loop.services.crms) as runtime:
            assert runtime.wait_idle(PATIENCE)
        values = [loop.sales.shown[f"campaign|{campaign}"] for campaign in ("C1", "C2")]
        shares.append(
            [value.credits[Outcome.LOST] for value in values if isinstance(value, CampaignFeedback)]
        )
    assert shares == [[0, 1], [1, 0]]


def test_a_port_that_is_taken_is_a_setting_to_change(runtime: Runtime, loop: Loop) -> None:
    taken = replace(loop.services.settings, port=int(runtime.url.rpartition(":")[2]))
    with pytest.raises(SettingsError, match="cannot listen on 127"):
        Runtime(taken, crms=loop.services.crms)


def test_the_pages_and_the_webhooks_answer_on_the_address_it_tells(runtime: Runtime) -> None:
    assert runtime.services.settings.public_url == runtime.url
    with urllib.request.urlopen(f"{runtime.url}/healthz") as answer:  # noqa: S310
        assert answer.headers["Server"] is None
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(f"{runtime.url}/webhooks/hubspot/marketing", data=b"[]")  # noqa: S310
    assert caught.value.code == 415
    caught.value.close()


def test_a_wake_up_does_not_cut_the_wait_after_a_failure_short_but_hurrying_does() -> None:
    turns = threading.Semaphore(0)

    def failing() -> None:
        turns.release()
        raise AuthenticationError("no")

    worker = Worker("test", failing, clock=now)
    worker.start()
    try:
        assert turns.acquire(timeout=PATIENCE)
        for _ in range(20):
            worker.wake()
        assert not turns.acquire(timeout=0.2)
        worker.hurry()
        assert turns.acquire(timeout=PATIENCE)
    finally:
        worker.ask_to_stop()
        worker.join()


def test_a_worker_that_is_to_stop_does_not_wait_for_another_try_of_a_call() -> None:
    tried = threading.Semaphore(0)

    def unanswered() -> None:
        tried.release()
        raise RetryableError("nobody answers", retry_after=50.0)

    worker = Worker("calling", lambda: retry.call(unanswered), clock=now)
    worker.start()
    assert tried.acquire(timeout=PATIENCE)
    worker.ask_to_stop()
    worker.join(40)
    assert "calling" not in {thread.name for thread in threading.enumerate()}
    assert not tried.acquire(blocking=False)


def test_what_sales_does_in_salesforce_shows_on_the_campaigns_of_both_crms(tmp_path: Path) -> None:
    """Nothing of ours in between: the sandboxes' own HTTP, outbound messages and webhooks."""
    week = now() - timedelta(days=7)
    with SalesforceSandbox() as sales, HubSpotSandbox() as marketing:
        campaign = sales.org.insert("Campaign", {"Name": "Webinar"}, at=week)
        person = {
            "LastName": "Ann",
            "Company": "X",
            "Email": "ann@example.com",
            "Status": "Open - Not Contacted",
        }
        lead = sales.org.insert("Lead", person, at=week)
        joined = {"CampaignId": campaign, "LeadId": lead}
        member = sales.org.insert("CampaignMember", joined, at=week)
        guid = marketing.portal.create_campaign({"hs_name": "Spring"}, at=week)
        contact = marketing.portal.create("contacts", {"email": "ann@example.com"}, at=week)
        marketing.portal.touch(guid, contact, week + timedelta(hours=1))
        with Runtime(_both(tmp_path, sales, marketing)) as runtime:
            endpoint = f"{runtime.url}/webhooks/salesforce/sales/path-secret"
            sales.org.subscribe("Lead", ["Id", "Status"], endpoint, when_changed=["Status"])
            assert runtime.wait_idle(PATIENCE), runtime.states()
            rejected = {"Status": "Closed - Not Converted", "Disqualified_Reason__c": "No budget"}
            sales.org.update("Lead", lead, rejected)
            assert sales.org.settle(PATIENCE)
            assert runtime.wait_idle(PATIENCE), runtime.states()
            row = sales.org.get("CampaignMember", member)
            assert (row["Closed_Loop_Outcome__c"], row["Closed_Loop_Reason__c"]) == (
                "Disqualified",
                "No budget",
            )
            # The later of the two touches was HubSpot's, and no primary campaign is named.
            notes = marketing.portal.campaign(guid)["properties"]["hs_notes"]
            assert "Disqualified: 1\n" in notes
            assert "- Disqualified, No budget: 1\n" in notes
            assert sales.org.get("Campaign", campaign)["Closed_Loop_Disqualified__c"] == 0


def _both(folder: Path, sales: SalesforceSandbox, marketing: HubSpotSandbox) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'both.db'}",
        secret_key="only for this test",
        port=0,
        settle_seconds=0.1,
        connections=(
            ConnectionSettings(
                name="sales",
                crm=CrmName.SALESFORCE,
                organisation_id=sales.organization_id,
                credentials=SalesforceCredentials(
                    login_url=sales.url, client_id=sales.client_id, client_secret=sales.client_secret
                ),
                webhook_secrets=("path-secret",),
            ),
            ConnectionSettings(
                name="marketing",
                crm=CrmName.HUBSPOT,
                organisation_id=str(marketing.portal_id),
                credentials=HubSpotCredentials(access_token=marketing.access_token, base_url=marketing.url),
                webhook_secrets=(marketing.client_secret,),
            ),
        ),
    )
