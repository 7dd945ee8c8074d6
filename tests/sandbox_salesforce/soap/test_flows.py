"""Deployed flows send the outbound messages that they call, when their conditions say so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.sandbox_salesforce.packages import file, flow, manifest, message

from closedloop.sandbox.salesforce import Org
from closedloop.sandbox.salesforce.metadata.formulas import FormulaError, Moment, formula

FILTER = "<filters><field>{}</field><operator>{}</operator><value><{}>{}</{}></value></filters>"


def hook(receiver: Any, *flows: str) -> dict[str, str]:
    """A package of a message about leads, and of the flows."""
    files = {f"flows/Tell_{number}.flow": text for number, text in enumerate(flows)}
    names = " ".join(path[6:-5] for path in files)
    return {
        "package.xml": manifest(WorkflowOutboundMessage="Lead.Hook", Flow=names),
        "workflows/Lead.workflow": file("Workflow", message("Hook", receiver.url, "Id", "Status")),
        **files,
    }


def statuses(receiver: Any) -> list[str]:
    return [text for body in receiver.bodies for text in re.findall(r"<sf:Status>([^<]+)<", body.decode())]


def lead(org: Org, **fields: Any) -> str:
    return org.insert("Lead", {"LastName": "A", "Company": "B", **fields})


def test_a_flow_on_creation_sends_its_message(deploy: Any, org: Org, receiver: Any) -> None:
    assert deploy(hook(receiver, flow("Lead", "Lead.Hook", on="Create")))["status"] == "Succeeded"
    made = lead(org, Status="Working - Contacted")
    assert org.settle()
    org.update("Lead", made, {"Status": "Open - Not Contacted"})
    assert org.settle()
    assert statuses(receiver) == ["Working - Contacted"]
    (body,) = receiver.bodies
    assert b"<ActionId>04k" in body


def test_two_flows_share_a_message(deploy: Any, org: Org, receiver: Any) -> None:
    changed = "<filterFormula>OR(ISCHANGED({!$Record.Status}), ISCHANGED({!$Record.Rating}))</filterFormula>"
    files = hook(receiver, flow("Lead", "Lead.Hook", on="Create"), flow("Lead", "Lead.Hook", start=changed))
    assert deploy(files)["status"] == "Succeeded"
    made = lead(org)
    assert org.settle()
    org.update("Lead", made, {"Title": "Head"})
    org.update("Lead", made, {"Status": "Working - Contacted"})
    assert org.settle()
    assert statuses(receiver) == ["Open - Not Contacted", "Working - Contacted"]


CONDITIONS = [
    ("equal", FILTER.format("Title", "EqualTo", "stringValue", "head", "stringValue"), ["Head"]),
    ("not_equal", FILTER.format("Title", "NotEqualTo", "stringValue", "Head", "stringValue"), ["Foot"]),
    ("null", FILTER.format("Title", "IsNull", "booleanValue", "false", "booleanValue"), ["Head", "Foot"]),
    ("begins", FILTER.format("Title", "StartsWith", "stringValue", "H", "stringValue"), ["Head"]),
    ("formula", '<filterFormula>BEGINS({!$Record.Title}, "F")</filterFormula>', ["Foot"]),
    (
        "logic",
        FILTER.format("Title", "EqualTo", "stringValue", "x", "stringValue")
        + FILTER.format("Title", "Contains", "stringValue", "oo", "stringValue"),
        [],
    ),
]


@pytest.mark.parametrize(("start", "titles"), [c[1:] for c in CONDITIONS], ids=[c[0] for c in CONDITIONS])
def test_conditions_choose_the_records(
    deploy: Any, org: Org, receiver: Any, start: str, titles: list[str]
) -> None:
    files = hook(receiver, flow("Lead", "Lead.Hook", on="Create", start=start))
    files["workflows/Lead.workflow"] = file("Workflow", message("Hook", receiver.url, "Title"))
    assert deploy(files)["problems"] == {}
    for title in ("Head", "Foot"):
        lead(org, Title=title)
    assert org.settle()
    found = re.findall(r"<sf:Title>([^<]+)<", b"".join(receiver.bodies).decode())
    assert sorted(found) == sorted(titles)


def test_a_flow_may_wait_for_the_change_that_meets_its_conditions(
    deploy: Any, org: Org, receiver: Any
) -> None:
    start = (
        "<doesRequireRecordChangedToMeetCriteria>true</doesRequireRecordChangedToMeetCriteria>"
        + FILTER.format("Status", "EqualTo", "stringValue", "Working - Contacted", "stringValue")
    )
    deploy(hook(receiver, flow("Lead", "Lead.Hook", start=start)))
    made = lead(org)
    for change in ({"Status": "Working - Contacted"}, {"Title": "x"}, {"Status": "Open - Not Contacted"}):
        org.update("Lead", made, change)
    assert org.settle()
    assert len(receiver.bodies) == 1


def test_a_message_is_removed_after_its_flow_and_the_flow_after_it_is_switched_off(
    deploy: Any, org: Org, receiver: Any
) -> None:
    deploy(hook(receiver, flow("Lead", "Lead.Hook", on="Create")))
    message_gone = {
        "package.xml": manifest(),
        "destructiveChanges.xml": manifest(WorkflowOutboundMessage="Lead.Hook"),
    }
    assert "Flow Version - 301" in deploy(message_gone)["problems"]["Lead.Hook"]
    both = manifest(WorkflowOutboundMessage="Lead.Hook", Flow="Tell_0")
    gone = {"package.xml": manifest(), "destructiveChanges.xml": both}
    assert deploy(gone)["problems"]["Tell_0"] == "insufficient access rights on cross-reference id"
    off = {
        "package.xml": manifest(FlowDefinition="Tell_0"),
        "flowDefinitions/Tell_0.flowDefinition": file(
            "FlowDefinition", "<activeVersionNumber>0</activeVersionNumber>"
        ),
    }
    assert deploy(off)["status"] == "Succeeded"
    lead(org)
    assert org.settle()
    assert receiver.bodies == []
    found = deploy(gone)
    assert found["status"] == "Succeeded"
    assert {name for name, one in found["messages"].items() if one.value("deleted") == "true"} == {
        "Tell_0",
        "Lead.Hook",
    }


def test_a_flow_that_is_deployed_as_a_draft_is_off(deploy: Any, org: Org, receiver: Any) -> None:
    deploy(hook(receiver, flow("Lead", "Lead.Hook", on="Create")))
    deploy(hook(receiver, flow("Lead", "Lead.Hook", on="Create", status="Draft")))
    lead(org)
    assert org.settle()
    assert receiver.bodies == []


BAD_STARTS = [
    ("changed_on_creation", "Create", "<filterFormula>ISCHANGED({!$Record.Status})</filterFormula>"),
    ("unknown_field", "Update", "<filterFormula>ISCHANGED({!$Record.Nope__c})</filterFormula>"),
    ("unknown_function", "Update", "<filterFormula>WISH({!$Record.Status})</filterFormula>"),
    ("no_end", "Update", "<filterFormula>OR(ISCHANGED({!$Record.Status})</filterFormula>"),
    (
        "bad_logic",
        "Update",
        "<filterLogic>1 AND 3</filterLogic>"
        + FILTER.format("Title", "EqualTo", "stringValue", "x", "stringValue"),
    ),
]


@pytest.mark.parametrize(("on", "start"), [b[1:] for b in BAD_STARTS], ids=[b[0] for b in BAD_STARTS])
def test_a_start_that_makes_no_sense_is_refused(deploy: Any, receiver: Any, on: str, start: str) -> None:
    found = deploy(hook(receiver, flow("Lead", "Lead.Hook", on=on, start=start)))
    assert found["status"] == "Failed"
    assert "Tell_0" in found["problems"]


FORMULAS = [
    ("ISPICKVAL({!$Record.A}, 'x') && NOT(ISNEW())", {"A": "x"}, {"A": "y"}, True),
    ("ISNEW() || PRIORVALUE({!$Record.A}) <> {!$Record.A}", {"A": "x"}, {"A": "y"}, True),
    ("{!$Record__Prior.A} = {!$Record.A}", {"A": "x"}, {"A": "x"}, True),
    ("{!$Record.N} >= 10 && {!$Record.N} < 20.5", {"N": 20}, {"N": 1}, True),
    ("{!$Record.N} > 10", {"N": None}, {"N": 1}, False),
    ("ISBLANK({!$Record.A})", {"A": None}, {"A": "x"}, True),
    ("IF({!$Record.B}, TRUE, FALSE)", {"B": True}, {"B": False}, True),
    ('INCLUDES({!$Record.A}, "b")', {"A": "a;b"}, {"A": ""}, True),
    ("LOWER(TEXT({!$Record.A})) = 'x'", {"A": "X"}, {"A": ""}, True),
    ("!(ISCHANGED({!$Record.A}))", {"A": "x"}, {"A": "x"}, True),
]


@pytest.mark.parametrize(("text", "now", "before", "expected"), FORMULAS, ids=[f[0] for f in FORMULAS])
def test_a_formula_is_worked_out(
    text: str, now: dict[str, Any], before: dict[str, Any], expected: bool
) -> None:
    assert formula(text)(Moment(now=now.get, before=before.get)) is expected


@pytest.mark.parametrize("text", ["", "(", "OR(", "1 2", "ISCHANGED('x')", "'open", "#", "AND()", "(" * 5000])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        formula(text)


def test_a_flow_that_sends_nothing_may_ask_what_it_likes(deploy: Any, receiver: Any) -> None:
    start = "<filterFormula>REGEX({!$Record.Phone}, '[0-9]+')</filterFormula>"
    text = flow("Lead", "Lead.Hook", start=start).replace("outboundMessage", "emailSimple")
    assert deploy(hook(receiver, text))["problems"] == {}
