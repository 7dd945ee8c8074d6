"""How every CRM is written to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.results import Verb, WriteOutcome
from closedloop.errors import BadValueError, GoneError, MergedError, UnsupportedError
from closedloop.schema.vocabulary import ObjectType
from closedloop.testing.stage import OBJECTS, Stage, contacts, resources, supports


class Writing:
    """Records are created, changed, deleted and refused."""

    @OBJECTS
    def test_an_update_writes_what_differs_and_nothing_else(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        if not supports(stage, of, Verb.CREATE, Verb.UPDATE):
            return
        values, change = stage.values(of, 1), stage.change(of)
        record = resource.get(resource.create(values).id or "")
        assert resource.update(record, change).outcome is WriteOutcome.UPDATED
        changed = resource.get(record.id)
        assert {name: getattr(changed, name) for name in change} == dict(change)
        kept = [name for name in values if name not in change]
        assert [getattr(changed, name) for name in kept] == [values[name] for name in kept]

    @OBJECTS
    def test_what_the_crm_holds_already_is_not_written_again(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        if not supports(stage, of, Verb.CREATE, Verb.UPDATE):
            return
        change = stage.change(of)
        id_ = resource.create(stage.values(of, 1)).id or ""
        resource.update(id_, change)
        record = resource.get(id_)
        stamp = record.updated_at
        assert resource.update(id_, change).outcome is WriteOutcome.UNCHANGED
        before = stage.crm.quota.own
        assert resource.update(record, change).outcome is WriteOutcome.UNCHANGED
        assert stage.crm.quota.own == before
        assert resource.get(id_).updated_at == stamp

    def test_a_record_twice_in_a_batch_is_written_once_with_the_later_values(self, stage: Stage) -> None:
        id_, other = (result.id or "" for result in contacts(stage, 2))
        results = stage.crm.contacts.update_many(
            [
                (id_, {"title": "Buyer", "phone": "1"}),
                (other, {"title": "Owner"}),
                (id_, {"title": "Head of purchasing"}),
            ]
        )
        assert [result.outcome for result in results] == [WriteOutcome.UPDATED] * 3
        assert [result.id for result in results] == [id_, other, id_]
        record = stage.crm.contacts.get(id_)
        assert (record.title, record.phone) == ("Head of purchasing", "1")

    def test_none_clears_a_field(self, stage: Stage) -> None:
        id_ = contacts(stage, 1)[0].id or ""
        stage.crm.contacts.update(id_, {"title": "Buyer"})
        stage.crm.contacts.update(id_, {"title": None})
        assert stage.crm.contacts.get(id_).title is None

    @OBJECTS
    def test_an_upsert_creates_at_first_and_updates_from_then_on(self, stage: Stage, of: ObjectType) -> None:
        resource, key = resources(stage.crm)[of], stage.key(of)
        if key is None or not supports(stage, of, Verb.UPSERT):
            return
        values = stage.values(of, 1)
        first = resource.upsert(values, by=key)
        second = resource.upsert({**values, **stage.change(of)}, by=key)
        assert (first.outcome, second.outcome) == (WriteOutcome.CREATED, WriteOutcome.UPDATED)
        assert first.id == second.id

    def test_an_upsert_by_a_field_that_finds_nobody_is_refused_by_name(self, stage: Stage) -> None:
        with pytest.raises(UnsupportedError) as caught:
            stage.crm.contacts.upsert(stage.values(ObjectType.CONTACT, 1), by="title")
        assert caught.value.field == "title"

    @OBJECTS
    def test_what_was_deleted_is_gone_and_stays_gone(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        if not supports(stage, of, Verb.CREATE, Verb.DELETE):
            return
        id_ = resource.create(stage.values(of, 1)).id or ""
        assert resource.delete(id_).outcome is WriteOutcome.DELETED
        assert resource.delete(id_).outcome is WriteOutcome.DELETED
        with pytest.raises(GoneError):
            resource.get(id_)
        assert id_ not in {record.id for record in resource.list()}

    def test_what_fails_in_a_batch_does_not_hold_up_the_others(self, stage: Stage) -> None:
        kept, gone = (result.id or "" for result in contacts(stage, 2))
        stage.crm.contacts.delete(gone)
        results = stage.crm.contacts.update_many(
            [
                (gone, {"title": "Nobody"}),
                ("not an id", {"title": "Nobody"}),
                (kept, {"title": "\ud800"}),
                (kept, {"title": "Buyer"}),
            ],
            compare=False,
        )
        assert [type(result.error) for result in results[1:]] == [BadValueError, BadValueError, type(None)]
        assert isinstance(results[0].error, GoneError)
        assert stage.crm.contacts.get(kept).title == "Buyer"

    def test_a_record_that_was_merged_away_names_the_one_it_lives_on_in(self, stage: Stage) -> None:
        loser, winner = (result.id or "" for result in contacts(stage, 2))
        survivor = stage.merge(ObjectType.CONTACT, loser, winner)
        if survivor is None:
            return
        for old in {loser, winner} - {survivor}:
            with pytest.raises(MergedError) as caught:
                stage.crm.contacts.get(old)
            assert caught.value.merged_into == survivor
        assert stage.crm.contacts.get(survivor).id == survivor

    # Values that no CRM can hold

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("amount", Decimal("NaN")),
            ("amount", float("inf")),
            ("amount", "1e400"),
            ("amount", True),
            ("close_date", "soon"),
            ("close_date", datetime(2026, 1, 1)),  # noqa: DTZ001 - naive is the point
            ("name", "\ud800"),
            ("name", {"a": 1}),
            ("name", ["a", "b"]),
        ],
        ids=repr,
    )
    def test_a_value_that_the_field_cannot_hold_is_refused_by_name_and_never_sent(
        self, stage: Stage, name: str, value: Any
    ) -> None:
        values = {**stage.values(ObjectType.OPPORTUNITY, 1), name: value}
        before = stage.crm.quota.own
        with pytest.raises(BadValueError) as caught:
            stage.crm.opportunities.create(values)
        assert caught.value.field == name
        assert stage.crm.quota.own == before

    @pytest.mark.parametrize("name", ["amonut", "id", "created_at", "won", "raw", "linked_ids"])
    def test_a_field_that_is_not_there_or_not_to_be_written_is_refused_by_name(
        self, stage: Stage, name: str
    ) -> None:
        with pytest.raises(UnsupportedError) as caught:
            stage.crm.opportunities.create({**stage.values(ObjectType.OPPORTUNITY, 1), name: "x"})
        assert caught.value.field == name
