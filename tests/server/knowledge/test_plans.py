"""How the reports read the tables: those of now touch no past, those of the past go by their indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, event

from closedloop.loop.attribution import CampaignKey
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.store.engine import reading
from closedloop_server.store.reports import (
    Cost,
    DecisionFilter,
    Search,
    campaign_reports,
    dispositions,
    reconcile,
    tally_of,
    unmapped_reasons,
)

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History

MODEL = AttributionModel.LINEAR
CAMPAIGN = Search(campaign=CampaignKey("sales", "C1"))
MARCH = datetime(2026, 3, 31, tzinfo=UTC)


@contextmanager
def watched(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The queries that are made meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        seen.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def report(connection: Connection, search: Search, as_of: datetime | None) -> None:
    wanted = DecisionFilter(model=MODEL, search=search, as_of=as_of)
    campaign_reports(connection, MODEL, search, as_of=as_of)
    dispositions(connection, wanted, limit=50)
    tally_of(connection, wanted)
    reconcile(connection, MODEL, as_of=as_of)
    unmapped_reasons(connection, as_of=as_of)


def test_a_report_of_now_reads_nothing_of_the_past(engine: Engine) -> None:
    with reading(engine) as connection, watched(engine) as seen:
        report(connection, CAMPAIGN, None)
        report(connection, Search(text="c", connection="sales"), None)
    assert len(seen) > 5
    assert [statement for statement, _ in seen if "past_" in statement or "learned_at <=" in statement] == []


@pytest.mark.parametrize("as_of", [None, MARCH], ids=["now", "then"])
def test_a_campaign_says_what_it_cost(history: History, as_of: datetime | None) -> None:
    cost = Money(amount=Decimal("4800.00"), currency="EUR")
    campaign = history.make.campaign("C1", actual_cost=cost, start_date=date(2026, 3, 2))
    history.tell(campaign, history.make.campaign("C2"))
    with reading(history.loop.engine) as connection:
        found = [
            report_.cost
            for id_ in ("C1", "C2")
            for report_ in campaign_reports(
                connection, MODEL, Search(campaign=CampaignKey("sales", id_)), as_of=as_of
            )
        ]
    assert found == [Cost(money=cost, actual=True), None]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_campaign_of_an_earlier_time_is_found_by_the_indexes(engine: Engine) -> None:
    wanted = DecisionFilter(model=MODEL, search=CAMPAIGN, as_of=MARCH)
    with reading(engine) as connection:
        with watched(engine) as seen:
            tally_of(connection, wanted)
            dispositions(connection, wanted, limit=50)
        plans = [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in seen
            if "past_credits" in statement
        ]
    assert len(plans) == 2
    for plan in plans:
        for index in ("ix_credits_campaign", "ix_past_credits_campaign"):
            assert any(f"USING INDEX {index} (campaign_connection=?" in step for step in plan)
        scanned = {step.split()[1] for step in plan if step.startswith("SCAN ")}
        assert not scanned & {"credits", "past_credits", "ledger"}
