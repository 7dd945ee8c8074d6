"""The Salesforce org on the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from closedloop.sandbox.page.side import (
    Choice,
    FedBack,
    Form,
    Kind,
    Listing,
    RefusedError,
    Related,
    Sent,
    Shown,
    Side,
    Value,
)
from closedloop.sandbox.page.side import Row as Line
from closedloop.sandbox.salesforce import Refusal, SalesforceSandbox
from closedloop.sandbox.salesforce.records.derive import reader
from closedloop.sandbox.salesforce.records.indexes import Row
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Lead": ("Company", "Status", "Disqualified_Reason__c", "LastModifiedDate"),
    "Opportunity": ("StageName", "Amount", "Loss_Reason__c", "LastModifiedDate"),
    "Campaign": ("Type", "Status", "NumberOfLeads", "NumberOfContacts", "NumberOfWonOpportunities"),
    "CampaignMember": (
        "Status",
        "Closed_Loop_Outcome__c",
        "Closed_Loop_Reason__c",
        "Closed_Loop_Reason_Detail__c",
        "Closed_Loop_Decided_At__c",
    ),
    "Contact": ("Title", "Email", "LastModifiedDate"),
    "Account": ("Industry", "BillingCountry", "LastModifiedDate"),
    "Task": ("Status", "ActivityDate", "LastModifiedDate"),
    "User": ("Email", "IsActive"),
}
_FED_BACK = "Closed_Loop_"
# What belongs to a record: label, object, and the field that refers back to it.
_RELATED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "Lead": (("Campaigns", "CampaignMember", "LeadId"), ("Activities", "Task", "WhoId")),
    "Contact": (
        ("Campaigns", "CampaignMember", "ContactId"),
        ("Roles", "OpportunityContactRole", "ContactId"),
    ),
    "Campaign": (("Members", "CampaignMember", "CampaignId"), ("Opportunities", "Opportunity", "CampaignId")),
    "Opportunity": (("Contact roles", "OpportunityContactRole", "OpportunityId"),),
    "Account": (("Contacts", "Contact", "AccountId"), ("Opportunities", "Opportunity", "AccountId")),
}
_MOST_RELATED = 10
_MOST_MEMBERS = 25
_SEARCHED = frozenset({"string", "email", "picklist"})
_BROUGHT = ("Campaigns",)
# Who may be brought by a campaign, and how a member refers to them.
_PERSON: Mapping[str, str] = {"Lead": "LeadId", "Contact": "ContactId"}
_NAMES = ("Name", "Subject", "MasterLabel", "Label", "Id")


class SalesforceSide(Side):
    """The org's records, and what a rep does with a lead or an opportunity."""

    key, name = "salesforce", "Salesforce"
    starts = (("Lead", "Disqualify or convert a lead"), ("Opportunity", "Win or lose an opportunity"))

    def __init__(self, sandbox: SalesforceSandbox) -> None:
        self._sandbox, self._org = sandbox, sandbox.org
        self.url, self.received = sandbox.url, sandbox.received

    def credentials(self) -> Mapping[str, str]:
        """What a client needs to come in."""
        sandbox = self._sandbox
        return {
            "Organisation id": sandbox.organization_id,
            "Access token": sandbox.access_token,
            "Client id": sandbox.client_id,
            "Client secret": sandbox.client_secret,
        }

    def kinds(self) -> list[Kind]:
        """The objects, those that matter most first."""
        first = [name for name in _COLUMNS if self._org.objects.find(name)]
        others = sorted(
            kind.name for kind in self._org.objects if kind.name not in _COLUMNS and not kind.setup
        )
        found = [self._org.known(name) for name in (*first, *others)]
        return [Kind(name=k.name, label=k.plural, count=self._count(k.name)) for k in found]

    def records(self, kind: str, *, start: int, size: int, find: str) -> Listing | None:
        """Records of an object from a place on, the newest first."""
        known = self._org.objects.find(kind)
        if known is None:
            return None
        columns = self._columns(known)
        with self._org.lock:
            self._org.settle_open()
            rows = list(islice(self._matching(known, find.casefold()), start, start + size + 1))
            return Listing(
                label=known.plural,
                columns=(*(field.label for field in columns), *(_BROUGHT if known.name in _PERSON else ())),
                rows=[self._row(known, row, columns, brought=True) for row in rows[:size]],
                more=len(rows) > size,
            )

    def record(self, kind: str, record_id: str) -> Shown | None:
        """One record with its fields that hold something, and what can be done with it."""
        known = self._org.objects.find(kind)
        if known is None:
            return None
        try:
            row = self._org.get(known.name, record_id)
        except Refusal:
            return None
        return Shown(
            id=row["Id"],
            label=known.plural,
            title=_title(row),
            values=[
                self._value(field, row[field.name]) for field in known.fields.values() if _tells(field, row)
            ],
            forms=self._forms(known.name, row),
            related=self._related(known.name, row["Id"]),
        )

    def act(self, kind: str, record_id: str, form: str, given: Mapping[str, str]) -> None:
        """Changes the record as a rep does, or converts the lead."""
        try:
            if form == "convert":
                self._convert(record_id, given.get("opportunity", "").strip())
            else:
                forms = self._forms(kind, self._org.get(kind, record_id))
                allowed = {choice.name for each in forms if each.name == form for choice in each.choices}
                changes = {name: value.strip() or None for name, value in given.items() if name in allowed}
                self._org.update(kind, record_id, changes, by=self._org.admin_id)
        except Refusal as refusal:
            raise RefusedError(f"{refusal.code}: {refusal.message}") from None

    def fed_back(self) -> list[FedBack]:
        """The campaigns that Closed Loop wrote on."""
        with self._org.lock:
            rows = [row for row in self._org.tables.rows("Campaign") if row.get("Closed_Loop_Model__c")]
        return [
            FedBack(
                kind="Campaign",
                id=row["Id"],
                title=_title(row),
                at=row["LastModifiedDate"],
                text=_text(row.get("Closed_Loop_Top_Reasons__c")),
            )
            for row in rows
        ]

    @property
    def tells(self) -> bool:
        """Whether anybody subscribed to what happens."""
        return self._org.outbound.subscribed

    def sent(self) -> list[Sent]:
        """The latest outbound messages, the newest first."""
        return [
            Sent(
                at=f"{message.at:%Y-%m-%d %H:%M:%S}",
                target=message.endpoint,
                what=f"{message.notifications} × {message.sobject}",
                result=message.result,
            )
            for message in reversed(self._org.outbound.deliveries)
        ]

    def _count(self, sobject: str) -> int:
        with self._org.lock:
            return sum(1 for _ in self._org.tables.rows(sobject))

    def _matching(self, kind: SObject, find: str) -> Iterator[Row]:
        rows = reversed(list(self._org.tables.rows(kind.name)))
        if not find:
            return rows
        readers = [
            reader(self._org.tables, kind.name, field.name)
            for field in kind.fields.values()
            if field.type in _SEARCHED
        ]
        return (row for row in rows if any(find in str(read(row) or "").casefold() for read in readers))

    def _columns(self, kind: SObject) -> list[Field]:
        names = _COLUMNS.get(kind.name, ("CreatedDate", "LastModifiedDate"))
        return [field for name in names if (field := kind.field(name)) is not None]

    def _row(
        self, kind: SObject, row: Row, columns: list[Field], *, of: str = "", brought: bool = False
    ) -> Line:
        """A line of a table; `of` is the field that refers to the record whose table it is."""
        cells = [_text(self._org.value(kind, row, field.name)) for field in columns]
        if brought and (person := _PERSON.get(kind.name)):
            cells.append(self._campaigns(person, row["Id"]))
        title = self._member(row, of) if kind.name == "CampaignMember" else self._name(kind, row)
        return Line(id=row["Id"], title=title, cells=tuple(cells))

    def _campaigns(self, field: str, person: str) -> str:
        """The campaigns that brought somebody, in a few words."""
        members = self._org.tables.where("CampaignMember", field, person)
        first = self._called(members[0]["CampaignId"]) if members else ""
        return f"{first} and {len(members) - 1} more" if len(members) > 1 else first

    def _member(self, row: Row, of: str) -> str:
        """Who is a member of what, but for the one whose table it is: members have no name of their own."""
        person = self._called(row.get("ContactId") or row.get("LeadId"))
        campaign = self._called(row.get("CampaignId"))
        return person if of == "CampaignId" else campaign if of else f"{person} in {campaign}"

    def _called(self, record_id: str | None) -> str:
        kind = next((k for k in self._org.objects if record_id and record_id.startswith(k.prefix)), None)
        row = self._org.tables.get(kind.name, record_id) if kind and record_id else None
        return self._name(kind, row) if kind and row else (record_id or "nobody")

    def _name(self, kind: SObject, row: Row) -> str:
        # Not the whole row: what a campaign sums up takes its time.
        return _title({name: self._org.value(kind, row, name) for name in _NAMES if name in kind.fields})

    def _value(self, field: Field, value: Any) -> Value:
        refers = next((n for n in field.refers_to if self._refers(n, value)), None)
        return Value(
            name=field.name,
            label=field.label.removesuffix(" ID") if refers else field.label,
            text=self._called(value) if refers else _text(value),
            fed_back=field.name.startswith(_FED_BACK),
            link=(refers, value) if refers else None,
        )

    def _refers(self, sobject: str, value: Any) -> bool:
        kind = self._org.objects.find(sobject)
        return kind is not None and isinstance(value, str) and value.startswith(kind.prefix)

    def _related(self, sobject: str, record_id: str) -> list[Related]:
        found = []
        for label, other, field in _RELATED.get(sobject, ()):
            kind = self._org.known(other)
            columns = self._columns(kind)
            with self._org.lock:
                rows = self._org.tables.where(kind.name, field, record_id)[::-1]
                shown = _decided_first(rows) if other == "CampaignMember" else rows[:_MOST_RELATED]
                lines = tuple(self._row(kind, row, columns, of=field) for row in shown)
            names = tuple(field.label for field in columns)
            found.append(Related(label=label, kind=other, columns=names, rows=lines, count=len(rows)))
        return found

    def _forms(self, sobject: str, row: Mapping[str, Any]) -> list[Form]:
        if sobject == "Lead" and not row["IsConverted"]:
            return [self._close_lead(row), _CONVERT]
        if sobject == "Opportunity":
            return [self._close_opportunity(row)]
        return []

    def _close_lead(self, row: Mapping[str, Any]) -> Form:
        statuses = self._labels("LeadStatus", but=lambda each: each["IsConverted"])
        return Form(
            name="close",
            title="Decide about this lead",
            help="As a rep does: a status, and why.",
            button="Save",
            choices=(
                _pick("Status", "Status", row, statuses),
                self._reason("Lead", "Disqualified_Reason__c", row),
                _text_of("Disqualified_Reason_Details__c", "In the rep's own words", row),
            ),
        )

    def _close_opportunity(self, row: Mapping[str, Any]) -> Form:
        return Form(
            name="close",
            title="Decide about this opportunity",
            help="Closed Won or Closed Lost, and why; any other stage reopens it.",
            button="Save",
            choices=(
                _pick("StageName", "Stage", row, self._labels("OpportunityStage")),
                self._reason("Opportunity", "Loss_Reason__c", row),
                self._reason("Opportunity", "Win_Reason__c", row),
                _text_of("Loss_Reason_Details__c", "In the rep's own words", row),
            ),
        )

    def _labels(self, sobject: str, but: Any = lambda _: False) -> list[str]:
        with self._org.lock:
            return [row["ApiName"] for row in self._org.tables.rows(sobject) if not but(row)]

    def _reason(self, sobject: str, name: str, row: Mapping[str, Any]) -> Choice:
        field = self._org.known(sobject).fields[name]
        return Choice(name=name, label=field.label, value=row[name] or "", suggestions=field.values)

    def _convert(self, lead_id: str, deal: str) -> None:
        day = self._org.clock().date().isoformat()
        fields = {"Name": deal, "StageName": "Qualification", "CloseDate": day}
        self._org.convert_lead(lead_id, opportunity=fields if deal else None, by=self._org.admin_id)


