"""Puts a world into the sandboxes, with timestamps in the past, and remembers which record became which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.world.market import World
from closedloop.sandbox.world.model import Account, Campaign, Home, Link, Person, Rep, Subject, Touch
from closedloop.sandbox.world.stages import OPPORTUNITY, line_of
from closedloop.schema.vocabulary import CrmName, ObjectType

LEAD_STATUSES = ("Disqualified", "Recycled")
"""The statuses that the customer added to Salesforce's own."""

_ROLES = {
    "Decision maker": "Decision Maker",
    "Economic buyer": "Economic Buyer",
    "Champion": "Executive Sponsor",
    "Influencer": "Influencer",
    "User": "Business User",
}


@dataclass(kw_only=True)
class Population:
    """The records of a world: the CRMs' ids by the world's keys.

    `users` are what a rep signs changes with: user ids of either CRM. `times` is filled while the script is
    played: when each of its steps was done.
    """

    users: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    companies: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    hubspot_contacts: dict[str, str] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    times: dict[int, datetime] = field(default_factory=dict)


def populate(world: World, salesforce: SalesforceSandbox, hubspot: HubSpotSandbox) -> Population:
    """Inserts everything there was before the script starts; returns where it went."""
    population = Population()
    _Salesforce(world=world, org=salesforce.org, into=population).fill()
    _HubSpot(world=world, portal=hubspot.portal, into=population).fill()
    return population


@dataclass(frozen=True, kw_only=True)
class _Salesforce:
    world: World
    org: Org
    into: Population

    def fill(self) -> None:
        """Inserts what belongs into Salesforce, in the order in which records name each other."""
        self._set_up()
        for person in self.world.people:
            self._person(person)
        for touch in _touches(self.world, CrmName.SALESFORCE):
            add_member(self.org, self.into, touch, at=touch.at)
        for subject in self.world.subjects:
            if subject.crm is CrmName.SALESFORCE and not subject.converted_from:
                self._subject(subject)

    def _set_up(self) -> None:
        long_ago = _long_ago(self.world)
        for status in LEAD_STATUSES:
            fields: dict[str, object] = {"MasterLabel": status, "ApiName": status, "SortOrder": 9}
            self.org.insert("LeadStatus", fields, at=long_ago)
        for rep in _reps(self.world, CrmName.SALESFORCE):
            self.into.users[rep.key] = self.org.insert("User", _user(rep), at=long_ago)
        for account in self.world.accounts:
            self.into.accounts[account.key] = self.org.insert("Account", _account(account), at=long_ago)
        for campaign in _campaigns(self.world, CrmName.SALESFORCE):
            fields = _campaign(campaign)
            self.into.campaigns[campaign.key] = self.org.insert("Campaign", fields, at=long_ago)

    def _person(self, person: Person) -> None:
        shared = {
            "FirstName": person.first_name,
            "LastName": person.last_name,
            "Email": person.email,
            "Phone": person.phone,
            "Title": person.title,
            "LeadSource": person.source,
        }
        account = self.world.account[person.account]
        if person.salesforce is Home.LEAD:
            fields = shared | {
                "Company": account.name,
                "Industry": account.industry,
                "Country": account.country,
            }
            self.into.leads[person.key] = self.org.insert("Lead", fields, at=person.created_at)
        if person.salesforce is Home.CONTACT:
            fields = shared | {"AccountId": self.into.accounts[account.key]}
            self.into.contacts[person.key] = self.org.insert("Contact", fields, at=person.created_at)

    def _subject(self, subject: Subject) -> None:
        if subject.object is ObjectType.LEAD:
            self.into.subjects[subject.key] = self.into.leads[subject.people[0]]
            return
        fields = opportunity_fields(subject) | {"AccountId": self.into.accounts[subject.account]}
        if subject.primary:
            fields["CampaignId"] = self.into.campaigns[subject.primary]
        made = self.org.insert("Opportunity", fields, at=subject.created_at, by=self.into.users[subject.rep])
        self.into.subjects[subject.key] = made
        for place, key in enumerate(subject.people):
            role = {"OpportunityId": made, "ContactId": self.into.contacts[key], "IsPrimary": place == 0}
            role |= {"Role": _ROLES[self.world.person[key].buying_role]}
            self.org.insert("OpportunityContactRole", role, at=subject.created_at)


