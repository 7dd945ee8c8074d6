"""The promise of `changes`: whatever happens in the org, in whatever order, nothing is missing in the end
and nothing is invented. Random stories of an org are told against the sandbox, read in tiny pages by readers
that are slow, that stop, and that begin again from the cursor they kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from closedloop.crm.results import ChangePage
from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.mapping import load_mappings
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.records import Lead

WHAT = (
    *["insert"] * 4,
    *["update"] * 3,
    *["read"] * 6,
    *["wait"] * 4,
    *["late insert", "late update", "commit"] * 2,
    *["delete", "drop", "merge", "begin again"],
)
EVENTS = st.tuples(st.sampled_from(WHAT), st.integers(0, 999))
WAITS = (1, 20, 61, 400, 4_000, 90_000)


class Clock:
    """Goes on only when the story says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Story:
    """An org, what happens in it, and a reader who keeps a copy of its leads."""

    def __init__(self, page_size: int) -> None:
        self.clock = Clock()
        self.sandbox = SalesforceSandbox(clock=self.clock)
        self.org = self.sandbox.org
        self.open: list[Any] = []
        self.made: set[str] = set()
        self.copy: dict[str, str | None] = {}
        self.gone: dict[str, str | None] = {}
        self.cursor: str | None = None
        self.pages: Any = None
        credentials = SalesforceCredentials(
            login_url=self.sandbox.url, access_token=self.sandbox.access_token, api_version="62.0"
        )
        self.crm = SalesforceCrm(credentials, load_mappings(), page_size=page_size, clock=self.clock)

    def happen(self, what: str, number: int) -> None:
        getattr(self, "_" + what.replace(" ", "_"))(number)

    def truth(self) -> dict[str, str | None]:
        return {row["Id"]: row["LastName"] for row in self.org.rows("Lead")}

    def read(self, pages: int) -> None:
        """Takes so many pages of the walk under way, or of a new one."""
        for _ in range(pages):
            self.pages = self.pages or iter(self.crm.leads.changes(self.cursor))
            page: ChangePage[Lead] | None = next(self.pages, None)
            if page is None:
                self.pages = None
                return
            self._take(page)

    def finish(self) -> None:
        """Commits everything, and reads until it has read all of it."""
        while self.open:
            self.open.pop().commit()
        for _ in range(2):
            self.clock.now += timedelta(minutes=1)
            self._begin_again(0)
            for page in self.crm.leads.changes(self.cursor):
                self._take(page)

    def _take(self, page: ChangePage[Lead]) -> None:
        assert not page.refused
        for record in page.records:
            assert record.id in self.made
            self.copy[record.id] = record.last_name
        for deletion in page.deleted:
            assert deletion.ref.id in self.made
            self.copy.pop(deletion.ref.id, None)
            self.gone.setdefault(deletion.ref.id, deletion.merged_into)
        self.cursor = page.cursor

    def _new(self) -> str:
        made = self.org.insert("Lead", {"LastName": f"Doe {len(self.made)}", "Company": "Acme"})
        self.made.add(made)
        return made

    def _chosen(self, number: int) -> str | None:
        held = {row["Id"] for transaction in self.open for _, row in transaction.rows}
        free = sorted(set(self.truth()) - held)
        return free[number % len(free)] if free else None

    def _insert(self, count: int) -> None:
        for _ in range(1 + count % 3):
            self._new()

    def _update(self, number: int) -> None:
        if chosen := self._chosen(number):
            self.org.update("Lead", chosen, {"LastName": f"Changed {number}"})

    def _delete(self, number: int) -> None:
        if chosen := self._chosen(number):
            self.org.delete("Lead", chosen)

    def _drop(self, number: int) -> None:
        if chosen := self._chosen(number):
            self.org.delete("Lead", chosen)
            with self.org.lock:
                self.org.tables.drop("Lead", chosen)

    def _merge(self, number: int) -> None:
        loser, survivor = self._chosen(number), self._chosen(number + 1)
        if loser and survivor and loser != survivor:
            self.org.merge("Lead", survivor, loser)

    def _late_insert(self, count: int) -> None:
        with self.org.late() as transaction:
            self._insert(count)
        self.open.append(transaction)

    def _late_update(self, number: int) -> None:
        if chosen := self._chosen(number):
            with self.org.late() as transaction:
                self.org.update("Lead", chosen, {"LastName": f"Late {number}"})
            self.open.append(transaction)

    def _commit(self, number: int) -> None:
        if self.open:
            self.open.pop(number % len(self.open)).commit()

    def _wait(self, number: int) -> None:
        self.clock.now += timedelta(seconds=WAITS[number % len(WAITS)])

    def _read(self, number: int) -> None:
        self.read(1 + number % 5)

    def _begin_again(self, _: int) -> None:
        self.pages = None


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # making a failure smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(page_size=st.integers(1, 4), events=st.lists(EVENTS, min_size=20, max_size=40))
def test_nothing_is_missing_and_nothing_invented(page_size: int, events: list[tuple[str, int]]) -> None:
    story = Story(page_size)
    with story.sandbox:
        for what, number in [("insert", 2), ("read", 1), *events]:
            story.happen(what, number)
        story.finish()
        missing = story.truth().keys() - story.copy.keys()
        invented = story.copy.keys() - story.truth().keys()
        assert (missing, invented) == (set(), set())
        assert story.copy == story.truth()
        story.crm.close()


def test_what_was_deleted_and_merged_is_told_with_the_survivor() -> None:
    story = Story(page_size=2)
    with story.sandbox:
        story.happen("insert", 2)
        story.read(9)
        for what in ("merge", "wait", "delete"):
            story.happen(what, 1)
        story.finish()
        assert len(story.gone) == 2
        assert sum(survivor in story.made for survivor in story.gone.values()) == 1
        story.crm.close()
