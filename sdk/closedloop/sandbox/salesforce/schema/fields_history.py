"""Who changed what when, as far as Salesforce keeps it: the history of fields and of opportunities' stages.

Object Reference: AccountHistory, CampaignHistory, ContactHistory, LeadHistory, OpportunityFieldHistory,
OpportunityHistory. Their records are Salesforce's own: nobody writes them.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject
from closedloop.sandbox.salesforce.schema.sobject import SObject


def _history(parent: str, name: str = "") -> SObject:
    return sobject(
        name or f"{parent}History",
        "017",
        f"""
{parent}Id   reference      !c  {parent}:{parent}:Histories
CreatedById  reference      !D  User:CreatedBy  Created By ID
CreatedDate  datetime       !D
Field        picklist(255)  !
DataType     picklist(40)   -   Text|Boolean|DateOnly|DateTime|DynamicEnum|Double|Currency|EntityId|Phone|Url
OldValue     anyType        FSa
NewValue     anyType        FSa
""",
        plural=name or f"{parent} History",
        can="",
        without="CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp",
    )


OPPORTUNITY_HISTORY = sobject(
    "OpportunityHistory",
    "008",
    """
OpportunityId     reference       !c  Opportunity:Opportunity:OpportunityHistories
CreatedById       reference       !D  User:CreatedBy  Created By ID
CreatedDate       datetime        !D
StageName         picklist(255)   !
Amount            currency(18,2)  -
ExpectedRevenue   currency(18,2)  -
CloseDate         date            -
Probability       percent(3,0)    -   -  Probability (%)
ForecastCategory  picklist(40)    -   Omitted|Pipeline|BestCase=Best Case|MostLikely=Most Likely|Forecast=Commit|Closed
PrevAmount        currency(18,2)  -
PrevCloseDate     date            -
SystemModstamp    datetime        !D
""",  # noqa: E501  one line a field
    plural="Opportunity History",
    can="",
    without="CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp",
)

ALL = (
    _history("Account"),
    _history("Campaign"),
    _history("Contact"),
    _history("Lead"),
    _history("Opportunity", "OpportunityFieldHistory"),
    OPPORTUNITY_HISTORY,
)