_CONVERT = Form(
    name="convert",
    title="Convert this lead",
    help="Sales accepts it: it becomes an account, a contact and, if you name one, an opportunity.",
    button="Convert",
    choices=(Choice(name="opportunity", label="Name of the opportunity (may be empty)"),),
)


def _pick(name: str, label: str, row: Mapping[str, Any], options: list[str]) -> Choice:
    return Choice(name=name, label=label, value=row[name] or "", options=tuple((o, o) for o in options))


def _text_of(name: str, label: str, row: Mapping[str, Any]) -> Choice:
    return Choice(name=name, label=label, value=row[name] or "")


def _tells(field: Field, row: Mapping[str, Any]) -> bool:
    """Whether the page has anything to say about the field; what Closed Loop writes is always shown."""
    return field.name.startswith(_FED_BACK) or row.get(field.name) not in (None, "", False)


def _decided_first(members: list[Row]) -> list[Row]:
    """The members to show: those with a decision before the others, the latest first."""
    decided = [row for row in members if row.get("Closed_Loop_Decided_At__c")]
    decided.sort(key=lambda row: row["Closed_Loop_Decided_At__c"], reverse=True)
    return [*decided, *(row for row in members if not row.get("Closed_Loop_Decided_At__c"))][:_MOST_MEMBERS]


def _title(row: Mapping[str, Any]) -> str:
    return next((str(row[name]) for name in _NAMES if row.get(name)), "")


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case Decimal():
            whole = value == value.to_integral_value()
            return f"{value:,.0f}" if whole else f"{value:,.2f}"
        case dict():
            return ", ".join(str(part) for part in value.values() if part)
    return str(value)
