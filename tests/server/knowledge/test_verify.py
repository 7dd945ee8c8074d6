"""Whatever is tampered with, verifying finds it; and it finds nothing in what the loop wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Table

from closedloop.schema.records import User
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.pipeline.replay import repeat
from closedloop_server.store import records, stale
from closedloop_server.store.engine import writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import (
    credits_,
    desired,
    ledger,
    mapping_versions,
    past_credits,
    past_touches,
    people,
    standings,
    touches,
)
from closedloop_server.store.tables import records as held
from closedloop_server.verify import Check, verify

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History

L1 = Key("sales", ObjectType.LEAD, "L1")


@pytest.fixture
def told(history: History) -> History:
    """A lead that was rejected, re-decided and credited anew; another one; a lost deal that names nobody."""
    history.rejected(1)
    history.loop.clock.pass_(days=1)
    history.rejected(1, reason="Competitor")
    history.loop.clock.pass_(days=1)
    history.tell(history.make.campaign("C2"), history.make.member("M9", "C2", lead_id="L1"))
    history.rejected(2)
    history.tell(history.make.opportunity("O1", "Closed Lost"))
    return history


def test_nothing_is_found_in_what_the_loop_wrote(told: History) -> None:
    assert verify(told.services) == []


def test_nothing_is_found_on_the_first_day(history: History) -> None:
    assert verify(history.services) == []


@dataclass(frozen=True, kw_only=True)
class Tampering:
    """Something that nobody may do, and what finds it."""

    what: str
    do: Callable[[Connection], Any]
    found: frozenset[Check]


def _set(table: Table, **values: Any) -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(table.update().values(**values))


def _clear(table: Table) -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(table.delete())


def _renumber(connection: Connection) -> None:
    newest = ledger.update().where(ledger.c.crm_id == "L1", ledger.c.entry == 2)
    connection.execute(newest.values(entry=3))


def _learned_early(connection: Connection) -> None:
    entry = connection.execute(ledger.select().where(ledger.c.entry == 2)).one()
    earlier = entry.learned_at - timedelta(days=9)
    connection.execute(ledger.update().where(ledger.c.id == entry.id).values(learned_at=earlier))


def _stand_on_the_first(connection: Connection) -> None:
    first = connection.execute(ledger.select().where(ledger.c.crm_id == "L1", ledger.c.entry == 1)).one()
    connection.execute(standings.update().where(standings.c.crm_id == "L1").values(ledger_id=first.id))


def _credit_an_older_entry(connection: Connection) -> None:
    row = dict(connection.execute(credits_.select()).mappings().first() or {})
    older = connection.execute(ledger.select().where(ledger.c.crm_id == "L1", ledger.c.entry == 1)).one()
    connection.execute(credits_.insert().values(**{**row, "ledger_id": older.id, "campaign_id": "C7"}))


def _touch_an_older_entry(connection: Connection) -> None:
    row = dict(connection.execute(touches.select()).mappings().first() or {})
    older = connection.execute(ledger.select().where(ledger.c.crm_id == "L1", ledger.c.entry == 1)).one()
    connection.execute(touches.insert().values(**{**row, "ledger_id": older.id}))


def _supersede_before_learning(connection: Connection) -> None:
    row = connection.execute(past_touches.select()).first()
    assert row is not None
    earlier = row.learned_at - timedelta(days=9)
    connection.execute(past_touches.update().values(superseded_at=earlier))


def _change_a_record(connection: Connection) -> None:
    record = records.fetch(connection, [L1])[L1]
    changed = replace(record, reason="Timing")  # type: ignore[call-arg]
    assert record.updated_at is not None
    records.save(connection, {L1: changed}, now=record.updated_at)


def _show_something_else(connection: Connection) -> None:
    for row in connection.execute(desired.select().where(desired.c.kind == "campaign")):
        state = {**row.state, "credits": {**row.state["credits"], "won": "5"}}
        connection.execute(
            desired.update().where(desired.c.key == row.key).values(state=state, digest="other")
        )


TAMPERINGS = [
    Tampering(what="an entry is missing", do=_renumber, found=frozenset({Check.LEDGER})),
    Tampering(what="an entry was learned too early", do=_learned_early, found=frozenset({Check.LEDGER})),
    Tampering(what="no version is kept", do=_clear(mapping_versions), found=frozenset({Check.VERSIONS})),
    Tampering(
        what="a version is torn",
        do=_set(mapping_versions, files={"reasons.yaml": "rules: ["}),
        found=frozenset({Check.VERSIONS}),
    ),
    Tampering(
        what="nothing stands",
        do=_clear(standings),
        found=frozenset(
            {Check.STANDINGS, Check.CREDITS, Check.TOUCHES, Check.TOTALS, Check.SHOWN, Check.DERIVED}
        ),
    ),
    Tampering(
        what="an older entry stands",
        do=_stand_on_the_first,
        found=frozenset({Check.STANDINGS, Check.CREDITS, Check.TOUCHES, Check.DERIVED, Check.SHOWN}),
    ),
    Tampering(
        what="a standing says something else",
        do=_set(standings, reason="timing"),
        found=frozenset({Check.STANDINGS}),
    ),
    Tampering(
        what="credit is lost",
        do=_clear(credits_),
        found=frozenset({Check.CREDITS, Check.TOTALS, Check.DERIVED, Check.SHOWN}),
    ),
    Tampering(
        what="credit is doubled",
        do=_set(credits_, share=Decimal(2)),
        found=frozenset({Check.CREDITS, Check.PAST, Check.TOTALS, Check.DERIVED, Check.SHOWN}),
    ),
    Tampering(
        what="an older entry has credit",
        do=_credit_an_older_entry,
        found=frozenset({Check.CREDITS, Check.TOTALS, Check.SHOWN}),
    ),
    Tampering(
        what="an older entry has a touch",
        do=_touch_an_older_entry,
        found=frozenset({Check.TOUCHES, Check.SHOWN}),
    ),
    Tampering(
        what="past credit is doubled",
        do=_set(past_credits, share=Decimal(2)),
        found=frozenset({Check.PAST}),
    ),
    Tampering(what="a past touch ended early", do=_supersede_before_learning, found=frozenset({Check.PAST})),
    Tampering(what="nobody is behind it", do=_clear(people), found=frozenset({Check.DERIVED, Check.SHOWN})),
    Tampering(what="a record changed unnoticed", do=_change_a_record, found=frozenset({Check.DERIVED})),
    Tampering(
        what="the records are gone",
        do=_clear(held),
        found=frozenset({Check.DERIVED}),
    ),
    Tampering(what="nothing is to be shown", do=_clear(desired), found=frozenset({Check.SHOWN})),
    Tampering(
        what="something else is to be shown",
        do=_show_something_else,
        found=frozenset({Check.SHOWN}),
    ),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.what)
def test_it_is_found(told: History, tampering: Tampering) -> None:
    with writing(told.loop.engine) as connection:
        tampering.do(connection)
    found = verify(told.services)
    assert {finding.check for finding in found} == tampering.found
    assert str(found[0]).startswith(f"{found[0].check}: {found[0].where}: ")


REPAIRED = {Check.STANDINGS, Check.CREDITS, Check.TOUCHES, Check.TOTALS, Check.DERIVED, Check.SHOWN}


@pytest.mark.parametrize(
    "tampering",
    [each for each in TAMPERINGS if each.found <= REPAIRED and each.what != "the records are gone"],
    ids=lambda each: each.what,
)
def test_what_can_be_worked_out_is_repaired(told: History, tampering: Tampering) -> None:
    with writing(told.loop.engine) as connection:
        tampering.do(connection)
    assert verify(told.services) != []
    repeat(told.services)
    told.follow()
    assert verify(told.services) == []


def test_what_waits_to_be_worked_out_is_not_compared(told: History) -> None:
    with writing(told.loop.engine) as connection:
        _change_a_record(connection)
        stale.note(connection, stale.Work.CHANGED, [L1])
    assert verify(told.services) == []
    with writing(told.loop.engine) as connection:
        _show_something_else(connection)
        campaigns = [Key("sales", ObjectType.CAMPAIGN, id_) for id_ in ("C1", "C2")]
        members = [Key("sales", ObjectType.CAMPAIGN_MEMBER, id_) for id_ in ("M1", "M2", "M9")]
        stale.note(connection, stale.Work.PUBLISH, campaigns + members)
    assert verify(told.services) == []


def test_another_name_of_the_one_who_decided_follows(told: History) -> None:
    lead = replace(told.make.lead("L2", "Unqualified", reason="No budget"), stage_changed_by="U1")
    told.tell(User(crm=CrmName.SALESFORCE, id="U1", name="Ann"), lead)
    assert verify(told.services) == []
    told.tell(User(crm=CrmName.SALESFORCE, id="U1", name="Ann Arbor"))
    assert verify(told.services) == []
