"""What each CRM calls the places that the script moves a lead or an opportunity to, and the fields for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from closedloop.sandbox.world.model import Move, Step, Subject
from closedloop.schema.vocabulary import CrmName, ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kind of subject in one CRM: its object, its fields ("" where it has none), its stages.

    `first` is the stage of a new one; a move that it does not know cannot happen to it. `labels` are what
    people call the stages that are called otherwise than the CRM's own value.
    """

    source: str
    stage: str
    lost_reason: str = ""
    won_reason: str = ""
    note: str = ""
    competitor: str = ""
    pipeline: str = ""
    first: str
    stages: Mapping[Move, str]
    labels: Mapping[Move, str] = field(default_factory=dict)

    def label(self, move: Move) -> str:
        """What people call the stage of a move."""
        return self.labels.get(move) or self.stages[move]

    def reason_fields(self, about: Move | None) -> tuple[str, ...]:
        """The field for the reason of a move; all of them when the reason is about none."""
        if about is None:
            return tuple(name for name in (self.lost_reason, self.won_reason) if name)
        field = self.won_reason if about is Move.WON else self.lost_reason
        return (field,) if field else ()

    def changes(self, step: Step) -> dict[str, str]:
        """The fields that the step writes, "" where it clears one."""
        changes = {self.stage: self.stages[step.move]} if step.move else {}
        if step.reason is not None:
            changes |= dict.fromkeys(self.reason_fields(step.about), step.reason)
        if step.note is not None and self.note:
            changes[self.note] = step.note
        if step.competitor is not None and self.competitor:
            changes[self.competitor] = step.competitor
        return changes


SALESFORCE_LEAD = Line(
    source="Lead",
    stage="Status",
    lost_reason="Disqualified_Reason__c",
    note="Disqualified_Reason_Details__c",
    first="Open - Not Contacted",
    stages={
        Move.WORKING: "Working - Contacted",
        Move.DISQUALIFIED: "Disqualified",
        Move.RECYCLED: "Recycled",
        Move.CONVERTED: "Closed - Converted",
    },
)
OPPORTUNITY = Line(
    source="Opportunity",
    stage="StageName",
    lost_reason="Loss_Reason__c",
    won_reason="Win_Reason__c",
    note="Loss_Reason_Details__c",
    competitor="Lost_to_Competitor__c",
    first="Qualification",
    stages={
        Move.MEETING: "Needs Analysis",
        Move.PROPOSED: "Proposal/Price Quote",
        Move.WORKING: "Negotiation/Review",
        Move.WON: "Closed Won",
        Move.LOST: "Closed Lost",
    },
)
HUBSPOT_LEAD = Line(
    source="leads",
    stage="hs_pipeline_stage",
    lost_reason="hs_lead_disqualification_reason",
    note="hs_lead_disqualification_note",
    pipeline="lead-pipeline-id",
    first="new-stage-id",
    stages={
        Move.WORKING: "connected-stage-id",
        Move.QUALIFIED: "qualified-stage-id",
        Move.DISQUALIFIED: "unqualified-stage-id",
    },
    labels={Move.QUALIFIED: "Qualified", Move.DISQUALIFIED: "Disqualified"},
)
# A contact without a lead has a status, which HubSpot leaves blank until somebody sets it.
HUBSPOT_STATUS = Line(
    source="contacts",
    stage="hs_lead_status",
    first="NEW",
    stages={
        Move.WORKING: "ATTEMPTED_TO_CONTACT",
        Move.DISQUALIFIED: "UNQUALIFIED",
        Move.RECYCLED: "BAD_TIMING",
    },
)
DEAL = Line(
    source="deals",
    stage="dealstage",
    lost_reason="closed_lost_reason",
    won_reason="closed_won_reason",
    pipeline="default",
    first="appointmentscheduled",
    stages={
        Move.MEETING: "presentationscheduled",
        Move.PROPOSED: "decisionmakerboughtin",
        Move.WORKING: "contractsent",
        Move.WON: "closedwon",
        Move.LOST: "closedlost",
    },
    labels={Move.WON: "Closed Won", Move.LOST: "Closed Lost"},
)
# The sandbox portal's own pipeline, whose stages have numbers for names as HubSpot gives them.
PARTNER_DEAL = Line(
    source="deals",
    stage="dealstage",
    lost_reason="closed_lost_reason",
    won_reason="closed_won_reason",
    pipeline="755338291",
    first="1098400001",
    stages={Move.WORKING: "1098400002", Move.WON: "1098400003", Move.LOST: "1098400004"},
    labels={Move.WON: "Signed", Move.LOST: "Withdrawn"},
)


def line_of(subject: Subject) -> Line:
    """The line that the subject belongs to."""
    if subject.crm is CrmName.SALESFORCE:
        return SALESFORCE_LEAD if subject.object is ObjectType.LEAD else OPPORTUNITY
    if subject.object is ObjectType.LEAD:
        return HUBSPOT_LEAD
    if subject.object is ObjectType.CONTACT:
        return HUBSPOT_STATUS
    return PARTNER_DEAL if subject.second_pipeline else DEAL
