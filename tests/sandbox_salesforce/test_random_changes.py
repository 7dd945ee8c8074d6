"""Whatever is done to leads, contacts, members and opportunities over HTTP, in whatever order: answers are
those of a simple model, and roll-ups never contradict the members and opportunities they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from closedloop.sandbox.salesforce import SalesforceSandbox

PICK = st.integers(0, 50)
STATUS = st.sampled_from(["Sent", "Responded"])
STAGE = st.sampled_from(["Prospecting", "Closed Won", "Closed Lost"])
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header><e:Body>{}</e:Body></e:Envelope>"
)


@dataclass
class Person:
    sobject: str
    alive: bool = True
    converted: bool = False
    gone_with: set[str] = field(default_factory=set)


@dataclass
class Member:
    campaign: str
    lead: str | None
    contact: str | None
    status: str
    alive: bool = True


class Sales(RuleBasedStateMachine):
    """People become members of two campaigns, are converted, merged, deleted and brought back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        self.sandbox = SalesforceSandbox(clock=lambda: self.now)
        self.sandbox.start()
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {self.sandbox.access_token}"
        self.people: dict[str, Person] = {}
        self.members: dict[str, Member] = {}
        self.deals: dict[str, tuple[str, str, int]] = {}

    def teardown(self) -> None:
        try:
            self.look()
        finally:
            self.http.close()
            self.sandbox.stop()

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        self.now += timedelta(seconds=1)
        url = f"{self.sandbox.url}/services/data/v62.0{path}"
        return self.http.request(method, url, timeout=10, **more)

    def soap(self, body: str) -> bool:
        self.now += timedelta(seconds=1)
        answer = self.http.post(
            f"{self.sandbox.url}/services/Soap/u/62.0",
            data=ENVELOPE.format(self.sandbox.access_token, body),
            headers={"Content-Type": "text/xml", "SOAPAction": '""'},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        self.answer = answer.text
        return "<success>true</success>" in answer.text

    def made(self, sobject: str, values: dict[str, Any]) -> str:
        answer = self.call("POST", f"/sobjects/{sobject}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def rows(self, soql: str, *, path: str = "/query") -> list[dict[str, Any]]:
        answer = self.call("GET", path, params={"q": soql})
        assert answer.status_code == 200, answer.text
        return [{n: v for n, v in row.items() if n != "attributes"} for row in answer.json()["records"]]

    def chosen(self, pick: int, wanted: Callable[[Person], bool] = lambda _: True) -> str:
        found = [key for key, person in self.people.items() if wanted(person)]
        return found[pick % len(found)] if found else ""

    def memberships(self, person: str) -> list[Member]:
        return [m for m in self.members.values() if m.alive and person in {m.lead, m.contact}]

    @initialize()
    def begin(self) -> None:
        self.campaigns = [self.made("Campaign", {"Name": name}) for name in ("Spring", "Autumn")]

    @rule(lead=st.booleans())
    def meet(self, lead: bool) -> None:
        sobject = "Lead" if lead else "Contact"
        values = {"LastName": "Person"} | ({"Company": "Acme"} if lead else {})
        self.people[self.made(sobject, values)] = Person(sobject)

    @rule(pick=PICK, which=st.integers(0, 1), status=STATUS)
    @precondition(lambda self: self.people)
    def invite(self, pick: int, which: int, status: str) -> None:
        key = self.chosen(pick)
        person, campaign = self.people[key], self.campaigns[which]
        values = {"CampaignId": campaign, f"{person.sobject}Id": key, "Status": status}
        answer = self.call("POST", "/sobjects/CampaignMember", json=values)
        there = any(m.campaign == campaign for m in self.memberships(key))
        if not person.alive:
            assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
        elif person.converted:
            assert answer.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
        elif there:
            assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        else:
            lead, contact = (key, None) if person.sobject == "Lead" else (None, key)
            self.members[answer.json()["id"]] = Member(campaign, lead, contact, status)

    @rule(pick=PICK, status=STATUS)
    @precondition(lambda self: self.members)
    def respond(self, pick: int, status: str) -> None:
        key = list(self.members)[pick % len(self.members)]
        answer = self.call("PATCH", f"/sobjects/CampaignMember/{key}", json={"Status": status})
        assert answer.status_code == (204 if self.members[key].alive else 404)
        if self.members[key].alive:
            self.members[key].status = status

    @rule(pick=PICK)
    @precondition(lambda self: self.people)
    def delete(self, pick: int) -> None:
        key = self.chosen(pick)
        person = self.people[key]
        answer = self.call("DELETE", f"/sobjects/{person.sobject}/{key}")
        assert answer.status_code == (204 if person.alive else 404)
        if person.alive:
            self.bury(key)

    def bury(self, key: str) -> None:
        person = self.people[key]
        person.alive, person.gone_with = False, set()
        for name, member in self.members.items():
            if not member.alive or key not in {member.lead, member.contact}:
                continue
            if key == member.lead and member.contact:
                member.lead = None
            else:
                member.alive = False
                person.gone_with.add(name)

    @rule(pick=PICK)
    @precondition(lambda self: self.people)
    def undelete(self, pick: int) -> None:
        key = self.chosen(pick)
        person = self.people[key]
        assert self.soap(f"<undelete><ids>{key}</ids></undelete>") is not person.alive
        if not person.alive:
            person.alive = True
            for name in person.gone_with:
                member = self.members[name]
                others = {member.lead, member.contact} - {None}
                member.alive = all(self.people[other].alive for other in others if other in self.people)

    @rule(pick=PICK, deal=st.booleans())
    @precondition(lambda self: any(p.sobject == "Lead" for p in self.people.values()))
    def convert(self, pick: int, deal: bool) -> None:
        key = self.chosen(pick, lambda person: person.sobject == "Lead")
        lead = self.people[key]
        flag = str(not deal).lower()
        done = self.soap(
            f"<convertLead><leadConverts><leadId>{key}</leadId><convertedStatus>Closed - Converted"
            f"</convertedStatus><doNotCreateOpportunity>{flag}</doNotCreateOpportunity></leadConverts>"
            "</convertLead>"
        )
        assert done is (lead.alive and not lead.converted), self.answer
        if not done:
            return
        lead.converted = True
        contact = self.found("contactId")
        self.people[contact] = Person("Contact")
        mine = [m for m in self.members.values() if m.alive and m.lead == key]
        for member in mine:
            member.contact = contact
        if deal:
            # Of the campaign that the lead joined last.
            source = mine[-1].campaign if mine else ""
            self.deals[self.found("opportunityId")] = (source, "Prospecting", 0)

    def found(self, name: str) -> str:
        match = re.search(f"<{name}>(\\w+)</{name}>", self.answer)
        assert match, self.answer
        return match[1]

    @rule(one=PICK, other=PICK)
    @precondition(lambda self: len(self.people) > 1)
    def merge(self, one: int, other: int) -> None:
        master, loser = self.chosen(one), self.chosen(other)
        kept, gone = self.people[master], self.people[loser]
        done = self.soap(
            '<merge><request><masterRecord xmlns:s="urn:sobject.partner.soap.sforce.com">'
            f"<s:type>{kept.sobject}</s:type><s:Id>{master}</s:Id></masterRecord><recordToMergeIds>{loser}</recordToMergeIds>"
            "</request></merge>"
        )
        both = (kept, gone)
        possible = master != loser and kept.sobject == gone.sobject and all(p.alive for p in both)
        assert done is (possible and not any(p.converted for p in both)), self.answer
        if not done:
            return
        gone.alive, gone.gone_with = False, set()
        for member in self.memberships(loser):
            if any(m.campaign == member.campaign for m in self.memberships(master)):
                member.alive = False
            elif kept.sobject == "Lead":
                member.lead = master
            else:
                member.contact = master

    @rule(which=st.integers(0, 1), amount=st.integers(0, 10**6), stage=STAGE)
    def sell(self, which: int, amount: int, stage: str) -> None:
        campaign = self.campaigns[which]
        values = {"Name": "Deal", "StageName": stage, "CloseDate": "2026-12-31", "Amount": amount}
        self.deals[self.made("Opportunity", values | {"CampaignId": campaign})] = (campaign, stage, amount)

    @rule(pick=PICK, stage=STAGE)
    @precondition(lambda self: self.deals)
    def move(self, pick: int, stage: str) -> None:
        key = list(self.deals)[pick % len(self.deals)]
        assert (
            self.call("PATCH", f"/sobjects/Opportunity/{key}", json={"StageName": stage}).status_code == 204
        )
        self.deals[key] = (self.deals[key][0], stage, self.deals[key][2])

    @rule(good=st.integers(0, 3), place=PICK, method=st.sampled_from(["collection", "composite"]))
    def fail_as_a_whole(self, good: int, place: int, method: str) -> None:
        values: list[dict[str, Any]] = [{"LastName": "Half", "Company": "Done"} for _ in range(good)]
        values.insert(place % (good + 1), {"LastName": "No company"})
        if method == "collection":
            records = [{"attributes": {"type": "Lead"}, **each} for each in values]
            body: dict[str, Any] = {"allOrNone": True, "records": records}
            answer = self.call("POST", "/composite/sobjects", json=body).json()
            assert not any(row["success"] for row in answer)
        else:
            url = "/services/data/v62.0/sobjects/Lead"
            parts = [
                {"method": "POST", "url": url, "referenceId": f"r{number}", "body": each}
                for number, each in enumerate(values)
            ]
            body = {"allOrNone": True, "compositeRequest": parts}
            answer = self.call("POST", "/composite", json=body).json()["compositeResponse"]
            assert all(part["httpStatusCode"] == 400 for part in answer)

    @rule()
    def look(self) -> None:
        self.people_are_those_of_the_model()
        self.members_and_rollups_agree()
        self.opportunities_stand_in_their_stages()

    def people_are_those_of_the_model(self) -> None:
        for sobject in ("Lead", "Contact"):
            mine = {key: p for key, p in self.people.items() if p.sobject == sobject}
            assert self.ids(self.rows(f"SELECT Id FROM {sobject}")) == {k for k, p in mine.items() if p.alive}  # noqa: S608
            every = self.rows(f"SELECT Id, IsDeleted FROM {sobject}", path="/queryAll")  # noqa: S608
            assert {row["Id"]: not row["IsDeleted"] for row in every} == {k: p.alive for k, p in mine.items()}

    def members_and_rollups_agree(self) -> None:
        found = self.rows(
            "SELECT Id, CampaignId, LeadId, ContactId, Status, HasResponded FROM CampaignMember"
        )
        shown = {row.pop("Id"): row for row in found}
        alive = {key: member for key, member in self.members.items() if member.alive}
        assert shown == {key: self.shown(member) for key, member in alive.items()}
        names = "NumberOfLeads, NumberOfConvertedLeads, NumberOfContacts, NumberOfResponses"
        sums = (
            "NumberOfOpportunities, NumberOfWonOpportunities, AmountAllOpportunities, AmountWonOpportunities"
        )
        for row in self.rows(f"SELECT Id, {names}, {sums} FROM Campaign"):  # noqa: S608
            assert row == {"Id": row["Id"], **self.counted(row["Id"], alive.values())}

    def opportunities_stand_in_their_stages(self) -> None:
        for row in self.rows("SELECT Id, CampaignId, StageName, IsWon, IsClosed FROM Opportunity"):
            campaign, stage, _ = self.deals[row["Id"]]
            assert (row["CampaignId"] or "", row["StageName"]) == (campaign, stage)
            assert (row["IsWon"], row["IsClosed"]) == (stage == "Closed Won", stage.startswith("Closed"))

    @staticmethod
    def ids(rows: Iterable[dict[str, Any]]) -> set[str]:
        return {row["Id"] for row in rows}

    @staticmethod
    def shown(member: Member) -> dict[str, Any]:
        ids = {"CampaignId": member.campaign, "LeadId": member.lead, "ContactId": member.contact}
        return {**ids, "Status": member.status, "HasResponded": member.status == "Responded"}

    def counted(self, campaign: str, members: Iterable[Member]) -> dict[str, float]:
        mine = [m for m in members if m.campaign == campaign]
        converted = [m for m in mine if m.lead and self.people[m.lead].converted]
        deals = [(stage, amount) for source, stage, amount in self.deals.values() if source == campaign]
        won = [amount for stage, amount in deals if stage == "Closed Won"]
        return {
            "NumberOfLeads": sum(m.lead is not None for m in mine) - len(converted),
            "NumberOfConvertedLeads": len(converted),
            "NumberOfContacts": sum(m.contact is not None for m in mine),
            "NumberOfResponses": sum(m.status == "Responded" for m in mine),
            "NumberOfOpportunities": len(deals),
            "NumberOfWonOpportunities": len(won),
            "AmountAllOpportunities": sum(amount for _, amount in deals),
            "AmountWonOpportunities": sum(won),
        }


TestSales = Sales.TestCase
TestSales.settings = settings(max_examples=8, stateful_step_count=30, deadline=None)
