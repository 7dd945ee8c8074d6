"""Marketing e-mails, events, forms and meeting links, by HubSpot's own client where it has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
EMAILS, EVENTS = "/marketing/v3/emails", "/marketing/v3/marketing-events"
PARTY = {
    "eventName": "Party",
    "eventOrganizer": "Alice",
    "externalEventId": "qwe",
    "externalAccountId": "acc",
    "startDateTime": "2030-01-01T18:00:00Z",
}


def test_the_client_drafts_publishes_and_deletes_an_email(hub: Any) -> None:
    api = hub.marketing.emails.marketing_emails_api
    made = api.create({"name": "News", "subject": "Hello"})
    assert (made.name, made.state, made.is_published) == ("News", "DRAFT", False)
    assert api.update(made.id, {"subject": "Hi"}).subject == "Hi"
    api.publish_or_send(made.id)
    sent = api.get_by_id(made.id)
    assert (sent.state, sent.is_published) == ("PUBLISHED", True)
    assert api.clone({"id": made.id, "cloneName": "Copy"}).name == "Copy"
    api.archive(made.id)
    assert [email.name for email in api.get_page().results] == ["Copy"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("sort=name", ["A", "B", "C"]),
        ("sort=-name&limit=2", ["C", "B"]),
        ("isPublished=true", []),
        ("type=BATCH_EMAIL", ["A", "B", "C"]),
        ("archived=true", []),
        ("createdAfter=2099-01-01T00:00:00Z", []),
    ],
)
def test_emails_are_chosen_and_sorted(
    call: Call, portal: Portal, arguments: str, expected: list[str]
) -> None:
    for name in "ABC":
        portal.marketing.create_email(name, name)
    answer = call("GET", f"{EMAILS}?{arguments}").json()
    assert [row["name"] for row in answer["results"]] == expected


def test_emails_show_what_is_asked_for(call: Call, portal: Portal) -> None:
    made = portal.marketing.create_email("A", "B", campaign="some-guid")
    assert call("GET", f"{EMAILS}/{made}?includedProperties=subject").json() == {"id": made, "subject": "B"}
    assert call("GET", f"{EMAILS}/{made}?includeStats=true").json()["stats"]["counters"]["sent"] == 0
    assert call("GET", f"{EMAILS}/statistics/list").json()["emails"] == [int(made)]
    assert call("GET", f"{EMAILS}?campaign=some-guid").json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", EMAILS, {}, 400),
        ("POST", EMAILS, {"name": "A", "subject": 5}, 400),
        ("GET", f"{EMAILS}/5", None, 404),
        ("GET", f"{EMAILS}?sort=colour", None, 400),
        ("GET", f"{EMAILS}?after=x", None, 400),
        ("POST", f"{EMAILS}/clone", {"id": "5"}, 404),
        ("GET", f"{EVENTS}/5", None, 404),
        ("GET", f"{EVENTS}?after=%25", None, 400),
        ("POST", f"{EVENTS}/events", {"eventName": "X"}, 400),
        ("POST", f"{EVENTS}/events", {**PARTY, "startDateTime": "soon"}, 400),
        ("GET", f"{EVENTS}/events/nope?externalAccountId=acc", None, 404),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Call, *, method: str, path: str, body: Any, status: int
) -> None:
    assert call(method, path, json=body).status_code == status


def test_the_client_makes_finds_and_changes_an_event(hub: Any, portal: Portal) -> None:
    api = hub.marketing.events.basic_api
    made = api.create({**PARTY, "customProperties": []})
    read = api.get_by_object_id(made.object_id)
    assert (read.event_name, read.event_status, read.app_info.id) == ("Party", "UPCOMING", str(portal.app_id))
    changed = api.update("qwe", "acc", {"eventName": "Ball", "customProperties": []})
    assert changed.event_name == "Ball"
    assert api.get_details("qwe", "acc").registrants == 0
    assert [row.object_id for row in api.get_all().results] == [made.object_id]
    assert portal.get("marketing_events", made.object_id)["properties"]["hs_event_name"] == "Ball"
    api.archive("qwe", "acc")
    assert api.get_all().results == []


def test_events_are_put_by_their_external_ids(call: Call) -> None:
    rows = [{**PARTY, "externalEventId": name} for name in ("a", "b", "a")]
    results = call("POST", f"{EVENTS}/events/upsert", json={"inputs": rows}).json()["results"]
    assert results[0]["id"] == results[2]["id"] != results[1]["id"]
    put = call("PUT", f"{EVENTS}/events/a", json={**PARTY, "eventName": "New"}).json()
    assert (put["id"], put["eventName"]) == (results[0]["id"], "New")
    found = call("GET", f"{EVENTS}/events/search?q=b").json()["results"]
    assert [row["objectId"] for row in found] == [results[1]["id"]]
    body = {"inputs": [{"objectId": results[0]["id"]}, {"objectId": "99"}]}
    assert call("POST", f"{EVENTS}/batch/archive", json=body).status_code == 204
    assert len(call("GET", EVENTS).json()["results"]) == 1


def test_people_register_attend_and_cancel(call: Call, portal: Portal, contact: str) -> None:
    event = call("POST", f"{EVENTS}/events", json=PARTY).json()["objectId"]
    path = f"{EVENTS}/events/qwe"
    by_email = {"inputs": [{"email": "new@example.com", "interactionDateTime": 1767225600000}]}
    answer = call("POST", f"{path}/register/email-upsert?externalAccountId=acc", json=by_email).json()
    assert answer["results"][0]["email"] == "new@example.com"
    by_id = {"inputs": [{"vid": int(contact), "interactionDateTime": 1767225600000}]}
    assert call("POST", f"{EVENTS}/{event}/attendance/attend/create", json=by_id).status_code == 200
    counts = call("GET", f"{EVENTS}/participations/{event}").json()
    assert counts == {"attended": 1, "registered": 2, "cancelled": 0, "noShows": 0}
    completed = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-01-01T02:00:00Z"}
    assert (
        call("POST", f"{path}/complete?externalAccountId=acc", json=completed).json()["eventCompleted"]
        is True
    )
    read = call("GET", f"{EVENTS}/{event}").json()
    assert (read["eventStatus"], read["registrants"], read["noShows"]) == ("PAST", 2, 1)
    rows = call("GET", f"{EVENTS}/participations/{event}/breakdown").json()["results"]
    assert [row["properties"]["attendanceState"] for row in rows] == ["REGISTERED", "ATTENDED"]
    assert portal.get("marketing_events", event)["properties"]["hs_attendees"] == "1"


def test_an_event_that_is_called_off(call: Call) -> None:
    event = call("POST", f"{EVENTS}/events", json=PARTY).json()["objectId"]
    call("POST", f"{EVENTS}/events/qwe/cancel?externalAccountId=acc")
    assert call("GET", f"{EVENTS}/{event}").json()["eventStatus"] == "CANCELLED"


def test_forms_are_made_listed_read_and_archived(call: Call, portal: Portal) -> None:
    made = call("POST", "/marketing/v3/forms", json={"name": "Tell me", "formType": "hubspot"})
    assert (made.status_code, made.json()["configuration"]["embedType"]) == (201, "V3")
    portal.marketing.create_form("Other")
    first = call("GET", "/marketing/forms/2026-09-beta?limit=1").json()
    assert (first["results"], first["paging"]["next"]["after"]) == ([made.json()], "MQ%3D%3D")
    link = first["paging"]["next"]["link"].partition("/marketing")[2]
    assert [form["name"] for form in call("GET", f"/marketing{link}").json()["results"]] == ["Other"]
    path = f"/marketing/v3/forms/{made.json()['id']}"
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).json()["archived"] is True
    assert len(call("GET", "/marketing/v3/forms?archived=true").json()["results"]) == 1
    assert call("GET", "/marketing/v3/forms/nope").status_code == 404
    assert call("POST", "/marketing/v3/forms", json={}).status_code == 400


def test_meeting_links_are_listed(call: Call, portal: Portal) -> None:
    for name in ("Public Gathering", "Other"):
        portal.marketing.create_meeting_link(name)
    page = call("GET", "/scheduler/2026-03/meetings/meeting-links?limit=1").json()
    assert (page["total"], page["results"][0]["slug"]) == (2, "public-gathering")
    assert page["results"][0]["defaultLink"] is True


def test_a_marketing_event_belongs_to_a_campaign(call: Call, portal: Portal) -> None:
    guid = portal.create_campaign({"hs_name": "Spring"})
    event = call("POST", f"{EVENTS}/events", json=PARTY).json()["objectId"]
    form = portal.marketing.create_form("Tell me")
    for kind, asset in (("MARKETING_EVENT", event), ("FORM", form)):
        path = f"/marketing/v3/campaigns/{guid}/assets/{kind}"
        assert call("PUT", f"{path}/{asset}").status_code == 204
        named = {"MARKETING_EVENT": "Party", "FORM": "Tell me"}[kind]
        assert [(row["id"], row["name"]) for row in call("GET", path).json()["results"]] == [(asset, named)]
