"""Opportunities and what hangs on them, the stages of both pipelines, and tasks."""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

OPPORTUNITY = sobject(
    "Opportunity",
    "006",
    """
AccountId                 reference        CUcs  Account:Account:Opportunities
IsPrivate                 boolean          CU!DP  -  Private
Name                      string(120)      CU!NL
Description               textarea(32000)  CU
StageName                 picklist(255)    CU!  -  Stage
Amount                    currency(18,2)   CU
Probability               percent(3,0)     CUD  -  Probability (%)
ExpectedRevenue           currency(18,2)   *    -  Expected Amount
TotalOpportunityQuantity  double(18,2)     CU   -  Quantity
CloseDate                 date             CU!
Type                      picklist(255)    CU   Existing Customer - Upgrade|Existing Customer - Replacement|Existing Customer - Downgrade|New Customer  Opportunity Type
NextStep                  string(255)      CU
LeadSource                picklist(255)    CU   Web|Phone Inquiry|Partner Referral|Purchased List|Other
IsClosed                  boolean          !D*  -  Closed
IsWon                     boolean          !D*  -  Won
ForecastCategory          picklist(40)     !R*  Omitted|Pipeline|BestCase=Best Case|MostLikely=Most Likely|Forecast=Commit|Closed
ForecastCategoryName      picklist(255)    CUDRp  Omitted|Pipeline|Best Case|Commit|Closed  Forecast Category
CampaignId                reference        CUs  Campaign:Campaign:Opportunities
HasOpportunityLineItem    boolean          !D   -  Has Line Item
Pricebook2Id              reference        CUDps  Pricebook2:Pricebook2  Price Book ID
OwnerId                   reference        CU!D  User:Owner
(audit)
LastActivityDate          date             -    -  Last Activity
LastStageChangeDate       datetime         -
FiscalQuarter             int              *p
FiscalYear                int              *p
Fiscal                    string(6)        *pb   -  Fiscal Period
ContactId                 reference        C*p  Contact::Opportunities
LastViewedDate            datetime         -
LastReferencedDate        datetime         -
HasOpenActivity           boolean          !DFSg
HasOverdueTask            boolean          !DFSg
LastAmountChangedHistoryId     reference   s    OpportunityHistory:LastAmountChangedHistory  Opportunity History ID
LastCloseDateChangedHistoryId  reference   s    OpportunityHistory:LastCloseDateChangedHistory  Opportunity History ID
Loss_Reason__c            picklist(255)    CU
Win_Reason__c             picklist(255)    CU
Loss_Reason_Details__c    textarea(32768)  CU
Lost_to_Competitor__c     string(255)      CU
""",  # noqa: E501  one line a field
    plural="Opportunities",
)

CONTACT_ROLE = sobject(
    "OpportunityContactRole",
    "00K",
    """
OpportunityId  reference     C!c   Opportunity:Opportunity:OpportunityContactRoles
ContactId      reference     CU!c  Contact:Contact:OpportunityContactRoles
Role           picklist(40)  CUp   Business User|Decision Maker|Economic Buyer|Economic Decision Maker|Evaluator|Executive Sponsor|Influencer|Technical Buyer|Other
IsPrimary      boolean       CU!D  -  Primary
(audit)
IsDeleted      boolean       !D    -  Deleted
""",  # noqa: E501  one line a field
    plural="Opportunity Contact Role",
    without="IsDeleted",
)

# Fields of both stage objects: sforce_api_objects_opportunitystage, …_leadstatus in the object reference.
OPPORTUNITY_STAGE = sobject(
    "OpportunityStage",
    "01J",
    """
MasterLabel           string(255)    CU!N
ApiName               string(255)    CU!
IsActive              boolean        CU!D
SortOrder             int            CU
IsClosed              boolean        CU!D  -  Closed
IsWon                 boolean        CU!D  -  Won
ForecastCategory      picklist(40)   *     Omitted|Pipeline|BestCase=Best Case|MostLikely=Most Likely|Forecast=Commit|Closed
ForecastCategoryName  picklist(255)  CU    Omitted|Pipeline|Best Case|Commit|Closed
DefaultProbability    percent(3,0)   CU    -  Probability (%)
Description           string(255)    CU
""",  # noqa: E501  one line a field
    setup=True,
)

LEAD_STATUS = sobject(
    "LeadStatus",
    "01J",
    """
MasterLabel  string(255)  CU!N
ApiName      string(255)  CU!
SortOrder    int          CU
IsDefault    boolean      CU!D
IsConverted  boolean      CU!D  -  Converted
""",
    plural="Lead Statuses",
    setup=True,
)
