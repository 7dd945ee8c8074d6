"""What the March review knew: every report of an earlier time says what it said then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from closedloop.mapping import load_mappings
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.store.engine import reading
from closedloop_server.store.reports import (
    DecisionFilter,
    Disposition,
    Search,
    campaign_reports,
    dispositions,
    reconcile,
    tally_of,
    unmapped_reasons,
)
from closedloop_server.verify import verify

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from tests.server.knowledge.conftest import History

FEW = st.integers(0, 2)
REASONS = st.sampled_from(["No budget", "Competitor", "something that no rule knows", None])

ACTIONS = st.one_of(
    st.tuples(st.just("lead"), FEW, st.sampled_from(["Working", "Unqualified", "Nurture"]), REASONS),
    st.tuples(st.just("deal"), FEW, st.sampled_from(["Prospecting", "Closed Lost", "Closed Won"]), REASONS),
    st.tuples(st.just("member"), FEW, FEW, st.booleans()),
    st.tuples(st.just("role"), FEW, FEW, st.booleans()),
    st.tuples(st.just("primary"), FEW, st.none() | FEW),
    st.tuples(st.just("mappings"), st.booleans()),
)
STORIES = st.lists(st.tuples(ACTIONS, st.integers(0, 2)), min_size=3, max_size=14)


def said(connection: Connection, as_of: datetime | None = None) -> dict[str, Any]:
    """Every figure of every report, without the names, which are those of today."""
    found: dict[str, Any] = {"unmapped": unmapped_reasons(connection, as_of=as_of)}
    for model in AttributionModel:
        totals = asdict(reconcile(connection, model, as_of=as_of))
        assert totals.pop("as_of") == as_of
        everything = DecisionFilter(model=model, as_of=as_of)
        reports = campaign_reports(connection, model, Search(), as_of=as_of)
        found[model] = {
            "totals": totals,
            "campaigns": {report.key: report.tally for report in reports if report.tally.lines},
            "tally": tally_of(connection, everything),
            "decisions": [told(each) for each in dispositions(connection, everything, limit=100)],
        }
    return found


def told(decision: Disposition) -> dict[str, Any]:
    values = asdict(decision)
    values["touches"] = [without_names(touch) for touch in values["touches"]]
    return without_names(values)


def without_names(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not name.endswith("name")}


def happens(history: History, action: tuple[Any, ...]) -> Iterator[Record]:
    """What changes in the CRM; a change of the mappings happens at once."""
    make, now = history.make, history.loop.clock()
    match action:
        case ("lead", number, stage, reason):
            yield make.lead(f"L{number}", stage, reason=reason, stage_changed_at=now)
        case ("deal", number, stage, reason):
            yield make.opportunity(f"O{number}", stage, lost_reason=reason, stage_changed_at=now)
        case ("member", campaign, lead, deleted):
            touched = now - timedelta(minutes=3)
            id_ = f"M{campaign}{lead}"
            yield make.member(id_, f"C{campaign}", lead_id=f"L{lead}", touched_at=touched, deleted=deleted)
        case ("role", deal, contact, deleted):
            yield make.contact(f"P{contact}")
            yield make.role(f"O{deal}", f"P{contact}", deleted=deleted)
            yield make.member(f"M{contact}", f"C{contact}", contact_id=f"P{contact}")
        case ("primary", deal, campaign):
            named = None if campaign is None else f"C{campaign}"
            yield make.opportunity(f"O{deal}", "Closed Lost", campaign_id=named, stage_changed_at=now)
        case ("mappings", other):
            history.judge_by(history.other_mappings if other else load_mappings())


@hypothesis_settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=STORIES)
def test_a_report_of_an_earlier_time_says_what_it_said_then(
    history: History, story: list[tuple[tuple[Any, ...], int]]
) -> None:
    history.begin()
    history.tell(*(history.make.campaign(f"C{number}") for number in range(3)))
    then: dict[datetime, dict[str, Any]] = {}
    for action, hours in story:
        history.loop.clock.pass_(hours=hours)
        history.tell(*happens(history, action))
        with reading(history.loop.engine) as connection:
            then[history.loop.clock()] = said(connection)
    history.loop.clock.pass_(days=1)
    with reading(history.loop.engine) as connection:
        for at, figures in then.items():
            assert said(connection, at) == figures
            for model in AttributionModel:
                assert figures[model]["totals"]["standing"] == len(
                    {each["position"]["ledger_id"] for each in figures[model]["decisions"]}
                )
                assert reconcile(connection, model, as_of=at).missing == 0
    assert verify(history.services) == []
