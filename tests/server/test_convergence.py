"""However the news comes, wherever a step breaks off: the end is what a fresh installation would find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from closedloop.schema.records import LinkedId, Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

FEW = st.integers(0, 2)
EMAILS = st.sampled_from([None, "ann@example.com", "Bob@Example.com"])

ACTIONS = st.one_of(
    st.tuples(st.just("lead"), FEW, st.sampled_from(["Working", "Unqualified", "Nurture"]), EMAILS),
    st.tuples(st.just("convert"), FEW, FEW),
    st.tuples(st.just("contact"), FEW, EMAILS),
    st.tuples(st.just("deal"), FEW, st.sampled_from(["Prospecting", "Closed Lost", "Closed Won"])),
    st.tuples(st.just("role"), FEW, FEW),
    st.tuples(st.just("primary"), FEW, st.none() | FEW),
    st.tuples(st.just("member"), FEW, st.sampled_from(["lead", "contact"]), FEW),
    st.tuples(st.just("marketing_contact"), FEW, EMAILS, st.none() | FEW),
    st.tuples(st.just("marketing_member"), FEW, FEW),
    st.tuples(st.just("remove"), st.integers(0, 50)),
    st.tuples(st.just("turn")),
    st.tuples(st.just("crash"), st.integers(0, 12)),
)

BEGINNING: tuple[tuple[Any, ...], ...] = (
    ("contact", 0, "ann@example.com"),
    ("contact", 1, None),
    ("lead", 0, "Unqualified", "Bob@Example.com"),
    ("lead", 1, "Nurture", None),
    ("member", 0, "lead", 0),
    ("member", 1, "contact", 0),
    ("member", 2, "contact", 1),
    ("marketing_contact", 0, "ann@example.com", None),
    ("marketing_contact", 1, None, 1),
    ("marketing_member", 0, 0),
    ("marketing_member", 1, 1),
    ("deal", 0, "Closed Lost"),
    ("deal", 1, "Closed Won"),
    ("role", 0, 0),
    ("role", 1, 1),
)
"""Enough for every later action to matter to somebody."""


class Story:
    """Things that happen in the two CRMs, each told by a webhook or left for the poll to find."""

    def __init__(self, loop: Loop, salesforce: Make, hubspot: Make) -> None:
        self.loop = loop
        self.salesforce, self.hubspot = salesforce, hubspot

    def play(self, action: tuple[Any, ...], *, told: bool) -> None:
        """Has one thing happen."""
        self.loop.clock.pass_(minutes=1)
        for name, record in getattr(self, action[0])(*action[1:]) or ():
            crm = self.loop.services.crms[name]
            crm.put(replace(record, updated_at=self.loop.clock()))  # type: ignore[attr-defined]
            if told:
                self.loop.hint(name, record.ref)

    def _found(self, object_: ObjectType, id_: str) -> Any:
        return self.loop.sales.records.get(Ref(object_, id_))

    def lead(self, number: int, stage: str, email: str | None) -> Iterator[tuple[str, Record]]:
        """Somebody edits a lead; one that was converted cannot be edited."""
        known = self._found(ObjectType.LEAD, f"L{number}")
        if known is None or not known.converted:
            changed = self.loop.clock()
            yield "sales", self.salesforce.lead(f"L{number}", stage, email=email, stage_changed_at=changed)

    def convert(self, lead: int, contact: int) -> Iterator[tuple[str, Record]]:
        """A lead becomes a contact that is there; its campaign members move along."""
        known = self._found(ObjectType.LEAD, f"L{lead}")
        if known is None or known.converted or not self._found(ObjectType.CONTACT, f"P{contact}"):
            return
        yield "sales", replace(known, converted=True, converted_contact_id=f"P{contact}")

    def contact(self, number: int, email: str | None) -> Iterator[tuple[str, Record]]:
        yield "sales", self.salesforce.contact(f"P{number}", email=email)

    def deal(self, number: int, stage: str) -> Iterator[tuple[str, Record]]:
        changed = self.loop.clock()
        known = self._found(ObjectType.OPPORTUNITY, f"O{number}")
        if known is None:
            yield "sales", self.salesforce.opportunity(f"O{number}", stage, stage_changed_at=changed)
        elif known.stage != stage:
            yield "sales", replace(known, stage=stage, stage_changed_at=changed)

    def role(self, deal: int, contact: int) -> Iterator[tuple[str, Record]]:
        if self._found(ObjectType.OPPORTUNITY, f"O{deal}") and self._found(ObjectType.CONTACT, f"P{contact}"):
            yield "sales", self.salesforce.role(f"O{deal}", f"P{contact}")

    def primary(self, deal: int, campaign: int | None) -> Iterator[tuple[str, Record]]:
        known = self._found(ObjectType.OPPORTUNITY, f"O{deal}")
        if known is not None:
            yield "sales", replace(known, campaign_id=None if campaign is None else f"C{campaign}")

    def member(self, campaign: int, kind: str, person: int) -> Iterator[tuple[str, Record]]:
        object_, prefix = (ObjectType.LEAD, "L") if kind == "lead" else (ObjectType.CONTACT, "P")
        if self._found(object_, f"{prefix}{person}"):
            touched = self.loop.clock() - timedelta(minutes=3)
            values = {f"{kind}_id": f"{prefix}{person}", "touched_at": touched}
            yield "sales", self.salesforce.member(f"M{campaign}{prefix}{person}", f"C{campaign}", **values)

    def marketing_contact(
        self, number: int, email: str | None, linked: int | None
    ) -> Iterator[tuple[str, Record]]:
        ids = (
            ()
            if linked is None
            else (LinkedId(crm=CrmName.SALESFORCE, object=ObjectType.LEAD, id=f"L{linked}"),)
        )
        yield "marketing", self.hubspot.contact(f"50{number}", email=email, linked_ids=ids)

    def marketing_member(self, campaign: int, contact: int) -> Iterator[tuple[str, Record]]:
        if Ref(ObjectType.CONTACT, f"50{contact}") in self.loop.marketing.records:
            touched = self.loop.clock() - timedelta(minutes=2)
            id_ = f"G{campaign}/50{contact}"
            yield (
                "marketing",
                self.hubspot.member(id_, f"G{campaign}", contact_id=f"50{contact}", touched_at=touched),
            )

    def remove(self, place: int) -> None:
        """Somebody deletes something; a webhook says so, because a later poll would not."""
        removable = [
            (name, crm, ref)
            for name, crm in (("sales", self.loop.sales), ("marketing", self.loop.marketing))
            for ref in sorted(crm.records)
            if ref.object is not ObjectType.STAGE
        ]
        if removable:
            name, crm, ref = removable[place % len(removable)]
            self.loop.hint(name, *crm.remove(ref))

    def turn(self) -> None:
        """The server has the time for one round."""
        self.loop.one_round()

    def crash(self, at: int) -> None:
        """A round breaks off at the end of its transaction number `at`, if it has as many."""
        with self.loop.breaking_off(at):
            self.loop.one_round()


def conclusions(loop: Loop) -> dict[str, set[tuple[Any, ...]]]:
    """What is decided, who is credited, and what every target shows; not what was learned on the way."""
    entries = {row["id"]: (row["connection"], row["crm_id"], row["outcome"]) for row in loop.rows("ledger")}
    standing = {entries[row["ledger_id"]] for row in loop.rows("standings") if row["outcome"] != "reopened"}
    return {
        "standing": standing,
        "credits": {
            (*entries[row["ledger_id"]], row["model"], row["campaign_id"], row["share"], row["cause"])
            for row in loop.rows("credits")
        },
        "touches": {
            (*entries[row["ledger_id"]], row["member_id"], row["link"]) for row in loop.rows("touches")
        },
        "shown": {
            (row["connection"], row["key"], repr(row["state"])) for row in loop.rows("desired") if _says(row)
        },
    }


def _says(row: dict[str, Any]) -> bool:
    """Whether a target shows anything: one that shows nothing any more looks like one that never did."""
    state = row["state"]
    if row["kind"] == "person":
        return state["outcome"] is not None
    if row["kind"] == "reason":
        return bool(state["total"]["decisions"])
    return bool(state["reasons"])


@hypothesis_settings(
    max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=st.lists(st.tuples(ACTIONS, st.booleans()), min_size=1, max_size=15))
def test_the_end_is_what_a_fresh_installation_would_find(
    make_loop: Callable[[], Loop],
    salesforce: Make,
    hubspot: Make,
    story: list[tuple[tuple[Any, ...], bool]],
) -> None:
    with _loop(make_loop) as loop:
        played = Story(loop, salesforce, hubspot)
        for action in BEGINNING:
            played.play(action, told=False)
        loop.poll()
        for action, told in story:
            played.play(action, told=told)
        loop.settle()
        loop.poll()
        with _loop(make_loop) as fresh:
            fresh.sales.records, fresh.marketing.records = loop.sales.records, loop.marketing.records
            fresh.clock.now = loop.clock.now
            fresh.poll()
            found, expected = conclusions(loop), conclusions(fresh)
            differing = {part: (found[part] ^ expected[part]) for part in found}
            assert differing == {part: set() for part in found}
        assert loop.rows("stale") == loop.rows("hints") == []
        told_last = {row["key"]: row["digest"] for row in loop.rows("delivered")}
        assert all(told_last[row["key"]] == row["digest"] for row in loop.rows("desired"))


@contextmanager
def _loop(make_loop: Callable[[], Loop]) -> Iterator[Loop]:
    loop = make_loop()
    try:
        yield loop
    finally:
        loop.engine.dispose()
