"""The ledger: entries that say by which mappings they were decided, in the order they were learned in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import AttributionModel, ObjectType
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.judge import judge
from closedloop_server.pipeline.replay import replay
from closedloop_server.store import ledger, personal, stale, versions
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.leases import SupersededError
from closedloop_server.store.reports import reconcile
from closedloop_server.store.rows import Key
from closedloop_server.verify import verify

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History

L1 = Key("sales", ObjectType.LEAD, "L1")
BOOKS = ("ledger", "standings", "people", "touches", "credits", "past_touches", "past_credits")


def books(history: History) -> dict[str, list[dict[str, Any]]]:
    """Everything that is known, with every time and id."""
    return {name: sorted(history.loop.rows(name), key=repr) for name in BOOKS}


def test_an_entry_names_the_mappings_that_decided_and_their_text_is_kept(
    history: History, other_mappings: Mappings
) -> None:
    history.rejected(1)
    history.loop.clock.pass_(days=1)
    history.judge_by(other_mappings)
    history.follow()
    shipped = load_mappings()
    entries = [(row["reason"], row["mappings"]) for row in history.loop.rows("ledger")]
    assert entries == [("no_budget", shipped.version), ("unable_to_reach", other_mappings.version)]
    with reading(history.loop.engine) as connection:
        assert [each.name for each in versions.all_of(connection)] == [entry[1] for entry in entries]
        for mappings in (shipped, other_mappings):
            kept = versions.load(connection, mappings.version)
            assert kept is not None
            assert kept.files == mappings.files
            assert kept.version == mappings.version
        assert versions.load(connection, "never used") is None


def test_a_change_of_the_mappings_that_changes_no_decision_adds_nothing(
    history: History, other_mappings: Mappings
) -> None:
    history.rejected(1, reason="Competitor")
    before = books(history)
    history.judge_by(other_mappings)
    history.follow()
    assert books(history) == before


def test_deriving_twice_writes_nothing(history: History) -> None:
    history.rejected(1)
    before = books(history)
    history.loop.clock.pass_(days=1)
    history.look_again([L1])
    assert books(history) == before


def test_what_did_not_change_keeps_the_time_when_it_was_learned(history: History) -> None:
    history.rejected(1)
    first = history.loop.clock()
    history.loop.clock.pass_(days=1)
    history.tell(history.make.campaign("C2"), history.make.member("M9", "C2", lead_id="L1"))
    kept = {row["member_id"]: row["learned_at"] for row in history.loop.rows("touches")}
    assert kept == {"M1": first, "M9": history.loop.clock()}
    assert {row["learned_at"] for row in history.loop.rows("credits", model="first")} == {first}
    linear = history.loop.rows("past_credits", model="linear")
    assert [(row["share"], row["learned_at"], row["superseded_at"]) for row in linear] == [
        (Decimal(1), first, history.loop.clock())
    ]


def test_a_corrected_reason_keeps_the_time_of_the_decision_and_not_of_the_correction(
    history: History,
) -> None:
    lost = history.loop.clock()
    deal = history.make.opportunity("O1", "Closed Lost", lost_reason="No budget", stage_changed_at=lost)
    history.tell(deal)
    corrected = history.loop.clock.pass_(days=3)
    history.tell(replace(deal, lost_reason="Competitor"))
    entries = [(row["reason"], row["decided_at"], row["learned_at"]) for row in history.loop.rows("ledger")]
    assert entries == [("no_budget", lost, lost), ("competitor", lost, corrected)]


def test_nothing_is_added_that_was_judged_from_an_older_entry(history: History) -> None:
    history.rejected(1)
    with reading(history.loop.engine) as connection:
        held = ledger.holding(connection, [L1])[L1]
    history.rejected(1, reason="Competitor")
    with reading(history.loop.engine) as connection:
        ledger.check(connection, ledger.holding(connection, [L1]))
        for older in (held, None):
            with pytest.raises(SupersededError, match="judged again"):
                ledger.check(connection, {L1: older})


def test_a_derivation_that_another_one_overtook_leaves_nothing(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.rejected(1)
    history.hold(history.make.lead("L1", "Unqualified", reason="Competitor"))
    with writing(history.loop.engine) as connection:
        stale.note(connection, stale.Work.SUBJECT, [L1])

    def overtaken(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        verdicts = judge(*arguments, **options)
        history.rejected(1, reason="Timing")
        return verdicts

    monkeypatch.setattr("closedloop_server.pipeline.derive.judge", overtaken)
    before = len(history.loop.rows("ledger"))
    with pytest.raises(SupersededError, match="judged again"):
        derive(history.services)
    assert len(history.loop.rows("ledger")) == before + 1
    assert verify(history.services) == []


def test_a_server_with_other_mappings_than_those_in_force_judges_nothing(
    history: History, other_mappings: Mappings
) -> None:
    history.rejected(1)
    old = history.services
    history.judge_by(other_mappings)
    before = books(history)
    with pytest.raises(SupersededError, match="restart this one"):
        derive(old)
    assert books(history) == before
    assert history.loop.rows("stale", work="subject") != []
    history.follow()
    assert [row["reason"] for row in history.loop.rows("ledger")] == ["no_budget", "unable_to_reach"]


def test_nothing_is_learned_before_what_it_supersedes_however_the_clock_goes(history: History) -> None:
    times = []
    for hours, reason in ((0, "No budget"), (-5, "Competitor"), (-1, "No budget"), (9, "Competitor")):
        history.loop.clock.pass_(hours=hours)
        history.rejected(1, reason=reason)
        times.append(history.loop.clock())
    learned = [row["learned_at"] for row in history.loop.rows("ledger")]
    assert learned == sorted(learned)
    assert learned[-1] == times[-1]
    assert verify(history.services) == []
    with reading(history.loop.engine) as connection:
        for at in (*times, times[0] + timedelta(hours=1)):
            totals = reconcile(connection, AttributionModel.LINEAR, as_of=at)
            assert totals.standing <= 1
            assert totals.missing == 0


def test_a_derivation_that_breaks_off_leaves_nothing(history: History) -> None:
    history.hold(history.make.campaign("C1"), history.make.lead("L1", "Unqualified"))
    before = books(history)
    for at in range(4):
        with history.loop.breaking_off(at), suppress(IndexError):
            history.follow()
    history.follow()
    assert len(history.loop.rows("ledger")) == 1
    assert before["ledger"] == []
    assert verify(history.services) == []


def test_erased_words_are_gone_from_every_entry_and_the_counts_of_the_past_stay(history: History) -> None:
    history.rejected(1, reason_note="her mother pays")
    march = history.loop.clock()
    history.loop.clock.pass_(days=1)
    history.rejected(1, reason="Competitor", reason_note="her father pays")
    with reading(history.loop.engine) as connection:
        before = reconcile(connection, AttributionModel.LINEAR, as_of=march)
    with writing(history.loop.engine) as connection:
        personal.forget_reasons(connection, [L1])
    assert {row["note"] for row in history.loop.rows("ledger")} == {None}
    with reading(history.loop.engine) as connection:
        assert reconcile(connection, AttributionModel.LINEAR, as_of=march) == before


def test_replaying_twice_keeps_one_version(history: History) -> None:
    replay(history.services)
    replay(history.services)
    assert [row["version"] for row in history.loop.rows("mapping_versions")] == [load_mappings().version]
