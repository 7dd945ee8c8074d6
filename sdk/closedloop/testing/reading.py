"""How every CRM is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from closedloop.crm.results import Verb, WriteOutcome
from closedloop.errors import BadValueError, GoneError, RefusedError, UnsupportedError
from closedloop.schema.vocabulary import ObjectType
from closedloop.testing.stage import OBJECTS, Stage, contacts, created, resources, supports

_BAD_IDS = ("", " ", "//evil/x", "http://evil/x", "../limits", "a/b/c", "1' OR Id != '", "0" * 400, "\ud800")
_BAD_CURSORS = ("", "{", "[]", "{}", "null", "1e400", '{"version": 999}')


class Reading:
    """Records are read one, many and all at a time, and kept in step with."""

    @OBJECTS
    def test_what_was_created_is_read_back_as_it_was_given(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        if not supports(stage, of, Verb.CREATE):
            return
        values = stage.values(of, 1)
        result = resource.create(values)
        assert result.outcome is WriteOutcome.CREATED
        record = resource.get(result.id or "")
        assert record.id == result.id
        assert record.object is of
        assert {name: getattr(record, name) for name in values} == dict(values)

    @OBJECTS
    def test_a_list_holds_every_record_once(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        if not supports(stage, of, Verb.CREATE):
            assert len({record.id for record in resource.list()}) == len(list(resource.list()))
            return
        created = [result.id for result in resource.create_many(stage.values(of, n) for n in range(7))]
        listed = [record.id for record in resource.list()]
        assert set(created) <= set(listed)
        assert len(listed) == len(set(listed))

    def test_a_list_is_read_no_further_than_it_is_asked_for(self, stage: Stage) -> None:
        stage.crm.contacts.create_many(
            stage.values(ObjectType.CONTACT, number) for number in range(stage.page * 2 + 1)
        )
        list(stage.crm.accounts.list())  # definitions and the like are known from here on
        next(stage.crm.contacts.list())
        before = stage.crm.quota.own
        next(stage.crm.contacts.list())
        first = stage.crm.quota.own - before
        before = stage.crm.quota.own
        listed = sum(1 for _ in stage.crm.contacts.list())
        assert listed >= stage.page * 2 + 1
        assert first < stage.crm.quota.own - before

    def test_many_are_read_in_the_order_asked_for_and_what_fails_is_told_in_its_place(
        self, stage: Stage
    ) -> None:
        ids = [result.id or "" for result in contacts(stage, 3)]
        gone = stage.crm.contacts.delete(ids[1]).id or ""
        found = stage.crm.contacts.get_many([ids[2], gone, "//evil/x", ids[0], ids[2]])
        assert [result.id for result in found] == [ids[2], gone, "//evil/x", ids[0], ids[2]]
        assert [result.record is not None for result in found] == [True, False, False, True, True]
        assert isinstance(found[1].error, GoneError)
        assert isinstance(found[2].error, BadValueError)

    @pytest.mark.parametrize("bad", _BAD_IDS, ids=repr)
    def test_an_id_that_cannot_be_one_is_never_sent(self, stage: Stage, bad: str) -> None:
        before = stage.crm.quota.own
        everything = resources(stage.crm)
        del everything[ObjectType.STAGE]  # named by admins, and looked up among all stages
        for resource in everything.values():
            with pytest.raises(BadValueError):
                resource.get(bad)
            if supports(stage, resource.object, Verb.DELETE):
                with pytest.raises(BadValueError):
                    resource.delete(bad)
        assert stage.crm.quota.own == before

    # Keeping in step

    @OBJECTS
    def test_changes_begin_with_everything_and_go_on_with_what_is_new(
        self, stage: Stage, of: ObjectType
    ) -> None:
        resource = resources(stage.crm)[of]
        if of in stage.unchanging:
            with pytest.raises(UnsupportedError):
                list(resource.changes())
            return
        ids = created(stage, resource, range(3))
        pages = list(resource.changes())
        assert ids <= {record.id for page in pages for record in page.records}
        cursor = pages[-1].cursor
        stage.pass_time(3600)
        more = created(stage, resource, range(3, 5)) - ids
        seen = {record.id for page in resource.changes(cursor) for record in page.records}
        assert more <= seen

    def test_a_cursor_is_a_plain_text_and_every_page_has_one(self, stage: Stage) -> None:
        contacts(stage, 3)
        for page in stage.crm.contacts.changes():
            assert isinstance(page.cursor, str)
            json.loads(page.cursor)

    def test_deletions_and_changes_are_told(self, stage: Stage) -> None:
        changed, deleted = (result.id or "" for result in contacts(stage, 2))
        cursor = list(stage.crm.contacts.changes())[-1].cursor
        stage.pass_time(3600)
        stage.crm.contacts.update(changed, {"title": "Buyer"})
        stage.crm.contacts.delete(deleted)
        pages = list(stage.crm.contacts.changes(cursor))
        assert changed in {record.id for page in pages for record in page.records}
        assert deleted in {each.ref.id for page in pages for each in page.deleted}

    def test_changes_may_begin_at_an_instant(self, stage: Stage) -> None:
        contacts(stage, 1)
        pages = list(stage.crm.contacts.changes(datetime(2001, 1, 1, tzinfo=UTC)))
        assert sum(len(page.records) for page in pages) >= 1

    def test_a_naive_instant_is_refused(self, stage: Stage) -> None:
        with pytest.raises(BadValueError):
            list(stage.crm.contacts.changes(datetime(2026, 1, 1)))  # noqa: DTZ001 - naive is the point

    @pytest.mark.parametrize("bad", _BAD_CURSORS, ids=repr)
    def test_a_text_that_is_no_cursor_is_refused(self, stage: Stage, bad: str) -> None:
        with pytest.raises(RefusedError) as caught:
            list(stage.crm.contacts.changes(bad))
        assert caught.value.reason == "bad_cursor"

    def test_the_cursor_of_another_object_is_refused(self, stage: Stage) -> None:
        cursor = list(stage.crm.accounts.changes())[-1].cursor
        with pytest.raises(RefusedError) as caught:
            list(stage.crm.contacts.changes(cursor))
        assert caught.value.reason == "bad_cursor"
