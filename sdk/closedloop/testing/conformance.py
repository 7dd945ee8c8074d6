"""What every connected CRM must do alike: a suite of tests that each adapter's tests inherit.

    class TestMyCrm(Conformance):
        @pytest.fixture
        def stage(self) -> Iterator[Stage]:
            with MySandbox() as sandbox:
                yield MyStage(sandbox)

A `Stage` says how to make records of each object, what the CRM cannot do, and how its clock is moved.
Nothing here knows a CRM: a third one passes the same tests, or says what it does not support.
"""

from __future__ import annotations

import pickle

import pytest

from closedloop.crm.results import Verb
from closedloop.errors import BadValueError, CrmError, QuotaError, UnsupportedError
from closedloop.schema.records import RECORDS
from closedloop.schema.vocabulary import ObjectType
from closedloop.testing.reading import Reading
from closedloop.testing.stage import OBJECTS, Stage, contacts, do, resources
from closedloop.testing.writing import Writing

__all__ = ["Conformance", "Stage"]


class Conformance(Reading, Writing):
    """The suite. Inherit it and give it a `stage` fixture."""

    def test_the_ten_resources_are_there_under_their_objects(self, stage: Stage) -> None:
        assert set(resources(stage.crm)) == set(RECORDS)

    @OBJECTS
    def test_a_verb_that_the_crm_lacks_is_refused_by_name(self, stage: Stage, of: ObjectType) -> None:
        resource = resources(stage.crm)[of]
        for verb in Verb:
            if (of, verb) in stage.unsupported:
                with pytest.raises(UnsupportedError, match=of.value.replace("_", "[ _]")):
                    do(stage, resource, verb)

    def test_calls_are_counted_and_the_budget_ends_them(self, stage: Stage) -> None:
        contacts(stage, 1)
        limited = stage.limited(calls=3)
        for _ in range(3):
            limited.raw.get(stage.raw_path)
        with pytest.raises(QuotaError) as caught:
            limited.raw.get(stage.raw_path)
        assert caught.value.reason == "budget_spent"
        assert caught.value.resets_at is not None
        assert (limited.quota.own, limited.quota.budget, limited.quota.remaining) == (3, 3, 0)

    @pytest.mark.parametrize("path", ["//evil/x", "http://evil/x", "/a/../b", "a b", "", "\\evil"], ids=repr)
    def test_a_raw_call_stays_on_the_crms_host(self, stage: Stage, path: str) -> None:
        with pytest.raises(BadValueError):
            stage.crm.raw.get(path)

    def test_a_record_explains_where_its_fields_came_from(self, stage: Stage) -> None:
        id_ = contacts(stage, 1)[0].id or ""
        text = str(stage.crm.explain(stage.crm.contacts.get(id_)))
        assert "last_name" in text

    def test_an_object_describes_what_its_fields_are_mapped_to(self, stage: Stage) -> None:
        described = stage.crm.describe("opportunity")
        assert described.object is ObjectType.OPPORTUNITY
        assert {ours for each in described.fields for ours in each.ours} >= {"name", "amount", "stage"}

    def test_an_error_survives_pickling(self, stage: Stage) -> None:
        id_ = contacts(stage, 1)[0].id or ""
        stage.crm.contacts.delete(id_)
        with pytest.raises(CrmError) as caught:
            stage.crm.contacts.get(id_)
        copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
        assert (type(copy), copy.message, copy.reason) == (
            type(caught.value),
            caught.value.message,
            caught.value.reason,
        )

    def test_a_connection_that_was_closed_opens_again_when_it_is_used(self, stage: Stage) -> None:
        with stage.crm as crm:
            contacts(stage, 1)
        assert next(crm.contacts.list()).object is ObjectType.CONTACT
