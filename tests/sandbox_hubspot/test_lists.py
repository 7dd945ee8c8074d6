"""Lists: by hand, by filter and by filter once; memberships; HubSpot's own client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotError, Portal

Call = Callable[..., requests.Response]
LISTS = "/crm/v3/lists"


def branch(name: str, operator: str, *values: str, **more: Any) -> dict[str, Any]:
    """The filters of a list with one condition on a property."""
    operation = {"operationType": "MULTISTRING", "operator": operator, "values": list(values), **more}
    leaf = {"filterType": "PROPERTY", "property": name, "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [leaf]}
    return {"filterBranchType": "OR", "filterBranches": [inner], "filters": []}


@pytest.fixture
def people(portal: Portal) -> list[str]:
    rows: list[dict[str, str | None]] = [
        {"email": "a@example.com", "firstname": "Ann", "hs_lead_status": "NEW", "createdate": None},
        {"email": "b@example.com", "firstname": "Bob", "hs_lead_status": "OPEN"},
        {"email": "c@example.com", "lastname": "Cox", "phone": "15"},
    ]
    return [portal.create("contacts", {k: v for k, v in row.items() if v}) for row in rows]


def made(call: Call, processing: str, **more: Any) -> dict[str, Any]:
    body = {"name": f"My {processing}", "objectTypeId": "0-1", "processingType": processing, **more}
    answer = call("POST", LISTS, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["list"]
    return found


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (branch("firstname", "IS_EQUAL_TO", "ann", "bob"), [0, 1]),
        (branch("firstname", "IS_NOT_EQUAL_TO", "Ann"), [1, 2]),
        (branch("hs_lead_status", "IS_ANY_OF", "OPEN"), [1]),
        (branch("hs_lead_status", "IS_NONE_OF", "OPEN"), [0, 2]),
        (branch("hs_lead_status", "IS_ANY_OF", "OPEN", includeObjectsWithNoValueSet=True), [1, 2]),
        (branch("email", "CONTAINS", "B@"), [1]),
        (branch("email", "DOES_NOT_CONTAIN", "b@"), [0, 2]),
        (branch("email", "STARTS_WITH", "c"), [2]),
        (branch("email", "ENDS_WITH", ".com"), [0, 1, 2]),
        (branch("firstname", "IS_KNOWN"), [0, 1]),
        (branch("firstname", "IS_UNKNOWN"), [2]),
        (branch("phone", "IS_GREATER_THAN", "9"), [2]),
        (branch("phone", "IS_LESS_THAN", "9"), []),
        (branch("phone", "IS_BETWEEN", "1", "20"), [2]),
        (branch("createdate", "IS_AFTER", "2020-01-01"), [0, 1, 2]),
        ({"filterBranchType": "OR", "filters": [{"filterType": "EMAIL_EVENT"}]}, []),
    ],
)
def test_a_dynamic_list_holds_what_its_filters_find(
    call: Call, people: list[str], filters: dict[str, Any], expected: list[int]
) -> None:
    each = made(call, "DYNAMIC", filterBranch=filters)
    assert each["filterBranch"] == filters
    members = call("GET", f"{LISTS}/{each['listId']}/memberships").json()
    assert [row["recordId"] for row in members["results"]] == [people[n] for n in expected]


def test_a_snapshot_stays_as_it_was(call: Call, portal: Portal, people: list[str]) -> None:
    filters = branch("firstname", "IS_KNOWN")
    once, always = made(call, "SNAPSHOT", filterBranch=filters), made(call, "DYNAMIC", filterBranch=filters)
    portal.update("contacts", people[2], {"firstname": "Cid"})
    sizes = [call("GET", f"{LISTS}/{each['listId']}").json()["list"]["size"] for each in (once, always)]
    assert sizes == [2, 3]


def test_members_come_and_go(call: Call, people: list[str]) -> None:
    path = f"{LISTS}/{made(call, 'MANUAL')['listId']}/memberships"
    added = call("PUT", f"{path}/add", json=[*people[:2], people[0], "99"]).json()
    assert added == {"recordsIdsAdded": people[:2], "recordIdsRemoved": [], "recordIdsMissing": ["99"]}
    change = {"recordIdsToAdd": [people[2]], "recordIdsToRemove": [people[0], "98"]}
    changed = call("PUT", f"{path}/add-and-remove", json=change).json()
    assert (changed["recordsIdsAdded"], changed["recordIdsRemoved"]) == ([people[2]], [people[0]])
    page = call("GET", f"{path}?limit=1").json()
    rest = call(
        "GET",
        f"{path}/join-order?limit=1",
        params={"after": unquote(page["paging"]["next"]["after"])},
    )
    assert [row["recordId"] for row in page["results"] + rest.json()["results"]] == people[1:]
    assert "paging" not in rest.json()
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).json()["total"] == 0


def test_a_record_knows_its_lists(call: Call, portal: Portal, people: list[str]) -> None:
    mine = portal.marketing.create_list("contacts", "Mine", members=people[:1])
    portal.marketing.create_list("contacts", "Others", members=people[1:])
    rows = call("GET", f"{LISTS}/records/0-1/{people[0]}/memberships").json()["results"]
    assert [row["listId"] for row in rows] == [mine]
    body = {"inputs": [{"objectTypeId": "0-1", "recordId": people[0]}]}
    batch = call("POST", f"{LISTS}/records/memberships/batch/read", json=body).json()
    assert batch["results"][0]["recordListMemberships"] == rows


def test_a_deleted_list_is_read_by_its_id_only(call: Call, people: list[str]) -> None:
    path = f"{LISTS}/{made(call, 'MANUAL')['listId']}"
    assert call("DELETE", path).status_code == 204
    gone = call("GET", path).json()["list"]
    assert gone["deletedAt"].endswith("Z")
    assert gone["processingStatus"] == "PROCESSING"
    assert call("POST", f"{LISTS}/search", json={}).json()["total"] == 0
    assert call("PUT", f"{path}/memberships/add", json=people).status_code == 404
    assert call("PUT", f"{path}/restore").status_code == 204
    assert call("POST", f"{LISTS}/search", json={"query": "manual"}).json()["total"] == 1


def test_a_list_is_renamed_and_refiltered(call: Call, people: list[str]) -> None:
    path = f"{LISTS}/{made(call, 'DYNAMIC', filterBranch=branch('firstname', 'IS_KNOWN'))['listId']}"
    renamed = call("PUT", f"{path}/update-list-name?listName=New").json()["updatedList"]
    assert (renamed["name"], renamed["listVersion"]) == ("New", 2)
    body = {"filterBranch": branch("firstname", "IS_UNKNOWN")}
    assert call("PUT", f"{path}/update-list-filters", json=body).json()["updatedList"]["size"] == 1
    assert call("GET", f"{LISTS}/object-type-id/0-1/name/new").json()["list"]["listId"] == renamed["listId"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sub_category"),
    [
        (
            "POST",
            LISTS,
            {"name": "Taken", "objectTypeId": "0-1", "processingType": "MANUAL"},
            400,
            "ILS.DUPLICATE_LIST_NAMES",
        ),
        ("POST", LISTS, {"name": "X", "objectTypeId": "0-1", "processingType": "DYNAMIC"}, 400, None),
        ("POST", LISTS, {"name": "X", "objectTypeId": "0-1", "processingType": "NONE"}, 400, None),
        ("POST", LISTS, {}, 400, None),
        ("GET", f"{LISTS}/999", None, 404, "ILS.LIST_NOT_FOUND"),
        ("GET", f"{LISTS}/abc", None, 400, "INVALID_INT_ID"),
        ("PUT", f"{LISTS}/1/memberships/add", {}, 400, None),
        ("GET", f"{LISTS}/records/0-1/99/memberships", None, 404, None),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Call, portal: Portal, *, method: str, path: str, body: Any, status: int, sub_category: str | None
) -> None:
    portal.marketing.create_list("contacts", "taken")
    answer = call(method, path, json=body)
    assert (answer.status_code, answer.json().get("subCategory")) == (status, sub_category)


def test_a_dynamic_list_takes_no_members_by_hand(portal: Portal, people: list[str]) -> None:
    with pytest.raises(HubSpotError, match="DYNAMIC"):
        portal.marketing.create_list("contacts", "D", filters=branch("firstname", "IS_KNOWN"), members=people)


def test_the_client_works_with_lists(hub: Any, people: list[str]) -> None:
    api, members = hub.crm.lists.lists_api, hub.crm.lists.memberships_api
    request = {"name": "Mine", "objectTypeId": "0-1", "processingType": "MANUAL"}
    each = api.create(request).list
    members.add(each.list_id, people)
    assert [row.record_id for row in members.get_page(each.list_id).results] == people
    found = api.do_search({"query": "min", "offset": 0, "additionalProperties": []}).lists[0]
    assert found.additional_properties["hs_list_size"] == "3"
    assert [row.name for row in api.get_all(list_ids=[each.list_id]).lists] == ["Mine"]
