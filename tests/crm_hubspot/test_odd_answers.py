"""Answers that a sandbox hardly gives: paged associations, refused properties, odd records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.hubspot.payloads import associate, instant, roles, stages
from closedloop.errors import AnswerError, RetryableError
from closedloop.schema.records import Opportunity, Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
CAMPAIGNS = "/marketing/v3/campaigns"


def target(number: int, *labels: str | None, type_id: int = 3) -> dict[str, Any]:
    kinds = [
        {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label} for label in labels or (None,)
    ]
    return {"toObjectId": number, "associationTypes": kinds}


@pytest.fixture
def deals(double: Any, crm: HubSpotCrm) -> HubSpotCrm:
    """A portal with one deal that nothing is associated with."""
    double.answer("GET", "/crm/v3/properties/deals", {"results": [{"name": "dealname"}]})
    deal = {"id": "1", "properties": {"dealname": "D"}, "updatedAt": "2026-01-01T00:00:00Z"}
    double.answer("POST", "/crm/v3/objects/deals/batch/read", {"results": [deal]})
    for kind in ("contacts", "companies"):
        double.answer("POST", f"/crm/v4/associations/deals/{kind}/batch/read", {"results": []})
    double.answer("GET", "/crm/v3/properties/contacts", {"results": [{"name": "email"}]})
    double.answer("POST", "/crm/v3/objects/contacts/batch/read", {"results": []})
    return crm


def test_the_associations_of_one_record_are_read_to_their_end(double: Any, deals: HubSpotCrm) -> None:
    path = "/crm/v4/associations/deals/contacts/batch/read"
    first = {"from": {"id": "1"}, "to": [target(7)], "paging": {"next": {"after": "Nw%3D%3D"}}}
    double.answer("POST", path, {"results": [first]}, {"results": [{"from": {"id": "1"}, "to": [target(8)]}]})
    batch = deals.refresh([Ref(_O.OPPORTUNITY, "1")])
    assert [r.id for r in batch.records if r.object is _O.CONTACT_ROLE] == ["1/7", "1/8"]
    assert double.bodies(path)[1] == {"inputs": [{"id": "1", "after": "Nw=="}]}


def test_a_record_without_associations_is_an_error_of_hubspots_and_none_of_ours(
    double: Any, told: Any, deals: HubSpotCrm, recorded: Callable[[str], Any]
) -> None:
    answer = recorded("amp-labs/search_contacts_contacts-to-companies.json") | {"results": []}
    double.answer("POST", "/crm/v4/associations/deals/companies/batch/read", told(answer, 207))
    (deal,) = deals.refresh([Ref(_O.OPPORTUNITY, "1")]).records
    assert isinstance(deal, Opportunity)
    assert deal.account_id is None


def test_a_passing_failure_within_a_batch_fails_the_read(double: Any, told: Any, deals: HubSpotCrm) -> None:
    answer = {"results": [], "errors": [{"category": "RATE_LIMITS", "context": {"ids": ["1"]}}]}
    double.answer("POST", "/crm/v3/objects/deals/batch/read", told(answer, 207))
    with pytest.raises(RetryableError):
        deals.refresh([Ref(_O.OPPORTUNITY, "1")])


def test_a_payload_that_is_no_record_is_refused_and_the_rest_is_read(double: Any, deals: HubSpotCrm) -> None:
    odd = [{"id": "abc", "properties": {}}, {"id": "1", "properties": None}]
    double.answer("POST", "/crm/v3/objects/deals/batch/read", {"results": odd})
    batch = deals.refresh([Ref(_O.OPPORTUNITY, "1")])
    assert [record.id for record in batch.records] == ["1"]
    assert [refusal.ref for refusal in batch.refused] == [Ref(_O.OPPORTUNITY, "abc")]


FORBIDDEN = {"category": "VALIDATION_ERROR", "message": "Forbidden properties: [closed_loop_won]"}


def test_campaigns_that_refuse_a_custom_property_are_read_without(
    double: Any, told: Any, crm: HubSpotCrm
) -> None:
    listed = [{"name": name} for name in ("hs_name", "hs_utm")]
    double.answer("GET", "/crm/v3/properties/0-35", {"results": listed})
    found = {"results": [{"id": GUID, "properties": {"hs_name": "Spring", "hs_object_id": "5"}}]}
    double.answer("POST", f"{CAMPAIGNS}/batch/read", told(FORBIDDEN, 400), found)
    assert [record.id for record in crm.refresh([Ref(_O.CAMPAIGN, GUID)]).records] == [GUID]
    assert len(double.bodies(f"{CAMPAIGNS}/batch/read")) == 2


def test_the_account_must_name_its_portal(
    double: Any, crm: HubSpotCrm, recorded: Callable[[str], Any]
) -> None:
    double.answer("GET", "/account-info/v3/details", {"timeZone": "UTC"})
    with pytest.raises(AnswerError):
        crm.organisation()
    double.answer("GET", "/account-info/v3/details", recorded("amp-labs/post-auth_account-info.json"))
    for _ in range(2):
        assert (crm.organisation().id, crm.organisation().currency) == ("12345678", "USD")
    assert len(double.asked) == 2


def test_the_primary_association_comes_first_and_its_property_before_its_type() -> None:
    payload: dict[str, Any] = {}
    targets = [target(1), target(2, type_id=578), target(3, "Primary"), target(4)]
    associate(payload, "contacts", targets, link="lead_to_contact", first="4")
    listed = payload["associations"]["contacts"]["results"]
    assert [each["id"] for each in listed] == ["4", "2", "3", "1"]
    assert listed[0]["type"] == "lead_to_contact"


def test_a_role_is_its_label_and_primary_is_known_only_where_somebody_is() -> None:
    plain = list(roles("9", [target(1), target(2, None, "Decision maker")]))
    assert [(role["label"], role["primary"]) for role in plain] == [(None, None), ("Decision maker", None)]
    labelled = list(roles("9", [target(1, "Primary", "Champion"), target(2, None)]))
    assert [(role["label"], role["primary"]) for role in labelled] == [("Champion", True), (None, False)]


def test_recorded_pipelines_give_stages_that_know_their_pipeline(recorded: Callable[[str], Any]) -> None:
    pipelines = recorded("amp-labs/metadata-deals-external-pipelines.json")["results"]
    found = list(stages(pipelines, "deals"))
    assert len(found) == sum(len(pipeline["stages"]) for pipeline in pipelines)
    assert {stage["objectType"] for stage in found} == {"deals"}
    lost = next(stage for stage in found if stage["id"] == "closedlost")
    assert (lost["pipelineId"], lost["metadata"]["isClosed"]) == (pipelines[0]["id"], "true")


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("1795000000123", 1795000000123),
        ("2026-11-18T11:06:40.123Z", 1795000000123),
        ("2026-11-18T12:06:40.123+01:00", 1795000000123),
        ("2026-11-18", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("9" * 30, None),
        ("9" * 5000, None),
    ],
)
def test_a_moment_is_iso_or_milliseconds(value: str | None, milliseconds: int | None) -> None:
    moment = instant(value)
    assert (moment and round(moment.timestamp() * 1000)) == milliseconds
