"""What standing in a stage means."""

from __future__ import annotations

import pytest

from closedloop.mapping import Mappings
from closedloop.schema.records import Stage
from closedloop.schema.vocabulary import CrmName, ObjectType, StageMeaning

SF, HS = CrmName.SALESFORCE, CrmName.HUBSPOT
M = StageMeaning


def stage(**fields: object) -> Stage:
    given = {"crm": HS, "id": "1", "of": ObjectType.LEAD, "name": "1049", **fields}
    return Stage(**given)  # type: ignore[arg-type]  # the test's own fields


@pytest.mark.parametrize(
    ("crm", "value", "meaning"),
    [
        # The four statuses that a new Salesforce org comes with.
        (SF, "Open - Not Contacted", M.OPEN),
        (SF, "Working - Contacted", M.OPEN),
        (SF, "Closed - Converted", M.ACCEPTED),
        (SF, "Closed - Not Converted", M.DISQUALIFIED),
        (SF, "closed - not converted", M.DISQUALIFIED),
        (SF, "Nurturing", M.RECYCLED),
        (SF, "Something of ours", M.UNKNOWN),
        # The stages of HubSpot's own lead pipeline.
        (HS, "new-stage-id", M.OPEN),
        (HS, "attempting-stage-id", M.OPEN),
        (HS, "connected-stage-id", M.OPEN),
        (HS, "qualified-stage-id", M.ACCEPTED),
        (HS, "unqualified-stage-id", M.DISQUALIFIED),
        (HS, "1318266061", M.UNKNOWN),
        (HS, "", M.UNKNOWN),
        (HS, None, M.UNKNOWN),
    ],
)
def test_a_leads_stage_means_what_the_file_says(
    mappings: Mappings, crm: CrmName, value: str | None, meaning: StageMeaning
) -> None:
    assert mappings.lifecycle.meaning(crm, ObjectType.LEAD, None, value) is meaning


def test_a_stage_known_by_number_is_judged_by_its_label(mappings: Mappings) -> None:
    found = mappings.lifecycle.meaning(HS, ObjectType.LEAD, stage(label="DISQUALIFIED"), "1049")
    assert found is M.DISQUALIFIED


@pytest.mark.parametrize(
    ("category", "meaning"),
    [
        ("QUALIFIED", M.ACCEPTED),
        ("UNQUALIFIED", M.DISQUALIFIED),
        ("NEW", M.OPEN),
        ("ODD", M.UNKNOWN),
        (None, M.UNKNOWN),
    ],
)
def test_hubspots_class_of_a_stage_is_asked_last(
    mappings: Mappings, category: str | None, meaning: StageMeaning
) -> None:
    lifecycle = mappings.lifecycle
    assert lifecycle.meaning(HS, ObjectType.LEAD, stage(label="Ours"), "1049", category=category) is meaning
    assert (
        lifecycle.meaning(HS, ObjectType.LEAD, stage(label="Nurture"), "1049", category=category)
        is M.RECYCLED
    )


@pytest.mark.parametrize(
    ("closed", "won", "meaning"),
    [
        (True, True, M.WON),
        (True, False, M.LOST),
        (True, None, M.LOST),
        (False, False, M.OPEN),
        (False, True, M.OPEN),
        (None, None, M.UNKNOWN),
    ],
)
def test_a_deals_stage_means_what_the_crm_says_whatever_its_name(
    mappings: Mappings, closed: bool | None, won: bool | None, meaning: StageMeaning
) -> None:
    told = stage(of=ObjectType.OPPORTUNITY, name="closedwon", label="Closed won", closed=closed, won=won)
    for crm in CrmName:
        assert mappings.lifecycle.meaning(crm, ObjectType.OPPORTUNITY, told, "closedwon") is meaning


def test_a_deals_stage_without_metadata_is_unknown(mappings: Mappings) -> None:
    assert mappings.lifecycle.meaning(HS, ObjectType.OPPORTUNITY, None, "closedwon") is M.UNKNOWN
