"""Values that no CRM should send: each is kept, or refused visibly, and holds nothing up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from tests.server.test_webhooks import SALESFORCE, message

from closedloop.crm.base import Batch, Page, Refusal
from closedloop.errors import NormaliseError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult
from closedloop.schema.records import (
    Account,
    Activity,
    Campaign,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    LinkedId,
    Money,
    Opportunity,
    Record,
    Ref,
    Stage,
    User,
    Utm,
)
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.app import create_app
from closedloop_server.pipeline.refresh import poll
from closedloop_server.store import inbox
from closedloop_server.store.engine import writing
from closedloop_server.store.tables.columns import storable

if TYPE_CHECKING:
    from tests.server.conftest import Loop

LONG = "x" * 10_000
POISONS = {"long": LONG, "nul": "a\0b", "surrogate": "a\ud800b", "emoji": "\N{GRINNING FACE}" * 20}
each_poison = pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())

GOOD = Ref(ObjectType.LEAD, "L-good")


def _examples(loop: Loop) -> list[Record]:
    at = loop.clock() - timedelta(days=1)
    here: dict[str, Any] = {"crm": CrmName.SALESFORCE, "id": "1", "updated_at": at}
    money = Money(amount=Decimal(1000), currency="EUR")
    links = (LinkedId(crm=CrmName.HUBSPOT, object=ObjectType.CONTACT, id="7"),)
    decided: dict[str, Any] = {"stage_changed_at": at, "stage_changed_by": "U1"}
    people: dict[str, Any] = {"email": "a@example.com", "linked_ids": links, "utm": Utm(source="news")}
    return [
        Account(**here, name="A", annual_revenue=money, linked_ids=links),
        Activity(**here, subject="Call", lead_id="1"),
        Campaign(**here, name="C", budgeted_cost=money, utm=Utm(source="news")),
        CampaignMember(**here, campaign_id="1", lead_id="1"),
        Contact(**here, name="N", **people),
        ContactRole(**here, opportunity_id="1", contact_id="1"),
        Lead(**here, stage="Unqualified", reason="No budget", reason_note="Later", **decided, **people),
        Opportunity(
            **here, stage="Closed Lost", lost_reason="No budget", amount=money, linked_ids=links, **decided
        ),
        Stage(**here, of=ObjectType.LEAD, name="S"),
        User(**here, name="U", email="u@example.com"),
    ]


def _poisoned(record: Record, poison: str) -> Iterator[Record]:
    """The record with the poison in one field after the other, each time under another id."""
    for number, field in enumerate(dataclasses.fields(record)):
        value = _in_place_of(getattr(record, field.name), str(field.type), poison)
        if value is not None:
            values = {"id": f"{record.object}-{number}", field.name: value}
            yield dataclasses.replace(record, **values)


def _in_place_of(value: Any, kind: str, poison: str) -> Any:
    if kind in {"str", "str | None"}:
        return poison
    if kind == "Mapping[str, Any]":
        return {"field": poison, poison: 1}
    if isinstance(value, Money):
        return Money(amount=Decimal(10) ** 60, currency=poison)
    if isinstance(value, Utm):
        return Utm(source=poison)
    if isinstance(value, tuple) and value:
        return (dataclasses.replace(value[0], id=poison),)
    return None


def _answer(loop: Loop, batch: Batch) -> None:
    """Has the next poll bring the batch on one page."""
    pages = [Page(batch=batch, cursor="behind it")]
    with patch.object(loop.sales, "poll", lambda _: iter(pages)):
        poll(loop.services, "sales")
    loop.turn()


def _good(loop: Loop) -> Record:
    return Lead(
        crm=CrmName.SALESFORCE,
        id=GOOD.id,
        stage="Unqualified",
        reason="No budget",
        updated_at=loop.clock() - timedelta(hours=1),
    )


def _known(loop: Loop, table: str) -> set[tuple[str, str]]:
    return {(row["object"], row["crm_id"]) for row in loop.rows(table, connection="sales")}


@each_poison
def test_every_record_is_kept_or_refused_and_the_good_one_beside_them_decided(
    loop: Loop, poison: str
) -> None:
    records = [bad for example in _examples(loop) for bad in _poisoned(example, poison)]
    _answer(loop, Batch(records=(*records, _good(loop))))
    assert [row["outcome"] for row in loop.rows("ledger", crm_id=GOOD.id)] == ["disqualified"]
    kept = _known(loop, "records")
    refused = [record for record in records if (record.object, record.id) not in kept]
    assert len(_known(loop, "refusals")) == len(refused)
    assert bool(refused) == (poison != POISONS["emoji"])
    assert all(row["reason"] in {"unstorable_id", "unstorable_text"} for row in loop.rows("refusals"))


@each_poison
def test_what_was_kept_stays_as_it_is_when_the_same_comes_again(loop: Loop, poison: str) -> None:
    records = [bad for example in _examples(loop) for bad in _poisoned(example, poison)]
    _answer(loop, Batch(records=tuple(records)))
    before = loop.snapshot()
    loop.clock.pass_(hours=1)
    later = tuple(dataclasses.replace(record, updated_at=loop.clock()) for record in records)
    _answer(loop, Batch(records=later))
    after = loop.snapshot()
    assert {name: after[name] for name in ("ledger", "people")} == {
        name: before[name] for name in ("ledger", "people")
    }
    assert len(before["ledger"]) > 0


@each_poison
def test_what_an_adapter_refuses_or_says_is_gone_holds_nothing_up(loop: Loop, poison: str) -> None:
    ref = Ref(ObjectType.LEAD, poison)
    refusal = Refusal(ref=ref, error=NormaliseError(f"said {poison}", reason="wrong_type"))
    _answer(loop, Batch(records=(_good(loop),), gone=(ref,), refused=(refusal,)))
    assert len(loop.rows("ledger", crm_id=GOOD.id)) == 1
    (row,) = loop.rows("refusals")
    assert row["reason"] == "wrong_type"
    assert row["message"] == f"said {storable(poison)}"
    assert len(row["crm_id"]) <= 100


@each_poison
def test_what_the_crm_says_to_a_refused_value_is_kept(loop: Loop, poison: str) -> None:
    campaign = Campaign(crm=CrmName.SALESFORCE, id="C1", name="C")
    member = CampaignMember(crm=CrmName.SALESFORCE, id="M1", campaign_id="C1", lead_id=GOOD.id)
    for key in ("campaign|C1", "person|campaign_member|M1"):
        loop.sales.fates[key] = DeliveryResult(
            key=key, delivery=Delivery.REFUSED, code=poison, message=f"said {poison}"
        )
    _answer(loop, Batch(records=(campaign, member, _good(loop))))
    refused = loop.rows("delivered", delivery="refused")
    assert {row["key"] for row in refused} == set(loop.sales.fates)
    assert {row["code"] for row in refused} == {storable(poison)}
    assert {row["message"] for row in refused} == {f"said {storable(poison)}"}


@each_poison
def test_what_a_crm_says_when_it_fails_is_kept(loop: Loop, poison: str) -> None:
    loop.sales.put(_good(loop))
    loop.hint("sales", GOOD)
    loop.sales.down = RetryableError(f"said {poison}", reason="busy", code=poison)
    loop.clock.pass_(seconds=10)
    for read in (loop.turn, lambda: poll(loop.services, "sales")):
        with pytest.raises(RetryableError):
            read()
    assert loop.rows("hints")[0]["error"] == f"busy: said {storable(poison)}"
    assert loop.rows("cursors", connection="sales")[0]["error"] == f"busy: said {storable(poison)}"
    loop.sales.down = None
    loop.clock.pass_(hours=1)
    loop.turn()
    assert len(loop.rows("ledger", crm_id=GOOD.id)) == 1


@each_poison
def test_a_webhook_that_names_such_an_id_is_refused_at_the_door(loop: Loop, poison: str) -> None:
    id_ = poison.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    body = message("{}").replace(b"{}", id_.encode())
    answer = create_app(loop.services).test_client().post(SALESFORCE, data=body, content_type="text/xml")
    assert answer.status_code == 400
    assert loop.rows("inbox") == []


@each_poison
def test_a_stored_delivery_that_names_such_an_id_is_unreadable_and_the_next_is_read(
    loop: Loop, poison: str
) -> None:
    """It may have been stored by a version that looked less closely."""
    id_ = poison.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    bad = message("{}").replace(b"{}", id_.encode())
    with writing(loop.engine) as connection:
        for body in (bad, message("00Q5g000009ABCDEA4")):
            inbox.keep(connection, "sales", content_type=poison, body=body, now=loop.clock())
    loop.turn()
    assert [bool(row["error"]) for row in loop.rows("inbox")] == [True, False]
    assert {row["content_type"] for row in loop.rows("inbox")} == {storable(poison)}
    assert [row["crm_id"] for row in loop.rows("hints")] == ["00Q5g000009ABCDEA4"]
