"""What changed since a cursor: nothing is missed, nothing is invented, whatever happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedloop.crm.hubspot import HubSpotCredentials, HubSpotCrm, calls, search
from closedloop.crm.results import ChangePage, Deletion
from closedloop.errors import BadValueError, RefusedError, UnsupportedError
from closedloop.mapping import Mappings, load_mappings
from closedloop.sandbox.hubspot import HubSpotSandbox, random_lag
from closedloop.schema.records import Contact, Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told to go on."""

    portal: Any  # whose clock it is

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=3)  # two things never happen at once, but nearly so
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(clock=clock) as sandbox:
        clock.portal = sandbox.portal
        yield sandbox


def connect(sandbox: HubSpotSandbox, mappings: Mappings) -> HubSpotCrm:
    return HubSpotCrm(HubSpotCredentials(access_token=sandbox.access_token, base_url=sandbox.url), mappings)


def drained(resource: Any, since: Any = None) -> tuple[list[Any], list[Deletion], str]:
    """All records and deletions of a round, and its last cursor."""
    pages: list[ChangePage[Any]] = list(resource.changes(since))
    assert [page.refused for page in pages if page.refused] == []
    records = [record for page in pages for record in page.records]
    return records, [each for page in pages for each in page.deleted], pages[-1].cursor


def ids(records: list[Any]) -> set[str]:
    return {record.id for record in records}


def test_the_first_round_brings_everything_and_the_next_only_what_changed(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    made = [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(3)]
    clock.pass_(hours=1)
    portal.update("contacts", made[2], {"jobtitle": "First"})
    clock.pass_(hours=1)
    records, deleted, cursor = drained(connected.contacts)
    assert ids(records) == set(made)
    assert deleted == []
    clock.pass_(hours=1)
    portal.update("contacts", made[1], {"jobtitle": "Buyer"})
    clock.pass_(hours=1)
    records, _, cursor = drained(connected.contacts, cursor)
    assert made[1] in ids(records)
    assert made[0] not in ids(records)
    assert next(record for record in records if record.id == made[1]).title == "Buyer"


@pytest.mark.parametrize(
    ("resource", "object_type", "values"),
    [
        ("accounts", "companies", {"name": "A"}),
        ("opportunities", "deals", {"dealname": "D"}),
        ("activities", "notes", {"hs_note_body": "N", "hs_timestamp": "2026-03-01T09:00:00Z"}),
        ("activities", "tasks", {"hs_task_subject": "T", "hs_timestamp": "2026-03-01T09:00:00Z"}),
    ],
)
def test_every_object_that_can_be_searched_tells_its_changes(
    connected: HubSpotCrm, clock: Clock, resource: str, object_type: str, values: dict[str, str]
) -> None:
    of, portal = getattr(connected, resource), clock.portal
    first = portal.create(object_type, values)
    clock.pass_(hours=1)
    records, _, cursor = drained(of)
    assert ids(records) == {first}
    second = portal.create(object_type, values)
    portal.delete(object_type, first)
    records, deleted, _ = drained(of, cursor)
    assert ids(records) == {second}
    assert [each.ref.id for each in deleted] == [first]


def test_an_instant_works_like_a_cursor(portal: Any, connected: HubSpotCrm, clock: Clock) -> None:
    portal.create("contacts", {"email": "old@example.com"})
    clock.pass_(hours=1)
    since = clock.now
    new = portal.create("contacts", {"email": "new@example.com"})
    records, _, _ = drained(connected.contacts, since)
    assert ids(records) == {new}


def test_a_naive_instant_is_refused(connected: HubSpotCrm) -> None:
    with pytest.raises(BadValueError) as caught:
        connected.contacts.changes(datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
    assert caught.value.field == "since"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "null",
        "[]",
        "{",
        "17",
        '{"object":"lead"}',
        '{"object":"contact","marks":{"contacts":"yesterday"}}',
        '{"object":"contact","marks":[]}',
        '{"object":"contact","step":"elsewhere"}',
        '{"object":"contact","started":"2026-03-01T12:00:00.000Z","source":"deals"}',
        '{"object":"contact","after":7}',
        '{"object":"contact","started":"x"}',
        '{"object":"contact","started":"0001-01-01T00:00:00+05:00"}',
        '{"object":"contact","step":"search","source":"contacts","started":"2026-03-01T12:00:00.000Z"}',
        '{"object":"contact","step":"archived","source":"contacts","started":"2026-03-01T12:00:00.000Z"}',
        '{"object":"contact","step":"search","source":"contacts","started":"2026-03-01T12:00:00Z",'  # noqa: ISC004
        '"marks":{"contacts":"2026-03-01T12:00:00Z"},"after":"//evil/x"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_cursor_of_the_object_is_refused(connected: HubSpotCrm, cursor: str) -> None:
    with pytest.raises(RefusedError) as caught:
        connected.contacts.changes(cursor)
    assert caught.value.reason == "bad_cursor"


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11))])
@pytest.mark.parametrize("since", [datetime(1, 1, 1), datetime(1970, 1, 1)])  # noqa: DTZ001 - zones are above
def test_any_instant_of_long_ago_will_do(
    portal: Any, connected: HubSpotCrm, since: datetime, zone: timezone
) -> None:
    made = portal.create("contacts", {"email": "a@example.com"})
    records, _, cursor = drained(connected.contacts, since.replace(tzinfo=zone))
    assert ids(records) == {made}
    assert drained(connected.contacts, cursor)[1] == []


