"""A person with unmistakable words in every place is erased: no byte of them is left, and every count is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from closedloop.crm.base import Refusal
from closedloop.errors import NormaliseError
from closedloop.loop.feedback import CampaignFeedback, Delivery, DeliveryResult
from closedloop.schema.records import Activity, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome
from closedloop_server import privacy
from closedloop_server.store import audit, erasures, hints, inbox, records
from closedloop_server.store.engine import forget_log, reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import attempts, delivered, events, subscriptions
from closedloop_server.store.tables import hints as hints_table

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
CONTACT, LEAD, DEAL = "501001", "801001", "901001"
HER = Key("marketing", ObjectType.CONTACT, CONTACT)
HER_LEAD = Key("sales", ObjectType.LEAD, "L1")
WORDS = (
    "Zenobia",
    "Quillfeather",
    "zenobia.quillfeather@unmistakable.example",
    "unmistakable phone",
    "unmistakable note",
    "unmistakable deal",
    "unmistakable reason",
    "unmistakable loss",
    "unmistakable payload",
    "unmistakable custom",
    "unmistakable refusal",
    "unmistakable hint",
    "unmistakable answer",
    "unmistakable delivery",
    "unmistakable call",
    "unmistakable membership",
)
EMAIL = "Zenobia.Quillfeather@unmistakable.example"
RAW = {"anything": "unmistakable payload"}
PERSON: dict[str, Any] = {
    "name": "Zenobia Quillfeather",
    "first_name": "Zenobia",
    "last_name": "Quillfeather",
    "email": EMAIL,
    "phone": "unmistakable phone",
    "raw": RAW,
    "custom": {"any": "unmistakable custom"},
}


def fill(loop: Loop, salesforce: Make, hubspot: Make) -> None:
    """Zenobia is rejected in both CRMs, has lost a deal, and is on a campaign with Bob, who stays."""
    marketing, sales = loop.marketing, loop.sales
    marketing.put(hubspot.campaign(GUID, other_id="123"))
    marketing.put(hubspot.contact(CONTACT, **PERSON))
    marketing.put(hubspot.contact("501002", name="Bob Stays", email="bob@stays.example"))
    member = hubspot.member(
        f"{GUID}/{CONTACT}", GUID, contact_id=CONTACT, raw={"x": "unmistakable membership"}
    )
    marketing.put(member)
    marketing.put(hubspot.member(f"{GUID}/501002", GUID, contact_id="501002"))
    rejected: dict[str, Any] = {"reason": "no money, unmistakable reason", "reason_note": "unmistakable note"}
    lead = hubspot.lead(LEAD, "unqualified-stage-id", name="Zenobia's", contact_id=CONTACT, raw=RAW)
    marketing.put(replace(lead, **rejected))
    marketing.put(deal(hubspot))
    marketing.put(hubspot.role(DEAL, CONTACT, raw=RAW))
    marketing.put(hubspot.role(DEAL, "501002"))
    sales.put(salesforce.lead("L1", "Unqualified", **PERSON, **rejected))
    refusal = DeliveryResult(
        key=f"person|contact|{CONTACT}", delivery=Delivery.REFUSED, message="unmistakable delivery"
    )
    marketing.fates[refusal.key] = refusal
    loop.poll()
    loop.settle()


def deal(hubspot: Make, stage: str = "closedlost", *, won: bool = False, **values: Any) -> Any:
    words = {
        "name": "unmistakable deal of Zenobia",
        "lost_reason": "unmistakable loss",
        "reason_note": "unmistakable note",
        "custom": {"any": "unmistakable custom"},
        "raw": RAW,
    }
    return hubspot.opportunity(DEAL, stage, closed=True, won=won, **(words | values))


def scatter(loop: Loop) -> None:
    """Puts words where a loop of a few steps puts none."""
    now = loop.clock()
    body = json.dumps([{"objectId": 7, "propertyValue": EMAIL}]).encode()
    call = Activity(
        crm=CrmName.SALESFORCE, id="T1", subject="unmistakable call", lead_id="L1", raw=RAW, updated_at=now
    )
    with writing(loop.engine) as connection:
        records.save(connection, {Key("sales", ObjectType.ACTIVITY, "T1"): call}, now=now)
        inbox.keep(connection, "marketing", content_type="application/json", body=body, now=now)
        ref = Ref(ObjectType.CONTACT, CONTACT)
        error = NormaliseError("unmistakable refusal", reason="x")
        records.refuse(connection, "marketing", [Refusal(ref=ref, error=error)], now=now)
        hints.note(connection, "sales", [HER_LEAD.ref], now=now)
        connection.execute(update(hints_table).values(error="unmistakable hint"))
        for row in loop.rows("desired", kind="person"):
            mine = (delivered.c.connection == row["connection"], delivered.c.key == row["key"])
            connection.execute(update(delivered).where(*mine).values(shown={**row["state"], **told()}))
        connection.execute(insert(events).values(event(loop)))
        connection.execute(insert(subscriptions).values(subscription(loop)))
        connection.execute(insert(attempts).values(attempt(loop)))
    loop.turn()


def told() -> dict[str, str]:
    return {"note": "unmistakable note", "raw_reason": "unmistakable reason"}


def event(loop: Loop) -> dict[str, Any]:
    payload = {"data": {"raw_reason": "unmistakable reason"}}
    times = {"occurred_at": loop.clock(), "learned_at": loop.clock()}
    row = {"id": "evt_x", "type": "x", "connection": "sales", "object": "lead", "crm_id": "L1"}
    return {**row, **times, "payload": payload}


def subscription(loop: Loop) -> dict[str, Any]:
    row = {"id": "sub_x", "name": "x", "description": "", "url": "https://x.example", "types": []}
    times = {"state_since": loop.clock(), "created_at": loop.clock()}
    return {**row, **times, "connections": [], "state": "paused", "why": "", "failures": 0}


def attempt(loop: Loop) -> dict[str, Any]:
    row = {"event_id": "evt_x", "subscription_id": "sub_x", "at": loop.clock(), "error": ""}
    return {**row, "answer": "unmistakable answer"}


@pytest.fixture
def filled(loop: Loop, salesforce: Make, hubspot: Make) -> Loop:
    fill(loop, salesforce, hubspot)
    scatter(loop)
    return loop


def everything(loop: Loop) -> str:
    """Every row of every table."""
    return "\n".join(repr(row) for table in loop.counts() for row in loop.rows(table)).lower()


def left(text: str, words: Iterable[str] = WORDS) -> list[str]:
    return [word for word in words if word.lower() in text.lower()]


def erase(loop: Loop) -> None:
    """What an administrator does, in both CRMs and here."""
    privacy.erase_now(loop.services, [HER, HER_LEAD], who="Ada")


def credited(loop: Loop, outcome: Outcome) -> Decimal:
    shown = loop.marketing.shown[f"campaign|{GUID}"]
    assert isinstance(shown, CampaignFeedback)
    return shown.credits[outcome]


def test_the_words_are_everywhere_before(filled: Loop) -> None:
    assert set(WORDS) - set(left(everything(filled))) == set()


def test_no_table_holds_a_word_of_an_erased_person(filled: Loop) -> None:
    erase(filled)
    assert left(everything(filled)) == []
    filled.settle()
    assert left(everything(filled)) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL's are cleared by its own VACUUM
def test_no_byte_of_the_database_files_holds_a_word_of_an_erased_person(
    filled: Loop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        erase(filled)
        filled.settle()
        forget_log(filled.engine)
    files = [file for file in tmp_path.iterdir() if file.name.startswith("loop.db")]
    assert files
    content = b"".join(file.read_bytes() for file in files).decode("latin-1")
    assert left(content) == []
    assert left(caplog.text) == []


def test_every_decision_and_credit_of_an_erased_person_stays(filled: Loop) -> None:
    before = credited(filled, Outcome.DISQUALIFIED), credited(filled, Outcome.LOST)
    reasons = [(row["outcome"], row["reason"]) for row in filled.rows("standings")]
    erase(filled)
    filled.settle()
    filled.poll()
    assert (credited(filled, Outcome.DISQUALIFIED), credited(filled, Outcome.LOST)) == before
    assert [(row["outcome"], row["reason"]) for row in filled.rows("standings")] == reasons
    assert len(filled.rows("ledger")) == len(reasons), "nothing is decided anew"


def test_what_others_were_told_about_a_common_deal_goes_too(filled: Loop) -> None:
    filled.poll()
    assert "unmistakable loss" in repr(filled.rows("records", crm_id="501002")), "Bob's record quotes it"
    erase(filled)
    assert left(everything(filled)) == []
    filled.settle()
    filled.poll()
    assert left(everything(filled)) == []


def test_who_is_not_erased_stays_as_they_are(filled: Loop) -> None:
    erase(filled)
    assert "bob@stays.example" in everything(filled)


def test_nothing_that_the_crm_says_later_brings_an_erased_person_back(
    filled: Loop, hubspot: Make, salesforce: Make
) -> None:
    erase(filled)
    filled.settle()
    filled.clock.pass_(days=1)
    filled.marketing.put(hubspot.contact(CONTACT, **PERSON))
    filled.marketing.put(deal(hubspot, stage_changed_at=filled.clock()))
    filled.sales.put(salesforce.lead("L1", "Unqualified", **PERSON, reason_note="unmistakable note"))
    filled.sales.put(salesforce.campaign("C9"))
    filled.sales.put(
        salesforce.member("M9", "C9", lead_id="L1", raw={"x": "unmistakable membership of Zenobia"})
    )
    filled.poll()
    filled.settle()
    assert left(everything(filled)) == []


def test_an_erased_persons_deal_is_still_followed(filled: Loop, hubspot: Make) -> None:
    erase(filled)
    filled.settle()
    filled.clock.pass_(days=1)
    filled.marketing.put(deal(hubspot, stage="closedwon", won=True))
    filled.poll()
    filled.settle()
    assert credited(filled, Outcome.WON) == 1
    assert left(everything(filled)) == []


def test_a_decision_that_was_read_before_the_erasure_is_not_written_after_it(filled: Loop) -> None:
    """The erasure takes the work over: who had it writes nothing of what it has read."""
    erase(filled)
    taken = {(row["kind"], row["connection"]) for row in filled.rows("leases", holder="privacy")}
    assert {("loop", ""), ("tell", "sales"), ("tell", "marketing"), ("read", "sales")} <= taken


def test_an_erasure_is_written_down_without_a_word_about_the_person(filled: Loop) -> None:
    erase(filled)
    with reading(filled.engine) as connection:
        found = audit.entries(connection, limit=10)
    assert {(entry.who, entry.action, entry.target) for entry in found} == {
        ("Ada", "privacy.erase", f"marketing:contact:{CONTACT}"),
        ("Ada", "privacy.erase", "sales:lead:L1"),
    }


def test_whoever_may_be_the_same_person_elsewhere_is_listed_and_not_erased(filled: Loop) -> None:
    with reading(filled.engine) as connection:
        holding = privacy.hold(connection, [HER])
        assert holding.linked == [HER_LEAD]
        assert privacy.by_email(connection, EMAIL.upper()) == {HER, HER_LEAD}
    privacy.erase_now(filled.services, [HER], who="Ada")
    with reading(filled.engine) as connection:
        assert erasures.among(connection, [HER, HER_LEAD]) == {HER}
    assert credited(filled, Outcome.DISQUALIFIED) == 2, "the link between the two stays"


def test_all_that_is_held_about_a_person_is_shown(filled: Loop) -> None:
    with reading(filled.engine) as connection:
        holding = privacy.hold(connection, [HER, HER_LEAD])
    told = json.dumps([section.rows for section in holding.held], default=str)
    missing = set(WORDS) - set(left(told))
    # Of deliveries and of what receivers answered, only the numbers are told: they may name others.
    assert missing <= {"unmistakable answer"}
    tables = {section.table for section in holding.held}
    assert {"records", "ledger", "desired", "delivered", "refusals", "hints", "events", "inbox"} <= tables
    assert not holding.erased
    erase(filled)
    with reading(filled.engine) as connection:
        assert privacy.hold(connection, [HER, HER_LEAD]).erased
