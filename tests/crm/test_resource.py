"""What a resource does by itself, whatever the CRM: ids, duplicates in a batch, what is left unwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from closedloop.crm.base import Refusal
from closedloop.crm.resource import Resource
from closedloop.crm.results import ChangePage, Draft, ReadResult, Verb, WriteOutcome, WriteResult
from closedloop.errors import BadValueError, GoneError, MergedError, NormaliseError, UnsupportedError
from closedloop.mapping import load_mappings
from closedloop.schema.records import Contact, Lead, Record, Ref, User
from closedloop.schema.vocabulary import CrmName, ObjectType


class Memory:
    """A CRM with contacts in a dictionary."""

    def __init__(self, **contacts: Mapping[str, Any]) -> None:
        self.mapping = load_mappings().crm(CrmName.HUBSPOT)
        self.contacts: dict[str, dict[str, Any]] = {
            id_.removeprefix("c"): dict(values) for id_, values in contacts.items()
        }
        self.written: list[tuple[Verb, tuple[Draft, ...], str | None]] = []
        self.asked: list[tuple[tuple[str, ...], frozenset[str] | None]] = []
        self.page: Sequence[Record | Refusal] = ()

    def check_writable(self, of: ObjectType) -> None:
        if of is not ObjectType.CONTACT:
            raise UnsupportedError(f"no {of} can be written", reason="read_only")

    def checked_id(self, of: ObjectType, id: str) -> str:  # noqa: A002 - the word of the schema
        assert of is ObjectType.CONTACT
        if not id.strip().isdigit():
            raise BadValueError("an id is made of digits", field="id", reason="bad_id")
        return id.strip()

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> Sequence[ReadResult[Record]]:
        assert of is ObjectType.CONTACT
        self.asked.append((tuple(ids), fields))
        return [self._read(each) for each in ids]

    def _read(self, id_: str) -> ReadResult[Record]:
        if id_ not in self.contacts:
            return ReadResult(id=id_, error=GoneError("there is none"))
        return ReadResult(id=id_, record=Contact(crm=CrmName.HUBSPOT, id=id_, **self.contacts[id_]))

    def scan(self, of: ObjectType) -> Iterator[Sequence[Record | Refusal]]:
        assert of is ObjectType.CONTACT
        yield self.page

    def changed(self, of: ObjectType, since: str | datetime | None) -> Iterator[ChangePage[Record]]:
        assert of is ObjectType.CONTACT
        yield ChangePage(cursor=str(since))

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> Sequence[WriteResult]:
        assert of is ObjectType.CONTACT
        self.written.append((verb, tuple(drafts), by))
        outcome = {Verb.CREATE: WriteOutcome.CREATED, Verb.DELETE: WriteOutcome.DELETED}
        return [
            WriteResult(outcome=outcome.get(verb, WriteOutcome.UPDATED), id=draft.id or f"9{place}")
            for place, draft in enumerate(drafts)
        ]


@pytest.fixture
def memory() -> Memory:
    return Memory(c1={"title": "Buyer"}, c2={"title": "Owner", "email": "a@example.com"})


@pytest.fixture
def contacts(memory: Memory) -> Resource[Contact]:
    return Resource(memory, Contact)


def test_an_id_is_asked_for_once_however_often_it_is_given(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    found = contacts.get_many(["2", "1", " 2 ", "nobody", "3"])
    assert memory.asked == [(("2", "1", "3"), None)]
    assert [result.record.id if result.record else None for result in found] == ["2", "1", "2", None, None]
    assert [type(result.error) for result in found[3:]] == [BadValueError, GoneError]


def test_the_error_of_a_missing_record_is_raised_by_get(contacts: Resource[Contact]) -> None:
    with pytest.raises(GoneError):
        contacts.get("3")


def test_nothing_is_asked_when_no_id_is_good(memory: Memory, contacts: Resource[Contact]) -> None:
    assert isinstance(contacts.get_many(["x"])[0].error, BadValueError)
    assert contacts.get_many([]) == []
    assert memory.asked == []


def test_a_refused_payload_ends_a_list_unless_somebody_takes_it(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    refusal = Refusal(ref=Ref(ObjectType.CONTACT, "1"), error=NormaliseError("bad", field="email"))
    good = Contact(crm=CrmName.HUBSPOT, id="2")
    memory.page = (refusal, good)
    with pytest.raises(NormaliseError):
        list(contacts.list())
    taken: list[Refusal] = []
    assert list(contacts.list(on_refusal=taken.append)) == [good]
    assert taken == [refusal]


def test_only_what_differs_from_what_the_crm_holds_is_written(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    results = contacts.update_many(
        [("1", {"title": "Buyer"}), ("2", {"title": "Boss", "email": "a@example.com"})]
    )
    assert [result.outcome for result in results] == [WriteOutcome.UNCHANGED, WriteOutcome.UPDATED]
    assert memory.written == [(Verb.UPDATE, (Draft(id="2", values={"title": "Boss"}),), None)]
    assert memory.asked == [(("1", "2"), frozenset({"title", "email"}))]


def test_a_record_in_hand_is_not_read_again(memory: Memory, contacts: Resource[Contact]) -> None:
    record = contacts.get("1")
    memory.asked.clear()
    contacts.update(record, {"title": "Boss"})
    assert memory.asked == []
    assert memory.written[0][1] == (Draft(id="1", values={"title": "Boss"}),)


def test_without_comparing_everything_is_written_and_nothing_read(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    contacts.update("1", {"title": "Buyer"}, compare=False)
    assert memory.asked == []
    assert memory.written[0][1] == (Draft(id="1", values={"title": "Buyer"}),)


def test_the_same_record_twice_is_written_once_and_answered_twice(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    results = contacts.update_many(
        [("1", {"title": "A", "phone": "1"}), ("2", {"title": "B"}), (" 1 ", {"title": "C"})], compare=False
    )
    assert [result.id for result in results] == ["1", "2", "1"]
    assert memory.written[0][1] == (
        Draft(id="1", values={"title": "C", "phone": "1"}),
        Draft(id="2", values={"title": "B"}),
    )


def test_what_cannot_be_sent_is_told_in_its_place_and_the_rest_goes_on(
    memory: Memory, contacts: Resource[Contact]
) -> None:
    results = contacts.update_many(
        [
            ("9", {"title": "Gone"}),
            ("x", {"title": "Bad id"}),
            ("1", {"titel": "Unknown field"}),
            ("2", {"title": "Good"}),
        ]
    )
    errors = [GoneError, BadValueError, UnsupportedError, type(None)]
    assert [type(result.error) for result in results] == errors
    assert [result.ok for result in results] == [False, False, False, True]
    assert memory.written == [(Verb.UPDATE, (Draft(id="2", values={"title": "Good"}),), None)]


def test_nothing_to_write_sends_nothing(memory: Memory, contacts: Resource[Contact]) -> None:
    assert contacts.update("1", {}).outcome is WriteOutcome.UNCHANGED
    assert contacts.update_many([]) == contacts.create_many([]) == contacts.delete_many([]) == []
    assert memory.written == []


@pytest.mark.parametrize(
    "wrong",
    [Lead(crm=CrmName.HUBSPOT, id="1"), Contact(crm=CrmName.SALESFORCE, id="1")],
    ids=["lead", "other"],
)
def test_a_record_of_another_object_or_crm_is_refused(
    memory: Memory, contacts: Resource[Contact], wrong: Any
) -> None:
    with pytest.raises(BadValueError) as caught:
        contacts.delete(wrong)
    assert caught.value.reason == "wrong_record"
    assert memory.written == []


def test_a_record_is_created_from_one_of_another_crm(memory: Memory, contacts: Resource[Contact]) -> None:
    other = Contact(crm=CrmName.SALESFORCE, id="003Qy0000000001AAA", last_name="Meyer", title="Buyer")
    contacts.create(other)
    assert memory.written[0][1] == (Draft(values={"last_name": "Meyer", "title": "Buyer"}),)


def test_the_key_of_an_upsert_is_handed_on(memory: Memory, contacts: Resource[Contact]) -> None:
    contacts.upsert({"email": "a@example.com", "title": "Boss"}, by="email")
    assert memory.written[0][0::2] == (Verb.UPSERT, "email")


def test_a_cursor_is_handed_on_as_it_is(contacts: Resource[Contact]) -> None:
    assert [page.cursor for page in contacts.changes("kept")] == ["kept"]


def test_deleting_twice_in_a_batch_deletes_once(memory: Memory, contacts: Resource[Contact]) -> None:
    results = contacts.delete_many(["1", "1", "2"])
    assert [result.outcome for result in results] == [WriteOutcome.DELETED] * 3
    assert [draft.id for draft in memory.written[0][1]] == ["1", "2"]


@pytest.mark.parametrize(
    "write",
    [
        lambda users: users.create_many([]),
        lambda users: users.create({"nonsense": 1}),
        lambda users: users.update("no id", {}),
        lambda users: users.upsert({}, by="email"),
        lambda users: users.delete("no id"),
    ],
    ids=["nothing", "create", "update", "upsert", "delete"],
)
def test_an_object_that_cannot_be_written_is_told_before_anything_else(
    memory: Memory, write: Callable[[Resource[User]], object]
) -> None:
    with pytest.raises(UnsupportedError, match="no user can be written"):
        write(Resource(memory, User))
    assert memory.written == []
    assert memory.asked == []


def test_a_merged_record_is_told_with_the_one_it_lives_on_in(contacts: Resource[Contact]) -> None:
    error = MergedError("merged", merged_into="2")
    assert isinstance(error, GoneError)
    assert error.merged_into == "2"
