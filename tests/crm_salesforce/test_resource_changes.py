"""Keeping in step: what changed since a cursor, with nothing missing and nothing invented."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.crm.results import ChangePage, Deletion
from closedloop.crm.salesforce import SalesforceCrm
from closedloop.crm.salesforce.describes import Describes
from closedloop.errors import BadValueError, RefusedError, UnsupportedError
from closedloop.sandbox.salesforce import Org, Refusal, SalesforceSandbox
from closedloop.schema.records import Lead
from closedloop.schema.vocabulary import ObjectType

STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)  # where the clock stands at first
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Connect = Callable[..., SalesforceCrm]
Calls = Callable[[], int]


def lead(org: Org, name: str = "Doe", **more: Any) -> str:
    return org.insert("Lead", {"LastName": name, "Company": "Acme"}, **more)


def told(pages: Iterable[ChangePage[Lead]]) -> tuple[list[str], list[Deletion], str]:
    """The ids of all records, the deletions, and the last cursor."""
    ids: list[str] = []
    deleted: list[Deletion] = []
    cursor = ""
    for page in pages:
        ids += [record.id for record in page.records]
        deleted += page.deleted
        cursor = page.cursor
    return ids, deleted, cursor


def dropped(org: Org, record_id: str) -> None:
    """Deletes a record and takes it out of the recycle bin."""
    org.delete("Lead", record_id)
    with org.lock:
        org.tables.drop("Lead", record_id)


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 2000])
def test_records_with_one_stamp_all_come_and_each_once(
    org: Org, connected: Connect, clock: Any, page_size: int
) -> None:
    together = [lead(org, f"Doe {number}") for number in range(7)]
    clock.now += HOUR
    later = lead(org, "Later")
    ids, _, _ = told(connected(page_size=page_size).leads.changes())
    assert ids == [*together, later]


def test_nothing_new_is_one_page_and_two_calls(
    crm: SalesforceCrm, org: Org, clock: Any, calls: Calls
) -> None:
    _, _, cursor = told(crm.leads.changes())
    before = calls()
    (page,) = crm.leads.changes(cursor)
    assert (page.records, page.deleted, page.refused) == ((), (), ())
    assert calls() - before == 2


def test_a_cursor_is_plain_text_that_another_process_can_go_on_from(
    connected: Connect, org: Org, clock: Any
) -> None:
    old = lead(org)
    _, _, cursor = told(connected().leads.changes())
    assert json.loads(cursor)["object"] == "lead"
    clock.now += HOUR
    new = lead(org)
    ids, _, cursor = told(connected().leads.changes(cursor))
    assert ids == [old, new]  # the old one was new when the first walk began: the overlap is read again
    clock.now += HOUR
    assert told(connected().leads.changes(cursor))[0] == [new]


def test_what_was_changed_is_told_from_an_instant_on(crm: SalesforceCrm, org: Org, clock: Any) -> None:
    lead(org, "Old")
    clock.now += HOUR
    since = clock.now
    late = lead(org, "Late", at=since - MINUTE)
    clock.now += HOUR
    new = lead(org, "New")
    assert told(crm.leads.changes(since))[0] == [late, new]


@pytest.mark.parametrize("since", [datetime(2026, 11, 20), datetime.min.replace(tzinfo=UTC)])  # noqa: DTZ001
def test_an_instant_without_a_zone_or_before_all_time_is_refused(crm: SalesforceCrm, since: datetime) -> None:
    with pytest.raises(BadValueError) as caught:
        crm.leads.changes(since)
    assert caught.value.field == "since"


@pytest.mark.parametrize(
    "text", ["", "x", "{}", "null", "[1]", '{"version": 2, "object": "lead"}', "[" * 100_000]
)
def test_a_text_that_is_no_cursor_is_refused_at_once(crm: SalesforceCrm, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        crm.leads.changes(text)
    assert caught.value.reason == "bad_cursor"


def test_another_objects_cursor_is_refused(crm: SalesforceCrm, org: Org) -> None:
    _, _, cursor = told(crm.leads.changes())
    with pytest.raises(RefusedError) as caught:
        crm.contacts.changes(cursor)
    assert caught.value.reason == "bad_cursor"


# Deletions and merges


def test_deletions_and_merges_are_told(crm: SalesforceCrm, org: Org, clock: Any) -> None:
    deleted, loser, survivor, quiet = [lead(org, name) for name in ("Deleted", "Loser", "Survivor", "Quiet")]
    _, _, cursor = told(crm.leads.changes())
    clock.now += HOUR
    org.delete("Lead", deleted)
    org.merge("Lead", survivor, loser)
    ids, gone, _ = told(crm.leads.changes(cursor))
    assert set(ids) == {quiet, survivor}
    assert {(each.ref.object, each.ref.id, each.merged_into) for each in gone} == {
        (ObjectType.LEAD, deleted, None),
        (ObjectType.LEAD, loser, survivor),
    }


def test_what_was_emptied_from_the_recycle_bin_is_told_once(crm: SalesforceCrm, org: Org, clock: Any) -> None:
    emptied, kept = lead(org), lead(org)
    _, _, cursor = told(crm.leads.changes())
    clock.now += HOUR
    dropped(org, emptied)
    clock.now += HOUR
    ids, gone, cursor = told(crm.leads.changes(cursor))
    assert [each.ref.id for each in gone] == [emptied]
    assert kept in ids
    clock.now += HOUR
    assert told(crm.leads.changes(cursor))[1] == []


def test_a_record_that_was_restored_is_not_told_as_deleted(crm: SalesforceCrm, org: Org, clock: Any) -> None:
    restored = lead(org)
    _, _, cursor = told(crm.leads.changes())
    clock.now += HOUR
    org.delete("Lead", restored)
    with org.transaction():
        row = org.tables.get("Lead", restored)
        assert row is not None
        org.tables.put("Lead", {**row, "IsDeleted": False, "SystemModstamp": clock.now + MINUTE})
    ids, gone, _ = told(crm.leads.changes(cursor))
    assert (ids, gone) == ([restored], [])


def test_a_cursor_older_than_the_delete_log_still_works(crm: SalesforceCrm, org: Org, clock: Any) -> None:
    lead(org)
    _, _, cursor = told(crm.leads.changes())
    clock.now += timedelta(days=40)
    emptied = lead(org)
    dropped(org, emptied)
    clock.now += MINUTE * 3
    _, gone, _ = told(crm.leads.changes(cursor))
    assert [each.ref.id for each in gone] == [emptied]


def test_a_log_that_was_purged_is_warned_of_once_and_ends_nothing(
    crm: SalesforceCrm, org: Org, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    person = lead(org)
    _, _, cursor = told(crm.leads.changes())
    clock.now += HOUR
    org.empty_recycle_bin()
    clock.now += HOUR
    ids, _, cursor = told(crm.leads.changes(cursor))
    assert ids == [person]
    assert "delete log of Lead" in caplog.text
    caplog.clear()
    clock.now += HOUR
    told(crm.leads.changes(cursor))
    assert not caplog.text


# Late commits, slow readers, interruptions


def test_a_record_that_commits_late_within_the_overlap_is_found(
    crm: SalesforceCrm, org: Org, clock: Any
) -> None:
    clock.now += MINUTE * 10
    first = lead(org)
    _, _, cursor = told(crm.leads.changes())
    late = lead(org, at=clock.now - MINUTE * 4)
    assert set(told(crm.leads.changes(cursor))[0]) == {first, late}


@pytest.mark.parametrize(("overlap", "found"), [(timedelta(minutes=30), True), (timedelta(minutes=1), False)])
def test_the_overlap_can_be_set(
    connected: Connect, org: Org, clock: Any, *, overlap: timedelta, found: bool
) -> None:
    clock.now += HOUR
    lead(org)
    crm = connected(overlap=overlap)
    _, _, cursor = told(crm.leads.changes())
    late = lead(org, at=clock.now - MINUTE * 20)
    assert (late in told(crm.leads.changes(cursor))[0]) is found


def test_a_transaction_that_salesforce_says_is_running_is_waited_for_however_long_it_takes(
    crm: SalesforceCrm, org: Org, clock: Any
) -> None:
    lead(org)
    with org.late() as transaction:
        slow = lead(org, "Slow")
    clock.now += HOUR
    lead(org)
    ids, _, cursor = told(crm.leads.changes())
    assert slow not in ids
    transaction.commit()
    assert slow in told(crm.leads.changes(cursor))[0]


def test_a_record_that_commits_late_while_a_slow_reader_pages_is_found_by_the_next_walk(
    connected: Connect, org: Org, clock: Any
) -> None:
    people = [lead(org, at=STARTED - HOUR + MINUTE * number) for number in range(6)]
    crm = connected(page_size=2)
    pages = crm.leads.changes()
    ids = [record.id for record in next(pages).records]
    with org.late() as transaction:
        late = lead(org, "Late", at=STARTED - HOUR)
    transaction.commit()
    clock.now += 3 * HOUR
    newest = lead(org, "Newest")
    rest, _, cursor = told(pages)
    assert [*ids, *rest] == [*people, newest]
    clock.now += HOUR
    assert late not in told(crm.leads.changes(cursor))[0]  # it was committed with a stamp an hour old
    with org.late() as transaction:
        late = lead(org, "Late", at=STARTED - MINUTE)
    transaction.commit()
    assert late in told(crm.leads.changes(cursor))[0]  # but what was under way when the walk began comes


def test_a_walk_that_is_taken_up_elsewhere_vouches_only_for_its_own_beginning(
    connected: Connect, org: Org, clock: Any
) -> None:
    people = [lead(org, at=STARTED - HOUR + MINUTE * number) for number in range(4)]
    crm = connected(page_size=2)
    page = next(crm.leads.changes())
    assert [record.id for record in page.records] == people[:2]
    clock.now += 5 * HOUR
    late = lead(org, "Late", at=STARTED - MINUTE)
    behind = lead(org, "Behind")
    ids, _, cursor = told(connected(page_size=2).leads.changes(page.cursor))
    assert ids == [*people[2:], late, behind]
    later = lead(org, "Later still", at=STARTED + MINUTE)
    assert later in told(crm.leads.changes(cursor))[0]


def test_a_record_that_changes_while_it_is_paged_comes_in_its_new_state(
    connected: Connect, org: Org, clock: Any
) -> None:
    people = [lead(org, f"Doe {number}") for number in range(4)]
    pages = connected(page_size=2).leads.changes()
    seen = list(next(pages).records)
    clock.now += MINUTE
    for person in (people[0], people[3]):
        org.update("Lead", person, {"LastName": "New"})
    seen += [record for page in pages for record in page.records]
    newest = {record.id: record.last_name for record in seen}
    assert newest == {people[0]: "New", people[1]: "Doe 1", people[2]: "Doe 2", people[3]: "New"}


def test_reading_goes_on_after_any_page(connected: Connect, org: Org) -> None:
    people = {lead(org, f"Doe {number}") for number in range(7)}
    crm = connected(page_size=2)
    pages = list(crm.leads.changes())
    for stopped, page in enumerate(pages):
        before = {record.id for each in pages[: stopped + 1] for record in each.records}
        rest, _, _ = told(crm.leads.changes(page.cursor))
        assert before | set(rest) == people


def test_what_fails_in_the_middle_goes_on_from_the_last_page(
    connected: Connect, org: Org, sandbox: SalesforceSandbox
) -> None:
    people = [lead(org, f"Doe {number}") for number in range(5)]
    crm = connected(page_size=2)
    pages = crm.leads.changes()
    page = next(pages)
    sandbox.fail(Refusal("MALFORMED_QUERY", "broken"), path="/query")
    with pytest.raises(RefusedError):
        next(pages)
    assert [record.id for record in page.records] + told(crm.leads.changes(page.cursor))[0] == people


# Objects that are different


def test_the_changes_of_tasks_and_events_are_walked_one_after_the_other(
    connected: Connect, org: Org, clock: Any
) -> None:
    tasks = [org.insert("Task", {"Subject": f"Call {number}"}) for number in range(3)]
    crm = connected(page_size=2)
    pages = list(crm.activities.changes())
    assert [record.id for page in pages for record in page.records] == tasks
    assert json.loads(pages[0].cursor)["walks"].keys() == {"Task"}
    assert [
        record.id for page in crm.activities.changes(pages[0].cursor) for record in page.records
    ] == tasks[2:]


def test_users_are_walked_and_have_no_deletions(
    crm: SalesforceCrm, org: Org, clock: Any, calls: Calls
) -> None:
    (page,) = crm.users.changes()
    assert [user.name for user in page.records] == ["Ada Admin", "Closed Loop Integration"]
    clock.now += HOUR
    (page,) = crm.users.changes(page.cursor)
    (page,) = crm.users.changes(page.cursor)
    assert (page.records, page.deleted) == ((), ())
    assert calls() == 3


def test_stages_are_read_whole_and_one_that_was_removed_is_told(crm: SalesforceCrm, org: Org) -> None:
    (page,) = crm.stages.changes()
    assert len(page.records) == 14
    (again,) = crm.stages.changes(page.cursor)
    assert again == page
    stage = next(row["Id"] for row in org.rows("OpportunityStage") if row["ApiName"] == "Closed Lost")
    with org.lock:
        org.tables.drop("OpportunityStage", stage)
    (after,) = crm.stages.changes(page.cursor)
    assert [each.ref.id for each in after.deleted] == ["Closed Lost"]
    assert len(after.records) == 13


def test_an_object_that_does_not_say_when_it_changed_is_said_by_name(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = Describes.has
    monkeypatch.setattr(
        Describes, "has", lambda self, source, path: path != "SystemModstamp" and has(self, source, path)
    )
    with pytest.raises(UnsupportedError) as caught:
        next(crm.leads.changes())
    assert caught.value.reason == "no_changes"