@dataclass(frozen=True, kw_only=True)
class _HubSpot:
    world: World
    portal: Portal
    into: Population

    def fill(self) -> None:
        """Creates what belongs into HubSpot, with the ids that its Salesforce sync would have written."""
        owners = {
            rep.key: self.portal.create_owner(rep.email, rep.first_name, rep.last_name)
            for rep in _reps(self.world, CrmName.HUBSPOT)
        }
        self.into.users |= {key: str(self.portal.user_id(owner)) for key, owner in owners.items()}
        self._set_up()
        for person in self.world.people:
            if person.hubspot:
                self._contact(person)
        for touch in _touches(self.world, CrmName.HUBSPOT):
            contact = self.into.hubspot_contacts[touch.person]
            self.portal.touch(self.into.campaigns[touch.campaign], contact, touch.at)
        for subject in self.world.subjects:
            if subject.crm is CrmName.HUBSPOT:
                self._subject(subject, owners[subject.rep])

    def _set_up(self) -> None:
        long_ago = _long_ago(self.world)
        for account in self.world.accounts:
            fields = _company(account) | {"salesforceaccountid": self.into.accounts[account.key]}
            self.into.companies[account.key] = self.portal.create("companies", fields, at=long_ago)
        for campaign in _campaigns(self.world, CrmName.HUBSPOT):
            fields = _hubspot_campaign(campaign)
            self.into.campaigns[campaign.key] = self.portal.create_campaign(fields, at=long_ago)

    def _contact(self, person: Person) -> None:
        fields = {
            "email": person.hubspot_email,
            "firstname": person.first_name,
            "lastname": person.last_name,
            "phone": person.phone,
            "jobtitle": person.title,
            "company": self.world.account[person.account].name,
            "country": self.world.account[person.account].country,
            "lifecyclestage": "lead",
        }
        if person.link is Link.ID and person.salesforce is Home.LEAD:
            fields["salesforceleadid"] = self.into.leads[person.key]
        if person.link is Link.ID and person.salesforce is Home.CONTACT:
            fields["salesforcecontactid"] = self.into.contacts[person.key]
        company = ("companies", self.into.companies[person.account])
        self.into.hubspot_contacts[person.key] = self.portal.create(
            "contacts", fields, associations=[company], at=person.created_at
        )

    def _subject(self, subject: Subject, owner: str) -> None:
        line = line_of(subject)
        fields = {line.stage: line.first, "hubspot_owner_id": owner, **_hubspot_fields(subject)}
        people = [("contacts", self.into.hubspot_contacts[key]) for key in subject.people]
        company = [] if people else [("companies", self.into.companies[subject.account])]
        self.into.subjects[subject.key] = self.portal.create(
            line.source,
            fields,
            associations=[*people, *company],
            at=subject.created_at,
            by=int(self.into.users[subject.rep]),
        )


def add_member(org: Org, into: Population, touch: Touch, *, at: datetime | None = None) -> None:
    """Makes the touched person a member of the Salesforce campaign, as a contact if they are one by now."""
    contact = into.contacts.get(touch.person)
    fields = {"CampaignId": into.campaigns[touch.campaign]}
    fields |= {"ContactId": contact} if contact else {"LeadId": into.leads[touch.person]}
    fields |= {"Status": "Responded" if touch.responded else "Sent"}
    into.members[touch.person, touch.campaign] = org.insert("CampaignMember", fields, at=at)


def opportunity_fields(subject: Subject) -> dict[str, object]:
    """The Salesforce fields of a new opportunity that say what it is about."""
    fields: dict[str, object] = {
        "Name": subject.name,
        "StageName": OPPORTUNITY.first,
        "CloseDate": (subject.created_at + timedelta(days=120)).date().isoformat(),
    }
    return fields if subject.amount is None else fields | {"Amount": subject.amount}


def _long_ago(world: World) -> datetime:
    return world.start - timedelta(days=920)


def _reps(world: World, crm: CrmName) -> list[Rep]:
    return [rep for rep in world.reps if rep.crm is crm]


def _campaigns(world: World, crm: CrmName) -> list[Campaign]:
    return [campaign for campaign in world.campaigns if campaign.crm is crm]


def _touches(world: World, crm: CrmName) -> list[Touch]:
    """The touches in the CRM's campaigns, oldest first."""
    mine = [touch for touch in world.touches if world.campaign[touch.campaign].crm is crm]
    return sorted(mine, key=lambda touch: touch.at)


def _user(rep: Rep) -> dict[str, object]:
    return {
        "Username": rep.email,
        "Email": rep.email,
        "FirstName": rep.first_name,
        "LastName": rep.last_name,
        "Alias": rep.key,
    }


def _hubspot_fields(subject: Subject) -> Mapping[str, str]:
    if subject.object is ObjectType.LEAD:
        return {"hs_lead_name": subject.name, "hs_lead_type": "NEW_BUSINESS"}
    fields = {"dealname": subject.name, "pipeline": line_of(subject).pipeline}
    return fields if subject.amount is None else fields | {"amount": str(subject.amount)}


def _account(account: Account) -> dict[str, object]:
    return {
        "Name": account.name,
        "Industry": account.industry,
        "BillingCountry": account.country,
        "NumberOfEmployees": account.employees,
        "AnnualRevenue": account.revenue,
        "Website": f"https://{account.domain}",
    }


def _company(account: Account) -> dict[str, str]:
    return {
        "name": account.name,
        "domain": account.domain,
        "industry": account.industry,
        "country": account.country,
        "numberofemployees": str(account.employees),
        "annualrevenue": str(account.revenue),
    }


def _campaign(campaign: Campaign) -> dict[str, object]:
    return {
        "Name": campaign.name,
        "Type": campaign.kind,
        "Status": "Planned" if campaign.planned else "Completed",
        "IsActive": not campaign.planned,
        "StartDate": campaign.starts.isoformat(),
        "EndDate": campaign.ends.isoformat(),
        "BudgetedCost": campaign.budget,
        "ActualCost": campaign.cost,
        "Description": campaign.notes,
    }


def _hubspot_campaign(campaign: Campaign) -> dict[str, str]:
    return {
        "hs_name": campaign.name,
        "hs_start_date": campaign.starts.isoformat(),
        "hs_end_date": campaign.ends.isoformat(),
        "hs_campaign_status": "planned" if campaign.planned else "completed",
        "hs_utm": campaign.utm,
        "hs_notes": campaign.notes,
    }
