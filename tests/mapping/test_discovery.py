"""What an org has beside what the mapping expects of it, and the lines that are proposed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from closedloop.mapping import Mappings
from closedloop.mapping.discovery import Discovery, OrgField, OrgOption, discover
from closedloop.schema.vocabulary import CrmName, ObjectType

_O = ObjectType


def options(*labels: str, inactive: tuple[str, ...] = ()) -> tuple[OrgOption, ...]:
    return tuple(OrgOption(value=label, label=label, active=label not in inactive) for label in labels)


def custom(name: str, label: str = "", type_: str = "picklist", *labels: str) -> OrgField:
    return OrgField(name=name, label=label or name, type=type_, custom=True, options=options(*labels))


def found(
    mappings: Mappings, of: ObjectType, *fields: OrgField, crm: str = "salesforce", source: str = ""
) -> Discovery:
    mapping = mappings.crm(CrmName(crm))
    return discover(mapping, mappings.reasons, of, source or mapping.source(of), fields)


@pytest.mark.parametrize(
    ("name", "label", "of", "ours"),
    [
        ("Unqualified_Reason__c", "", _O.LEAD, {"reason"}),
        ("Disqualification_Reason__c", "", _O.LEAD, {"reason"}),
        ("RejectedReason__c", "", _O.LEAD, {"reason"}),
        ("Why__c", "Reason for rejection", _O.LEAD, {"reason"}),
        ("Why__c", "Reason rejected", _O.LEAD, {"reason"}),
        ("Unqualified_Reason_Details__c", "", _O.LEAD, {"reason_note"}),
        ("Closed_Lost_Reason__c", "", _O.OPPORTUNITY, {"lost_reason"}),
        ("npsp__Closed_Lost_Reason__c", "", _O.OPPORTUNITY, {"lost_reason"}),
        ("Reason_Lost__c", "", _O.OPPORTUNITY, {"lost_reason"}),
        ("Win_Loss_Reason__c", "", _O.OPPORTUNITY, {"lost_reason", "won_reason"}),
        ("Won_Reason__c", "", _O.OPPORTUNITY, {"won_reason"}),
        ("Closed_Reason__c", "", _O.OPPORTUNITY, {"won_reason", "lost_reason"}),
        ("Closed_Lost_Reason_Details__c", "", _O.OPPORTUNITY, {"reason_note"}),
        ("Main_Competitor__c", "", _O.OPPORTUNITY, {"competitor"}),
        ("Lost_To__c", "", _O.OPPORTUNITY, {"competitor"}),
        ("UTM_Campaign__c", "", _O.LEAD, {"utm.campaign"}),
        ("utmSource__c", "UTM source", _O.LEAD, {"utm.source"}),
        ("UTM_Source__c", "", _O.OPPORTUNITY, set()),
        ("Season__c", "Closed season", _O.OPPORTUNITY, set()),
        ("Reason_For_Call__c", "", _O.LEAD, set()),
        ("Winter_Reason__c", "", _O.LEAD, set()),
    ],
)
def test_an_orgs_own_fields_are_recognised_by_name_or_label(
    mappings: Mappings, name: str, label: str, of: ObjectType, ours: set[str]
) -> None:
    assert {each.ours for each in found(mappings, of, custom(name, label)).proposals} == ours


@pytest.mark.parametrize(
    ("field", "proposed"),
    [
        (custom("Loss_Why_Reason__c", "Lost reason", "textarea"), True),
        (custom("Loss_Why_Reason__c", "Lost reason", "multipicklist"), True),
        (custom("Loss_Why_Reason__c", "Lost reason", "reference"), False),
        (custom("Loss_Why_Reason__c", "Lost reason", "boolean"), False),
        (OrgField(name="LossWhyReason", label="Lost reason", type="picklist"), False),
        (custom("1st_lost_reason", "Lost reason"), False),
        (custom("lost reason: {x}", "Lost reason"), False),
    ],
)
def test_only_texts_and_lists_that_the_org_made_and_a_mapping_can_name_are_proposed(
    mappings: Mappings, field: OrgField, proposed: bool
) -> None:
    assert bool(found(mappings, _O.OPPORTUNITY, field).proposals) is proposed


def test_the_likeliest_comes_first(mappings: Mappings) -> None:
    told = found(
        mappings,
        _O.OPPORTUNITY,
        custom("Why_Lost_Reason__c", "Anything", "string"),
        custom("Reason_Lost__c", "Reason lost", "picklist", "Foo", "Bar"),
        custom("Lost_Reason__c", "Lost reason", "picklist", "Price", "No budget", "Chose a competitor"),
    )
    lost = [each for each in told.proposals if each.ours == "lost_reason"]
    assert [each.field.name for each in lost] == ["Lost_Reason__c", "Reason_Lost__c", "Why_Lost_Reason__c"]
    assert sorted((each.rank for each in lost), reverse=True) == [each.rank for each in lost]


@pytest.mark.parametrize(
    ("place", "fields", "written"),
    [
        (("salesforce", _O.LEAD),
         [custom("Unqualified_Reason__c"), custom("UTM_Source__c", type_="string")],
         {"reason": ("Unqualified_Reason__c",), "utm.source": ("UTM_Source__c",)}),
        (("salesforce", _O.OPPORTUNITY),
         [custom("Win_Loss_Reason__c", "Win/Loss: #1 'reason'\n- x")],
         {"won_reason": ("Win_Loss_Reason__c",), "lost_reason": ("Win_Loss_Reason__c",)}),
        (("hubspot", _O.OPPORTUNITY),
         [custom("why_lost_reason", "Lost reason", "enumeration", "Price")],
         {"lost_reason": ("labels", "why_lost_reason")}),
        (("hubspot", _O.OPPORTUNITY), [custom("main_competitor", "Competitor", "string")],
         {"competitor": ("properties", "main_competitor")}),
        (("hubspot", _O.CONTACT), [custom("utm_campaign", "UTM campaign", "string")],
         {"utm.campaign": ("properties", "utm_campaign")}),
    ],
)  # fmt: skip
def test_what_it_prints_can_be_pasted_into_an_overlay(
    mappings: Mappings,
    tmp_path: Path,
    place: tuple[str, ObjectType],
    fields: list[OrgField],
    written: dict[str, tuple[str, ...]],
) -> None:
    crm, of = place
    path = tmp_path / "mine.yaml"
    path.write_text(str(found(mappings, of, *fields, crm=crm)), encoding="utf-8")
    mapping = mappings.overlaid(CrmName(crm), path).crm(CrmName(crm))
    assert mapping.writable(of).items() >= written.items()


def test_one_of_several_sources_is_named_in_what_it_prints(mappings: Mappings, tmp_path: Path) -> None:
    overlay = {"objects": {"lead": [{"source": "Prospect__c", "fields": {"id": "Id"}}]}}
    mine = mappings.overlaid(CrmName.SALESFORCE, overlay)
    told = found(mine, _O.LEAD, custom("Rejected_Reason__c"), source="Prospect__c")
    (tmp_path / "mine.yaml").write_text(str(told), encoding="utf-8")
    mapping = mine.overlaid(CrmName.SALESFORCE, tmp_path / "mine.yaml").crm(CrmName.SALESFORCE)
    assert mapping.writable(_O.LEAD, "Prospect__c") == {"reason": ("Rejected_Reason__c",)}


def test_a_field_that_is_filled_already_is_proposed_only_as_a_remark(mappings: Mappings) -> None:
    told = found(mappings, _O.LEAD, custom("Disqualified_Reason__c"), custom("Rejected_Reason__c"))
    (proposal,) = told.proposals
    assert proposal.instead_of == "Disqualified_Reason__c"
    lines = str(told).splitlines()
    assert "# reason: Rejected_Reason__c   # Rejected_Reason__c, instead of Disqualified_Reason__c" in lines
    assert all(line.startswith("#") for line in lines)


def test_each_field_of_the_org_says_what_it_fills(mappings: Mappings) -> None:
    told = found(mappings, _O.LEAD, OrgField(name="STATUS"), OrgField(name="Phone"), OrgField(name="Fax"))
    assert {each.field.name: each.ours for each in told.fields} == {
        "STATUS": ("stage",),
        "Phone": ("phone",),
        "Fax": (),
    }
    activity = found(mappings, _O.ACTIVITY, OrgField(name="WhoId"), source="Event")
    assert activity.fields[0].ours == ("lead_id", "contact_id")


def test_values_that_no_rule_knows_are_told_with_the_file_that_lacks_them(mappings: Mappings) -> None:
    told = found(
        mappings,
        _O.LEAD,
        OrgField(
            name="Status",
            type="picklist",
            options=options("Disqualified", "Zorp", "Gone", inactive=("Gone",)),
        ),
        OrgField(name="Disqualified_Reason__c", type="picklist", options=options("No budget", "Blub")),
        OrgField(name="LeadSource", type="picklist", options=options("Anything")),
    )
    assert [
        (each.ours, each.option.label, each.option.active, each.file) for each in told.unknown_values
    ] == [
        ("stage", "Zorp", True, "lifecycle.yaml"),
        ("stage", "Gone", False, "lifecycle.yaml"),
        ("reason", "Blub", True, "reasons.yaml"),
    ]
    assert "# lifecycle.yaml has no rule for 'Gone' of Status (inactive)" in str(told)


def test_a_value_is_known_by_its_label_too(mappings: Mappings) -> None:
    coded = (OrgOption(value="17", label="No budget"), OrgOption(value="NOT_A_GOOD_FIT", label="Zorp"))
    field = OrgField(name="hs_lead_disqualification_reason", type="enumeration", options=coded)
    assert found(mappings, _O.LEAD, field, crm="hubspot").unknown_values == ()


def test_what_the_mapping_names_and_the_org_lacks_is_missing(mappings: Mappings) -> None:
    spelt = mappings.crm(CrmName.SALESFORCE).fields(_O.ACCOUNT)
    assert found(mappings, _O.ACCOUNT, *(OrgField(name=name.upper()) for name in spelt)).missing == ()
    told = found(mappings, _O.ACCOUNT, *(OrgField(name=name) for name in spelt if name != "Website"))
    assert [(each.name, each.ours) for each in told.missing] == [("Website", ("domain",))]
    plain = (OrgField(name=name) for name in spelt if name != "CurrencyIsoCode")
    assert found(mappings, _O.ACCOUNT, *plain).missing == ()  # an org with a single currency lacks nothing
    deal = found(mappings, _O.OPPORTUNITY, OrgField(name="dealname"), crm="hubspot")
    assert ("closedate", ("close_date",)) in [(each.name, each.ours) for each in deal.missing]
    assert not {"createdAt", "companies", "archived"} & {each.name for each in deal.missing}


@pytest.mark.parametrize(
    ("place", "name", "type_", "fits"),
    [
        (("salesforce", _O.LEAD), "IsConverted", "boolean", True),
        (("salesforce", _O.LEAD), "IsConverted", "string", False),
        (("salesforce", _O.LEAD), "Status", "int", True),
        (("salesforce", _O.OPPORTUNITY), "Amount", "currency", True),
        (("salesforce", _O.OPPORTUNITY), "Amount", "string", False),
        (("salesforce", _O.OPPORTUNITY), "CloseDate", "date", True),
        (("salesforce", _O.OPPORTUNITY), "CloseDate", "double", False),
        (("hubspot", _O.OPPORTUNITY), "closedate", "datetime", True),
        (("hubspot", _O.OPPORTUNITY), "amount", "number", True),
        (("hubspot", _O.OPPORTUNITY), "hs_is_closed", "bool", True),
        (("hubspot", _O.OPPORTUNITY), "hs_is_closed", "string", False),
        (("hubspot", _O.OPPORTUNITY), "dealstage", "enumeration", True),
    ],
)
def test_a_field_of_another_type_than_the_mapping_takes_is_told(
    mappings: Mappings, place: tuple[str, ObjectType], name: str, type_: str, fits: bool
) -> None:
    crm, of = place
    told = found(mappings, of, OrgField(name=name, type=type_), crm=crm)
    assert [each.field.name for each in told.misfits] == ([] if fits else [name])
    assert (f"# {name} is a {type_}" in str(told)) is not fits


def test_an_org_without_any_fields_is_told_so(mappings: Mappings) -> None:
    told = found(mappings, _O.LEAD)
    assert (told.fields, told.proposals) == ((), ())
    assert str(told).splitlines()[0] == "# Lead: nothing to add"
