"""The partner SOAP API: records, queries, lead conversion, and the faults of what cannot be answered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.sandbox.salesforce.soap.markup import Element

LEAD = "<sObjects><type>Lead</type><LastName>{}</LastName><Company>Acme</Company></sObjects>"


@pytest.fixture
def partner(soap: Any) -> Any:
    return lambda operation, **how: soap(operation, api="u", **how)


def query(partner: Any, text: str, **how: Any) -> Element:
    found: Element = partner(f"<query><queryString>{text}</queryString></query>", **how).find("result")
    return found


def codes(answer: Element) -> list[str | None]:
    return [one.value("errors", "statusCode") for one in answer.all("result")]


def test_records_are_made_changed_and_removed(partner: Any, org: Org) -> None:
    made = partner(f"<create>{LEAD.format('A')}<sObjects><type>Lead</type></sObjects></create>")
    assert [one.value("success") for one in made.all("result")] == ["true", "false"]
    assert codes(made) == [None, "REQUIRED_FIELD_MISSING"]
    lead = made.value("result", "id")
    change = f"<sObjects><type>Lead</type><fieldsToNull>Company</fieldsToNull><Id>{lead}</Id></sObjects>"
    assert codes(partner(f"<update>{change}</update>")) == ["REQUIRED_FIELD_MISSING"]
    change = f"<sObjects><type>Lead</type><Id>{lead}</Id><Title>Head</Title></sObjects>"
    assert codes(partner(f"<update>{change}</update>")) == [None]
    assert org.get("Lead", lead)["Title"] == "Head"
    upserted = partner(
        "<upsert><externalIDFieldName>Id</externalIDFieldName>"
        f"{LEAD.format('New')}{LEAD.format('B').replace('<LastName>', f'<Id>{lead}</Id><LastName>')}</upsert>"
    )
    assert [one.value("created") for one in upserted.all("result")] == ["true", "false"]
    gone = partner(f"<delete><ids>{lead}</ids><ids>nonsense</ids></delete>")
    assert codes(gone) == [None, "MALFORMED_ID"]
    assert codes(partner(f"<undelete><ids>{lead}</ids></undelete>")) == [None]
    assert codes(partner(f"<undelete><ids>{lead}</ids></undelete>")) == ["UNDELETE_FAILED"]
    assert org.get("Lead", lead)["LastName"] == "B"
    partner(f"<delete><ids>{lead}</ids></delete>")
    assert codes(partner(f"<emptyRecycleBin><ids>{lead}</ids></emptyRecycleBin>")) == [None]
    assert codes(partner(f"<undelete><ids>{lead}</ids></undelete>")) == ["INVALID_CROSS_REFERENCE_KEY"]


def test_one_failure_undoes_all_where_the_header_says_so(partner: Any, org: Org) -> None:
    headers = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
    made = partner(
        f"<create>{LEAD.format('A')}<sObjects><type>Lead</type></sObjects></create>", headers=headers
    )
    assert codes(made) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert org.rows("Lead") == []


def test_a_query_answers_as_recorded(partner: Any, org: Org, soap: Any) -> None:
    account = org.insert("Account", {"Name": "Acme & Co"})
    org.insert("Contact", {"LastName": "Homer", "AccountId": account})
    text = "SELECT Id, Name, Title, Account.Name, (SELECT Id FROM Tasks) FROM Contact"
    envelope = soap.envelope(f"<query><queryString>{text}</queryString></query>", api="u")
    answer = re.sub(r"00\w{16}", "ID", soap.post(envelope, api="u", version="62.0").text)
    # The order and attributes of WWW::Salesforce's recording, and of php-src's for a parent.
    assert answer == (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:sf="urn:sobject.partner.soap.sforce.com"><soapenv:Header><LimitInfoHeader><limitInfo>'
        "<current>1</current><limit>15000</limit><type>API REQUESTS</type></limitInfo></LimitInfoHeader>"
        '</soapenv:Header><soapenv:Body><queryResponse><result xsi:type="QueryResult"><done>true</done>'
        '<queryLocator xsi:nil="true"/><records xsi:type="sf:sObject"><sf:type>Contact</sf:type>'
        '<sf:Id>ID</sf:Id><sf:Id>ID</sf:Id><sf:Name>Homer</sf:Name><sf:Title xsi:nil="true"/>'
        '<sf:Account xsi:type="sf:sObject"><sf:type>Account</sf:type><sf:Id xsi:nil="true"/>'
        "<sf:Name>Acme &amp; Co</sf:Name></sf:Account>"
        '<sf:Tasks xsi:nil="true"/></records><size>1</size></result></queryResponse></soapenv:Body>'
        "</soapenv:Envelope>"
    )


def test_counts_and_groups_have_their_types(partner: Any, org: Org) -> None:
    for name in ("A", "B"):
        org.insert("Account", {"Name": name, "Industry": "Energy"})
    assert query(partner, "SELECT count() FROM Account").value("size") == "2"
    found = query(partner, "SELECT Industry, COUNT(Id) n FROM Account GROUP BY Industry").find("records")
    assert found is not None
    assert [(child.name, child.type, child.text) for child in found.children] == [
        ("type", "", "AggregateResult"),
        ("Id", "", ""),
        ("Industry", "string", "Energy"),
        ("n", "int", "2"),
    ]


def test_a_long_result_comes_in_pages(partner: Any, org: Org) -> None:
    org.load("Lead", ({"LastName": f"L{n}", "Company": "Acme"} for n in range(450)))
    headers = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    found, sizes = query(partner, "SELECT Id FROM Lead", headers=headers), []
    while True:
        sizes.append(len(found.all("records")))
        if found.value("done") == "true":
            break
        locator = found.value("queryLocator")
        more = partner(f"<queryMore><queryLocator>{locator}</queryLocator></queryMore>", headers=headers)
        found = more.find("result")
    assert sizes == [200, 200, 50]


def test_records_are_retrieved_in_order(partner: Any, org: Org) -> None:
    made = org.insert("Account", {"Name": "Acme"})
    ids = f"<ids>{made}</ids><ids>001000000000001AAA</ids>"
    answer = partner(
        f"<retrieve><fieldList>Name</fieldList><sObjectType>Account</sObjectType>{ids}</retrieve>"
    )
    assert [(one.nil, one.value("Name")) for one in answer.all("result")] == [(False, "Acme"), (True, None)]


@pytest.fixture
def lead(org: Org) -> str:
    return org.insert("Lead", {"LastName": "A", "Company": "Acme", "Phone": "1", "LeadSource": "Web"})


def convert(partner: Any, lead: str, **more: str) -> Element:
    parts = {
        "convertedStatus": "Closed - Converted",
        "doNotCreateOpportunity": "false",
        "leadId": lead,
        **more,
    }
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in sorted(parts.items()) if text)
    found: Element = partner(f"<convertLead><leadConverts>{inner}</leadConverts></convertLead>").find(
        "result"
    )
    return found


def test_a_lead_is_converted_into_new_records(partner: Any, org: Org, lead: str) -> None:
    found = convert(partner, lead, opportunityName="Deal")
    assert (found.value("success"), found.value("leadId")) == ("true", lead)
    assert org.get("Opportunity", found.value("opportunityId") or "")["Name"] == "Deal"
    assert org.get("Lead", lead)["ConvertedContactId"] == found.value("contactId")
    again = convert(partner, lead)
    assert again.value("errors", "statusCode") == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert again.value("accountId") is None


def test_a_lead_is_converted_into_records_there_are(partner: Any, org: Org, lead: str) -> None:
    account = org.insert("Account", {"Name": "Other", "Phone": "2"})
    contact = org.insert("Contact", {"LastName": "Old", "AccountId": account})
    found = convert(partner, lead, accountId=account, contactId=contact, doNotCreateOpportunity="true")
    assert (found.value("accountId"), found.value("contactId")) == (account, contact)
    assert found.value("opportunityId") is None
    assert org.get("Account", account)["Phone"] == "2"
    assert (org.get("Contact", contact)["LastName"], org.get("Contact", contact)["Phone"]) == ("Old", "1")
    assert len(org.rows("Opportunity")) == 0


BAD_CONVERSIONS = [
    ("status", {"convertedStatus": "Open - Not Contacted"}, "INVALID_STATUS"),
    ("no_lead", {"leadId": ""}, "INVALID_CROSS_REFERENCE_KEY"),
    ("malformed_id", {"accountId": "x"}, "MALFORMED_ID"),
    ("a_contact_alone", {"contactId": "003000000000001AAA"}, "REQUIRED_FIELD_MISSING"),
    ("no_account", {"accountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
]


@pytest.mark.parametrize(
    ("more", "code"), [b[1:] for b in BAD_CONVERSIONS], ids=[b[0] for b in BAD_CONVERSIONS]
)
def test_a_conversion_that_cannot_be_is_refused(
    partner: Any, org: Org, lead: str, more: dict[str, str], code: str
) -> None:
    assert convert(partner, lead, **more).value("errors", "statusCode") == code
    assert org.get("Lead", lead)["IsConverted"] is False


def test_records_are_merged(partner: Any, org: Org) -> None:
    ids = [org.insert("Account", {"Name": name}) for name in ("A", "B", "C")]
    contact = org.insert("Contact", {"LastName": "X", "AccountId": ids[1]})
    merged = "".join(f"<recordToMergeIds>{i}</recordToMergeIds>" for i in ids[1:])
    master = f"<masterRecord><type>Account</type><Id>{ids[0]}</Id><Name>One</Name></masterRecord>"
    found = partner(f"<merge><request>{master}{merged}</request></merge>").find("result")
    assert found.values("mergedRecordIds") == ids[1:]
    assert [row["Name"] for row in org.rows("Account")] == ["One"]
    assert org.get("Contact", contact)["AccountId"] == ids[0]
    again = partner(f"<merge><request>{master}{merged}</request></merge>")
    assert codes(again) == ["ENTITY_IS_DELETED"]


def test_what_changed_is_told(partner: Any, org: Org, lead: str, clock: Any) -> None:
    clock.move(minutes=2)
    start, end = (f"2026-11-20T14:{minute}:00Z" for minute in ("00", "07"))
    dates = f"<sObjectType>Lead</sObjectType><startDate>{start}</startDate><endDate>{end}</endDate>"
    assert partner(f"<getUpdated>{dates}</getUpdated>").find("result").values("ids") == [lead]
    org.delete("Lead", lead)
    gone = partner(f"<getDeleted>{dates}</getDeleted>").find("result")
    assert gone.value("deletedRecords", "id") == lead
    assert (gone.value("latestDateCovered") or "").endswith("Z")


def test_the_caller_and_the_time_are_told(partner: Any, org: Org) -> None:
    user = partner("<getUserInfo/>").find("result")
    assert user.value("userId") == org.integration_user_id
    assert user.value("organizationId") == org.organization_id
    assert partner("<getServerTimestamp/>").value("result", "timestamp") == "2026-11-20T14:03:07.000Z"


def test_objects_are_described(partner: Any) -> None:
    every = partner("<describeGlobal/>").find("result")
    assert {"Lead", "Campaign"} <= {one.value("name") for one in every.all("sobjects")}
    named = "<sObjectType>Lead</sObjectType><sObjectType>Campaign</sObjectType>"
    found = partner(f"<describeSObjects>{named}</describeSObjects>").all("result")
    assert [one.value("name") for one in found] == ["Lead", "Campaign"]
    fields = {one.value("name"): one for one in found[0].all("fields")}
    assert fields["Status"].value("type") == "picklist"
    assert fields["Status"].value("picklistValues", "value") == "Open - Not Contacted"


def test_a_search_finds_records(partner: Any, org: Org, lead: str) -> None:
    asked = "FIND {Acme} IN ALL FIELDS RETURNING Lead(Id, Company)"
    found = partner(f"<search><searchString>{asked}</searchString></search>").find("result")
    assert [one.value("record", "Company") for one in found.all("searchRecords")] == ["Acme"]


FAULTS = [
    (
        "malformed_query",
        "<query><queryString>SELECT</queryString></query>",
        {},
        "MALFORMED_QUERY",
        "MalformedQueryFault",
    ),
    (
        "unknown_field",
        "<query><queryString>SELECT X FROM Lead</queryString></query>",
        {},
        "INVALID_FIELD",
        "InvalidFieldFault",
    ),
    (
        "unknown_object",
        "<query><queryString>SELECT Id FROM X</queryString></query>",
        {},
        "INVALID_TYPE",
        "InvalidSObjectFault",
    ),
    ("no_query", "<query/>", {}, "MALFORMED_QUERY", "MalformedQueryFault"),
    (
        "locator",
        "<queryMore><queryLocator>x</queryLocator></queryMore>",
        {},
        "INVALID_QUERY_LOCATOR",
        "InvalidQueryLocatorFault",
    ),
    (
        "unknown_describe",
        "<describeSObject><sObjectType>X</sObjectType></describeSObject>",
        {},
        "INVALID_TYPE",
        "InvalidSObjectFault",
    ),
    (
        "too_many",
        "<delete>" + "<ids>x</ids>" * 201 + "</delete>",
        {},
        "EXCEEDED_ID_LIMIT",
        "UnexpectedErrorFault",
    ),
    ("session", "<getUserInfo/>", {"token": "no"}, "INVALID_SESSION_ID", "UnexpectedErrorFault"),
    ("version", "<getUserInfo/>", {"version": "9.0"}, "UNSUPPORTED_API_VERSION", "UnexpectedErrorFault"),
    (
        "login",
        "<login><username>a</username><password>b</password></login>",
        {},
        "INVALID_LOGIN",
        "LoginFault",
    ),
]


@pytest.mark.parametrize(
    ("operation", "how", "code", "kind"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_call_that_cannot_be_answered_is_a_fault(
    untouched: Any, operation: str, how: dict[str, str], code: str, kind: str
) -> None:
    fault = untouched(operation, api="u", **how)
    assert fault.value("faultcode") == f"sf:{code}"
    assert (fault.value("faultstring") or "").startswith(f"{code}: ")
    detail = fault.find("detail").children[0]
    assert (detail.name, detail.type, detail.value("exceptionCode")) == (kind, kind, code)


def test_after_the_logout_the_session_is_gone(partner: Any) -> None:
    assert partner("<logout/>").name == "logoutResponse"
    assert partner("<getUserInfo/>").value("faultcode") == "sf:INVALID_SESSION_ID"


def test_a_record_of_no_type_is_refused_alone(partner: Any) -> None:
    made = partner(f"<create><sObjects><LastName>A</LastName></sObjects>{LEAD.format('B')}</create>")
    assert codes(made) == ["INVALID_TYPE", None]


def test_the_type_may_stand_in_an_attribute(partner: Any, org: Org) -> None:
    # As CumulusCI makes profiles (`soap_envelopes.py`, CREATE_PROFILE).
    made = partner('<create><sObjects xsi:type="urn1:Account"><Name>Acme</Name></sObjects></create>')
    assert codes(made) == [None]
    assert [row["Name"] for row in org.rows("Account")] == ["Acme"]


def test_dates_without_an_offset_are_in_utc(partner: Any, org: Org) -> None:
    lead = org.insert("Lead", {"LastName": "A", "Company": "Acme"})
    dates = "<startDate>2026-11-20T13:00:00</startDate><endDate>2026-11-20T15:00:00.000+00:00</endDate>"
    asked = f"<getUpdated><sObjectType>Lead</sObjectType>{dates}</getUpdated>"
    assert partner(asked).find("result").values("ids") == [lead]


def test_an_id_is_called_id_by_some(partner: Any, org: Org) -> None:
    lead = org.insert("Lead", {"LastName": "A", "Company": "Acme"})
    assert codes(partner(f"<delete><id>{lead}</id></delete>")) == [None]


def test_passwords_are_set_and_reset(partner: Any, salesforce: SalesforceSandbox) -> None:
    user = salesforce.org.integration_user_id
    partner(f"<setPassword><userId>{user}</userId><password>other</password></setPassword>")
    assert salesforce.login.password == "other"
    made = partner(f"<resetPassword><userId>{user}</userId></resetPassword>").value("result", "password")
    assert salesforce.login.password == made


def test_the_enterprise_api_logs_in_and_writes(soap: Any, salesforce: SalesforceSandbox) -> None:
    login = salesforce.login
    asked = f"<login><username>{login.username}</username><password>{login.password}</password></login>"
    result = soap(asked, api="c").find("result")
    assert result.value("serverUrl") == (
        f"{salesforce.url}/services/Soap/c/62.0/{salesforce.organization_id[:15]}"
    )
    assert result.value("sandbox") == "true"
    lead = '<sObjects xsi:type="Lead"><LastName>A</LastName><Company>Acme</Company></sObjects>'
    made = soap(f"<create>{lead}</create>", api="c")
    assert codes(made) == [None]
    assert salesforce.org.get("Lead", made.value("result", "id"))["LastName"] == "A"