def test_a_cursor_is_a_json_text_without_personal_data(portal: Any, connected: HubSpotCrm) -> None:
    portal.create("contacts", {"email": "ada@example.com"})
    _, _, cursor = drained(connected.contacts)
    assert json.loads(cursor)["object"] == "contact"
    assert "example.com" not in cursor


@pytest.mark.parametrize("resource", ["contact_roles", "campaign_members"])
def test_what_hubspot_says_nothing_about_is_unsupported_by_name(connected: HubSpotCrm, resource: str) -> None:
    with pytest.raises(UnsupportedError, match="HubSpot does not say when"):
        getattr(connected, resource).changes()


# -- What must not be lost


def test_equal_times_are_all_found(portal: Any, connected: HubSpotCrm, clock: Clock) -> None:
    _, _, cursor = drained(connected.accounts, NOON - timedelta(days=1))
    moment = clock.now + timedelta(hours=1)
    clock.pass_(hours=2)
    first = portal.create("companies", {"name": "A"}, at=moment)
    records, _, cursor = drained(connected.accounts, cursor)
    assert ids(records) == {first}
    second = portal.create("companies", {"name": "B"}, at=moment)
    records, _, _ = drained(connected.accounts, cursor)
    assert second in ids(records)


def test_a_change_that_the_index_shows_late_is_found_by_a_later_round(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    seen = portal.create("contacts", {"email": "seen@example.com"})
    _, _, cursor = drained(connected.contacts)
    clock.pass_(hours=1)
    portal.index_lag = 120
    late = portal.create("contacts", {"email": "late@example.com"})
    portal.index_lag = 0
    portal.update("contacts", seen, {"jobtitle": "Buyer"})  # newer, but shown at once
    records, _, cursor = drained(connected.contacts, cursor)
    assert late not in ids(records)
    clock.pass_(seconds=121)
    records, _, _ = drained(connected.contacts, cursor)
    assert late in ids(records)


def test_the_overlap_may_be_longer(sandbox: HubSpotSandbox, mappings: Mappings, clock: Clock) -> None:
    credentials = HubSpotCredentials(
        access_token=sandbox.access_token, base_url=sandbox.url, overlap=timedelta(hours=2)
    )
    crm = HubSpotCrm(credentials, mappings)
    clock.portal.create("contacts", {"email": "first@example.com"})
    _, _, cursor = drained(crm.contacts)
    clock.pass_(hours=3)
    clock.portal.index_lag = 5400
    late = clock.portal.create("contacts", {"email": "late@example.com"})
    clock.portal.index_lag = 0
    clock.portal.create("contacts", {"email": "prompt@example.com"})
    _, _, cursor = drained(crm.contacts, cursor)
    clock.pass_(minutes=91)
    assert late in ids(drained(crm.contacts, cursor)[0])


def test_changes_beyond_what_one_search_can_give_are_all_found(
    portal: Any, connected: HubSpotCrm, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A small page meets the same wall as 10,000 results do: the way on is by id, never by paging.
    monkeypatch.setattr(search, "MOST", 3)
    since = clock.now
    made = {portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(20)}
    records, _, _ = drained(connected.contacts, since)
    assert ids(records) == made
    assert len(records) == 20


def test_a_record_changed_while_pages_are_read_is_not_skipped(
    portal: Any, connected: HubSpotCrm, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST", 2)
    since = clock.now
    made = [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(6)]
    found: dict[str, Contact] = {}
    pages = connected.contacts.changes(since)
    page = next(pages)
    found |= {record.id: record for record in page.records}
    clock.pass_(hours=3)  # a slow consumer
    portal.update("contacts", made[0], {"jobtitle": "Buyer"})  # its page has gone by
    for page in pages:
        found |= {record.id: record for record in page.records}
    assert set(found) == set(made)
    records, _, _ = drained(connected.contacts, page.cursor)
    assert {record.id: record.title for record in records}[made[0]] == "Buyer"


def test_a_round_goes_on_after_any_page(
    mappings: Mappings, sandbox: HubSpotSandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST", 2)
    portal = sandbox.portal
    since: Any = clock.now
    made = {portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(7)}
    found: set[str] = set()
    for _ in range(30):
        page = next(iter(connect(sandbox, mappings).contacts.changes(since)))
        found |= ids(list(page.records))
        since = page.cursor
    assert found == made


# -- Deleted and merged


def test_a_deleted_record_is_told_once_it_is_archived(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    old, gone = (portal.create("companies", {"name": name}) for name in "AB")
    portal.delete("companies", old)
    clock.pass_(hours=1)
    portal.update("companies", gone, {"industry": "Mining"})
    clock.pass_(hours=1)
    _, _, cursor = drained(connected.accounts)
    clock.pass_(hours=1)
    portal.delete("companies", gone)
    _, deleted, cursor = drained(connected.accounts, cursor)
    assert Deletion(ref=Ref(_O.ACCOUNT, gone)) in deleted
    assert Ref(_O.ACCOUNT, old) not in {each.ref for each in deleted}


def test_merged_records_are_told_with_the_one_that_they_live_on_in(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    first, second, third = (portal.create("contacts", {"email": f"{n}@example.com"}) for n in "abc")
    _, _, cursor = drained(connected.contacts)
    clock.pass_(hours=1)
    middle = portal.merge("contacts", first, second)
    last = portal.merge("contacts", middle, third)
    clock.pass_(hours=1)
    records, deleted, cursor = drained(connected.contacts, cursor)
    assert last in ids(records)
    told = {each.ref.id: each.merged_into for each in deleted}
    assert {first, second, third} - {last} <= set(told)
    assert set(told.values()) == {last}


def test_what_was_merged_into_a_deleted_record_is_gone_too(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    first, second = (portal.create("contacts", {"email": f"{n}@example.com"}) for n in "ab")
    _, _, cursor = drained(connected.contacts)
    clock.pass_(hours=1)
    left = portal.merge("contacts", first, second)
    portal.delete("contacts", left)
    _, deleted, _ = drained(connected.contacts, cursor)
    assert {first, second, left} == {each.ref.id for each in deleted}


def test_a_record_that_the_index_still_shows_but_that_is_gone_is_told_as_deleted(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    _, _, cursor = drained(connected.contacts, clock.now - timedelta(hours=1))
    made = portal.create("contacts", {"email": "a@example.com"})
    portal.index_lag = 60
    portal.delete("contacts", made)
    records, deleted, _ = drained(connected.contacts, cursor)
    assert records == []
    assert {each.ref.id for each in deleted} == {made}


def test_what_hubspot_does_not_show_is_refused_and_not_called_deleted(
    double: Any, crm: HubSpotCrm, told: Any
) -> None:
    double.answer("GET", "/crm/v3/properties/companies", {"results": []})
    double.answer("GET", "/account-info/v3/details", told({"portalId": 1}))
    double.answer("POST", "/crm/v3/objects/companies/search", {"results": [{"id": "1"}, {"id": "2"}]})
    hidden = {"category": "VALIDATION_ERROR", "message": "no", "context": {"ids": ["2"]}}
    rows = [{"id": "1", "properties": {}, "updatedAt": "yesterday"}]
    double.answer("POST", "/crm/v3/objects/companies/batch/read", {"results": rows, "errors": [hidden]})
    double.answer("GET", "/crm/v3/objects/companies", {"results": []})
    pages = list(crm.accounts.changes(NOON))
    refused = {each.ref.id: each.error.reason for page in pages for each in page.refused}
    assert set(refused) == {"1", "2"}
    assert refused["2"] == "unreadable"
    assert [page.deleted for page in pages] == [(), ()]


# -- What is read whole


def test_of_campaigns_only_what_differs_is_told_and_what_is_gone(
    portal: Any, connected: HubSpotCrm, clock: Clock
) -> None:
    kept, changed, gone = (portal.create_campaign({"hs_name": name}) for name in "ABC")
    records, _, cursor = drained(connected.campaigns)
    assert ids(records) == {kept, changed, gone}
    clock.pass_(hours=1)
    portal.update_campaign(changed, {"hs_notes": "New"})
    portal.delete_campaign(gone)
    records, deleted, cursor = drained(connected.campaigns, cursor)
    assert ids(records) == {changed}
    assert [each.ref.id for each in deleted] == [gone]
    records, deleted, _ = drained(connected.campaigns, cursor)
    assert (records, deleted) == ([], [])


def test_users_and_stages_are_told_once(portal: Any, connected: HubSpotCrm) -> None:
    owner = portal.create_owner("olga@example.com", "Olga", "Owner")
    records, _, cursor = drained(connected.users)
    assert ids(records) == {owner}
    assert drained(connected.users, cursor)[:2] == ([], [])
    stages, _, cursor = drained(connected.stages)
    assert "lead-pipeline-id/unqualified-stage-id" in ids(stages)
    assert drained(connected.stages, cursor)[:2] == ([], [])


def test_an_interrupted_reading_of_campaigns_begins_again(portal: Any, connected: HubSpotCrm) -> None:
    made = {portal.create_campaign({"hs_name": f"C{n:03}"}) for n in range(120)}
    first = next(iter(connected.campaigns.changes()))
    records, _, _ = drained(connected.campaigns, first.cursor)
    assert ids(records) == made


# -- Whatever happens

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 4)),
        st.tuples(st.just("update"), st.integers(0, 20)),
        st.tuples(st.just("archive"), st.integers(0, 20)),
        st.tuples(st.just("merge"), st.integers(0, 20)),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 120, 400])),
        st.tuples(st.just("page"), st.integers(1, 4)),
        st.tuples(st.just("give up"), st.just(0)),
        st.tuples(st.just("round"), st.just(0)),
    ),
    min_size=10,
    max_size=40,
)


class Mirror:
    """A consumer: keeps what the pages tell, and the cursor of the last page it dealt with."""

    def __init__(self, connect: Callable[[], HubSpotCrm]) -> None:
        self._connect = connect
        self.held: dict[str, str | None] = {}
        self.told_deleted: set[str] = set()
        self.cursor: str | None = None
        self._pages: Iterator[ChangePage[Contact]] | None = None

    def take(self) -> bool:
        """Deals with one page; False at the end of a round."""
        if self._pages is None:
            self._pages = self._connect().contacts.changes(self.cursor)
        page = next(self._pages, None)
        if page is None:
            self._pages = None
            return False
        assert page.refused == ()
        self.held |= {record.id: record.title for record in page.records}
        for each in page.deleted:
            self.held.pop(each.ref.id, None)
            self.told_deleted.add(each.ref.id)
        self.cursor = page.cursor
        return True

    def give_up(self) -> None:
        """Forgets where the round stands, as a process that is killed does."""
        self._pages = None

    def act(self, what: str, number: int) -> None:
        """What the consumer does in a step; nothing in those of the portal."""
        if what == "page":
            for _ in range(number):
                self.take()
        elif what == "give up":
            self.give_up()
        elif what == "round":
            self.round()

    def round(self) -> None:
        self.give_up()
        for _ in range(2):  # the rest of a round, and a whole one
            while self.take():
                pass


def act(sandbox: HubSpotSandbox, clock: Clock, step: tuple[str, int]) -> None:
    """What happens in the portal."""
    portal, (what, number) = sandbox.portal, step
    live = portal.ids("contacts")
    one = live[number % len(live)] if live else None
    match what:
        case "create":
            for each in range(number):
                portal.create("contacts", {"email": f"{clock().timestamp()}-{each}@example.com"})
        case "update" if one:
            portal.update("contacts", one, {"jobtitle": f"T{number} {clock.now.timestamp()}"})
        case "archive" if one:
            portal.delete("contacts", one)
        case "merge" if one and len(live) > 1:
            portal.merge("contacts", one, live[(number + 1) % len(live)])
        case "pass":
            clock.pass_(seconds=number)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, seed=st.integers(0, 1000))
def test_nothing_is_missed_and_nothing_invented_whatever_happens_between_the_pages(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]], seed: int
) -> None:
    monkeypatch.setattr(search, "MOST", 2)
    monkeypatch.setattr(calls, "CHUNK", 2)
    mappings, clock = load_mappings(), Clock()
    with HubSpotSandbox(clock=clock) as sandbox:
        portal = sandbox.portal
        portal.index_lag = random_lag(0, 240, seed=seed)
        crm = connect(sandbox, mappings)
        mirror = Mirror(lambda: crm)
        ever: set[str] = set()
        for step in steps:
            act(sandbox, clock, step)
            mirror.act(*step)
            ever |= set(portal.ids("contacts"))
        mirror.round()
        clock.pass_(seconds=241)
        mirror.round()
        live = {
            each: portal.get("contacts", each)["properties"].get("jobtitle")
            for each in portal.ids("contacts")
        }
        assert mirror.held == live
        assert mirror.told_deleted <= ever - set(live)
        crm.close()
