"""Whatever is done to contacts, companies, deals and leads over HTTP, in whatever order: get, list, batch,
search and the associations from both sides tell the same, and it is what a simple model says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from closedloop.sandbox.hubspot import HubSpotSandbox

PICK = st.integers(0, 50)
NAME = st.sampled_from(["ada@example.com", "BEN@example.com", "cy@example.com", "", "dee@example.com"])
STAGE = st.sampled_from(["appointmentscheduled", "closedwon", "closedlost", ""])
TYPES = ("contacts", "companies", "deals", "leads")
KEY = {"contacts": "email", "companies": "name", "deals": "dealname", "leads": "hs_lead_name"}
LINKS = {("deals", "contacts"): 3, ("contacts", "deals"): 4, ("deals", "companies"): 341} | {
    ("companies", "deals"): 342,
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
}


@dataclass
class Record:
    type: str
    values: dict[str, str]
    state: str = "live"
    heir: str = ""
    links: set[str] = field(default_factory=set)


class Portal(RuleBasedStateMachine):
    """Records are made, changed, archived, merged, erased, associated and taken apart again."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = HubSpotSandbox()
        self.sandbox.start()
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {self.sandbox.access_token}"
        self.records: dict[str, Record] = {}

    def teardown(self) -> None:
        try:
            self.look()
        finally:
            self.http.close()
            self.sandbox.stop()

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        answer = self.http.request(method, self.sandbox.url + path, json=body, timeout=10)
        assert answer.status_code < 500, answer.text
        return answer

    def live(self, object_type: str) -> list[str]:
        return [key for key, r in self.records.items() if r.type == object_type and r.state == "live"]

    def chosen(self, pick: int, wanted: Callable[[Record], bool] = lambda _: True) -> str:
        found = [key for key, record in self.records.items() if wanted(record)]
        return found[pick % len(found)] if found else ""

    def holder(self, email: str) -> str:
        """Whose the address is: a contact's own one, or one that came with a merge."""
        for key in self.live("contacts"):
            if email.lower() in {self.records[key].values["email"], *self.further(key)}:
                return key
        return ""

    def further(self, key: str) -> set[str]:
        merged = [r for r in self.records.values() if r.state == "merged" and self.final(r.heir) == key]
        return {r.values["email"] for r in merged} - {""}

    def final(self, key: str) -> str:
        while self.records[key].state == "merged":
            key = self.records[key].heir
        return key

    @rule(object_type=st.sampled_from(TYPES[:3]), name=NAME, stage=STAGE)
    def create(self, object_type: str, name: str, stage: str) -> None:
        values = {KEY[object_type]: name} | ({"dealstage": stage} if object_type == "deals" and stage else {})
        answer = self.call("POST", f"/crm/v3/objects/{object_type}", {"properties": values})
        if object_type == "contacts" and name and self.holder(name):
            assert answer.status_code == 409
            return
        assert answer.status_code == 201, answer.text
        self.keep(answer.json()["id"], object_type, values)

    def keep(self, key: str, object_type: str, values: dict[str, str]) -> None:
        kept = dict(values)
        if object_type == "contacts":
            kept["email"] = kept["email"].lower()
        self.records[key] = Record(object_type, kept)

    @rule(pick=PICK, name=NAME)
    @precondition(lambda self: self.live("contacts"))
    def create_lead(self, pick: int, name: str) -> None:
        contact = self.chosen(pick, lambda r: r.type == "contacts")
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
        body = {
            "properties": {"hs_lead_name": name},
            "associations": [{"to": {"id": contact}, "types": types}],
        }
        answer = self.call("POST", "/crm/v3/objects/leads", body)
        there = self.records[contact].state == "live" or self.final(contact) in self.live("contacts")
        assert (answer.status_code == 201) is (bool(name) and there), answer.text
        if answer.status_code == 201:
            key = answer.json()["id"]
            self.records[key] = Record("leads", {"hs_lead_name": name})
            self.join(key, self.final(contact))

    def join(self, left: str, right: str) -> None:
        self.records[left].links.add(right)
        self.records[right].links.add(left)

    @rule(pick=PICK, name=NAME, stage=STAGE)
    @precondition(lambda self: self.records)
    def update(self, pick: int, name: str, stage: str) -> None:
        key = self.chosen(pick)
        target = self.final(key)
        record = self.records[target]
        values = {KEY[record.type]: name} | ({"dealstage": stage} if record.type == "deals" else {})
        answer = self.call("PATCH", f"/crm/v3/objects/{record.type}/{key}", {"properties": values})
        if record.state != "live":
            assert answer.status_code == 404
        elif record.type == "contacts" and name and self.holder(name) not in {"", target}:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 200, answer.text
            record.values |= {n: v.lower() if n == "email" else v for n, v in values.items()}

    @rule(pick=PICK, batch=st.booleans())
    @precondition(lambda self: self.records)
    def archive(self, pick: int, batch: bool) -> None:
        key = self.chosen(pick)
        object_type = self.records[key].type
        path = f"/crm/v3/objects/{object_type}"
        if batch:
            answer = self.call("POST", f"{path}/batch/archive", {"inputs": [{"id": key}]})
        else:
            answer = self.call("DELETE", f"{path}/{key}")
        assert answer.status_code == 204
        if self.records[self.final(key)].state == "live":
            self.bury(self.final(key), "archived")

    @rule(pick=PICK)
    @precondition(lambda self: self.live("contacts"))
    def erase(self, pick: int) -> None:
        key = self.live("contacts")[pick % len(self.live("contacts"))]
        assert self.call("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": key}).status_code == 204
        self.bury(key, "erased")

    def bury(self, key: str, state: str) -> None:
        record = self.records[key]
        record.state = state
        for other in record.links:
            self.records[other].links.discard(key)
            self.drop_orphan(other)
        record.links = set()

    def drop_orphan(self, key: str) -> None:
        record = self.records[key]
        if record.type == "leads" and record.state == "live" and not record.links:
            record.state = "archived"

    @rule(one=PICK, other=PICK)
    @precondition(lambda self: len(self.records) > 1)
    def merge(self, one: int, other: int) -> None:
        primary, second = self.chosen(one), self.chosen(other)
        kept, gone = self.final(primary), self.final(second)
        object_type = self.records[kept].type
        body = {"primaryObjectId": primary, "objectIdToMerge": second}
        answer = self.call("POST", f"/crm/v3/objects/{object_type}/merge", body)
        both = (self.records[kept], self.records[gone])
        same = len({r.type for r in both}) == 1 and object_type in {"contacts", "companies", "deals"}
        if not (same and kept != gone and all(r.state == "live" for r in both)):
            assert answer.status_code in {400, 404}, answer.text
            return
        assert answer.status_code == 200, answer.text
        heir = answer.json()["id"]
        links = {link for r in both for link in r.links}
        values = {
            n: both[0].values.get(n) or both[1].values.get(n, "") for n in {*both[0].values, *both[1].values}
        }
        for old, record in zip((kept, gone), both, strict=True):
            record.state, record.heir = "merged", heir
            for link in record.links:
                self.records[link].links.discard(old)
            record.links = set()
        self.records[heir] = Record(object_type, values)
        for link in links:
            self.join(heir, link)

    @rule(one=PICK, other=PICK, add=st.booleans())
    @precondition(lambda self: len(self.records) > 1)
    def associate(self, one: int, other: int, add: bool) -> None:
        left = self.chosen(one, lambda r: r.type != "leads")
        right = self.chosen(other, lambda r: r.type != "leads")
        if not left or (self.records[left].type, self.records[right].type) not in LINKS:
            return
        types = self.records[left].type, self.records[right].type
        path = f"/crm/v4/objects/{types[0]}/{left}/associations/{{}}{types[1]}/{right}"
        ends = self.final(left), self.final(right)
        alive = all(self.records[end].state == "live" for end in ends)
        if add:
            answer = self.call("PUT", path.format("default/"))
            assert answer.status_code == (200 if alive else 400), answer.text
            if alive:
                self.join(*ends)
        elif alive and (left, right) == ends:
            assert self.call("DELETE", path.format("")).status_code == 204
            self.records[left].links.discard(right)
            self.records[right].links.discard(left)

    @rule(object_type=st.sampled_from(TYPES[:3]), good=st.integers(1, 3))
    def fail_as_a_whole(self, object_type: str, good: int) -> None:
        inputs: list[dict[str, Any]] = [{"properties": {}} for _ in range(good)]
        inputs.append({"properties": {"no_such_property": "1"}})
        answer = self.call("POST", f"/crm/v3/objects/{object_type}/batch/create", {"inputs": inputs})
        assert answer.status_code == 400

    @rule()
    def look(self) -> None:
        self.every_way_of_reading_tells_the_same()
        self.every_id_leads_to_its_record_or_to_none()
        self.associations_are_the_same_from_both_sides()

    def every_way_of_reading_tells_the_same(self) -> None:
        for object_type in TYPES:
            path, names = f"/crm/v3/objects/{object_type}", [KEY[object_type], "dealstage"]
            names = names if object_type == "deals" else names[:1]
            model = {key: self.wanted(key, names) for key in self.live(object_type)}
            listed = self.call("GET", f"{path}?limit=100&properties={','.join(names)}")
            found = self.call("POST", f"{path}/search", {"properties": names, "limit": 200})
            inputs = {"inputs": [{"id": key} for key in model], "properties": names}
            read = self.call("POST", f"{path}/batch/read", inputs)
            for answer in (listed, found, read):
                rows = {
                    r["id"]: {n: r["properties"].get(n) or "" for n in names}
                    for r in answer.json()["results"]
                }
                assert rows == model
            assert found.json()["total"] == len(model)

    def wanted(self, key: str, names: list[str]) -> dict[str, str]:
        return {name: self.records[key].values.get(name, "") for name in names}

    def every_id_leads_to_its_record_or_to_none(self) -> None:
        for key, record in self.records.items():
            end = self.final(key)
            answer = self.call("GET", f"/crm/v3/objects/{record.type}/{key}")
            live = self.records[end].state == "live"
            assert answer.status_code == (200 if live else 404)
            assert not live or answer.json()["id"] == end

    def associations_are_the_same_from_both_sides(self) -> None:
        for object_type in TYPES:
            for other in TYPES:
                ids = self.live(object_type)
                if not ids or object_type == other:
                    continue
                path = f"/crm/v4/associations/{object_type}/{other}/batch/read"
                rows = self.call("POST", path, {"inputs": [{"id": key} for key in ids]}).json()["results"]
                shown = {row["from"]["id"]: {str(to["toObjectId"]) for to in row["to"]} for row in rows}
                links = {k: {e for e in self.records[k].links if self.records[e].type == other} for k in ids}
                assert shown == {key: ends for key, ends in links.items() if ends}


TestPortal = Portal.TestCase
TestPortal.settings = settings(max_examples=5, stateful_step_count=25, deadline=None)
