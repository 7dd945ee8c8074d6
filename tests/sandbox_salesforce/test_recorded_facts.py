"""Keys, codes and words of answers that others recorded of real orgs, each with where it was seen."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org


def test_an_id_of_another_org_is_not_to_be_reached(http: Any) -> None:
    """The `SheeridWebhook` cassettes of openstax/accounts."""
    body = {"LastName": "A", "AccountId": "0017h00000doU3RAAU"}
    answer = http("POST", "/sobjects/Contact", json=body)
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "insufficient access rights on cross-reference id: 0017h00000doU3R",
            "errorCode": "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "fields": [],
        }
    ]


def test_the_identity_leads_to_chatter(http: Any, org: Org) -> None:
    """The identity in the cassettes of tablexi/restforce-db; `metadata/write/user-info.json` of
    amp-labs/connectors."""
    told = http("GET", http.url.split("/services/")[0] + "/services/oauth2/userinfo").json()
    assert told["is_salesforce_integration_user"] is False
    chatter = {name: told["urls"][name].rpartition("/")[2] for name in ("feeds", "groups", "users")}
    assert chatter == {"feeds": "feeds", "groups": "groups", "users": "users"}
    assert told["urls"]["feed_items"].endswith("/services/data/v{version}/chatter/feed-items")


@pytest.mark.parametrize(
    ("sobject", "field"),
    [
        ("User", "UserPreferencesLightningExperiencePreferred"),
        ("User", "UserPermissionsMarketingUser"),
        ("User", "EmailPreferencesAutoBcc"),
        ("Profile", "PermissionsApiEnabled"),
        ("PermissionSet", "PermissionsViewAllData"),
        ("Organization", "PreferencesConsentManagementEnabled"),
    ],
)
def test_one_of_many_switches_is_neither_sorted_nor_grouped_by(http: Any, sobject: str, field: str) -> None:
    """The describes of JupiterOne/graph-salesforce, and of the organisation those of amp-labs/connectors."""
    fields = http("GET", f"/sobjects/{sobject}/describe").json()["fields"]
    told = next(one for one in fields if one["name"] == field)
    assert [told[key] for key in ("defaultedOnCreate", "groupable", "sortable", "permissionable")] == [
        False
    ] * 4
    assert (told["defaultValue"], told["nillable"], told["filterable"]) == (None, False, True)


@pytest.mark.parametrize("sobject", ["User", "UserRole", "Group", "GroupMember", "Profile", "PermissionSet"])
def test_no_permission_hides_what_an_administrator_keeps(http: Any, sobject: str) -> None:
    """The describes of JupiterOne/graph-salesforce."""
    told = http("GET", f"/sobjects/{sobject}/describe").json()
    assert not any(field["permissionable"] for field in told["fields"])
    assert told["supportedScopes"][0]["name"] == "everything"


def test_a_user_is_shown_on_pages_and_a_role_in_short(http: Any) -> None:
    """The describes of JupiterOne/graph-salesforce."""
    user = http("GET", "/sobjects/User/describe").json()
    assert all(user[key] for key in ("layoutable", "triggerable", "compactLayoutable", "feedEnabled"))
    assert user["recordTypeInfos"] == []
    assert set(user["urls"]) == {
        *("compactLayouts", "describe", "layouts", "namedLayouts", "passwordUtilities", "quickActions"),
        *("rowTemplate", "sobject", "uiDetailTemplate", "uiEditTemplate", "uiNewRecord"),
    }
    role = http("GET", "/sobjects/UserRole/describe").json()
    assert (role["layoutable"], role["compactLayoutable"]) == (False, True)
    assert http("GET", "/sobjects/UserRole/describe/compactLayouts").status_code == 200


def test_a_users_settings_and_a_roles_access_are_queried(http: Any) -> None:
    """The queries of JupiterOne/graph-salesforce."""
    row, *_ = http.records(
        "SELECT UserPreferencesCacheDiagnostics, UserPermissionsOfflineUser, StayInTouchNote, ContactId, "
        "DigestFrequency, BadgeText FROM User LIMIT 1"
    )
    assert row["UserPreferencesCacheDiagnostics"] is row["UserPermissionsOfflineUser"] is False
    assert row["StayInTouchNote"] is row["ContactId"] is None
    http("POST", "/sobjects/UserRole", json={"Name": "Sales"})
    row, *_ = http.records(
        "SELECT OpportunityAccessForAccountOwner, CaseAccessForAccountOwner, ContactAccessForAccountOwner, "
        "PortalAccountId FROM UserRole LIMIT 1"
    )
    assert set(row.values()) == {"Edit", None}


@pytest.mark.parametrize(
    ("sobject", "own", "not_there"),
    [
        ("Event", {"eventSeriesUpdates"}, {"approvalLayouts", "listviews"}),
        ("OpportunityContactRole", set(), {"approvalLayouts", "listviews"}),
        ("CampaignMember", set(), {"approvalLayouts", "listviews", "quickActions"}),
        ("Case", {"caseArticleSuggestions", "caseRowArticleSuggestions"}, set()),
    ],
)
def test_an_object_tells_the_addresses_that_it_has(
    http: Any, sobject: str, own: set[str], not_there: set[str]
) -> None:
    """The shared cassettes of SFDO-Tooling/CumulusCI."""
    urls = set(http("GET", f"/sobjects/{sobject}/describe").json()["urls"])
    assert own <= urls
    assert not (not_there & urls)
