"""Campaigns, their members, and the fields and the object that Closed Loop adds to them.

No recorded describe of these is public; names, types and properties are the field reference's
(developer.salesforce.com, Object Reference: Campaign, CampaignMember, CampaignMemberStatus).
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject


def _rollups(prefix: str) -> str:
    return f"""
{prefix}NumberOfLeads             int             !D*
{prefix}NumberOfConvertedLeads    int             !D*
{prefix}NumberOfContacts          int             !D*
{prefix}NumberOfResponses         int             !D*
{prefix}NumberOfOpportunities     int             !D*
{prefix}NumberOfWonOpportunities  int             !D*
{prefix}AmountAllOpportunities    currency(18,0)  !D*
{prefix}AmountWonOpportunities    currency(18,0)  !D*
"""


CAMPAIGN = sobject(
    "Campaign",
    "701",
    f"""
Name              string(80)       CU!N
ParentId          reference        CU   Campaign:Parent:ChildCampaigns
Type              picklist(40)     CU   Conference|Webinar|Trade Show|Public Relations|Partners|Referral Program|Advertisement|Banner Ads|Direct Mail|Email|Telemarketing|Other
Status            picklist(40)     CU   Planned|In Progress|Completed|Aborted
StartDate         date             CU
EndDate           date             CU
ExpectedRevenue   currency(18,0)   CU
BudgetedCost      currency(18,0)   CU
ActualCost        currency(18,0)   CU
ExpectedResponse  percent(10,2)    CUD
NumberSent        double(18,0)     CUD  -  Num Sent
IsActive          boolean          CU!D  -  Active
Description       textarea(32000)  CU
{_rollups("")}
{_rollups("Hierarchy")}
HierarchyBudgetedCost     currency(18,0)  *
HierarchyActualCost       currency(18,0)  *
HierarchyExpectedRevenue  currency(18,0)  *
HierarchyNumberSent       double(18,0)    *  -  Hierarchy Num Sent
OwnerId           reference        CU!D  User:Owner
LastActivityDate  date             -    -  Last Activity
LastViewedDate     datetime        -
LastReferencedDate  datetime       -
CampaignMemberRecordTypeId  reference  CU  RecordType:CampaignMemberRecordType
Closed_Loop_Accepted__c          double(18,6)     CU
Closed_Loop_Recycled__c          double(18,6)     CU
Closed_Loop_Disqualified__c      double(18,6)     CU
Closed_Loop_No_Action__c         double(18,6)     CU
Closed_Loop_Won__c               double(18,6)     CU
Closed_Loop_Lost__c              double(18,6)     CU
Closed_Loop_Won_Amount__c        currency(18,2)   CU
Closed_Loop_Lost_Amount__c       currency(18,2)   CU
Closed_Loop_Top_Reasons__c       textarea(32768)  CU
Closed_Loop_Last_Decision_At__c  datetime         CU
Closed_Loop_Model__c             string(40)       CU
""",  # noqa: E501  one line a field
)

CAMPAIGN_MEMBER = sobject(
    "CampaignMember",
    "00v",
    """
CampaignId            reference        C!c  Campaign:Campaign:CampaignMembers
LeadId                reference        Cc   Lead:Lead:CampaignMembers
ContactId             reference        Cc   Contact:Contact:CampaignMembers
Status                picklist(40)     CUD
HasResponded          boolean          !D*  -  Responded
FirstRespondedDate    date             -
Salutation            picklist(40)     *
Name                  string(361)      N*
FirstName             string(40)       *
LastName              string(80)       *
Title                 string(128)      *
Street                textarea(255)    *
City                  string(40)       *
State                 string(80)       *
PostalCode            string(20)       *
Country               string(80)       *
Email                 email(80)        *
Phone                 phone(40)        *
Fax                   phone(40)        *
MobilePhone           phone(40)        *
Description           textarea(32000)  *
LeadSource            picklist(255)    *
CompanyOrAccount      string(255)      *    -  Company (Account)
Type                  string(40)       *
LeadOrContactId       reference        *    Contact|Lead:LeadOrContact  Related Record ID
LeadOrContactOwnerId  reference        *    Group|User:LeadOrContactOwner  Related Record Owner ID
Closed_Loop_Outcome__c        string(40)       CU
Closed_Loop_Reason__c         string(80)       CU
Closed_Loop_Reason_Detail__c  string(255)      CU
Closed_Loop_Note__c           textarea(32768)  CU
Closed_Loop_Stage__c          string(255)      CU
Closed_Loop_Decided_At__c     datetime         CU
Closed_Loop_Decided_By__c     string(255)      CU
""",
)

CAMPAIGN_MEMBER_STATUS = sobject(
    "CampaignMemberStatus",
    "01Y",
    """
CampaignId    reference    C!c  Campaign:Campaign:CampaignMemberStatuses
Label         string(765)  CU!N
SortOrder     int          CU
IsDefault     boolean      CU!D
HasResponded  boolean      CU!D  -  Responded
""",
    plural="Campaign Member Statuses",
)

CAMPAIGN_REASON = sobject(
    "Closed_Loop_Campaign_Reason__c",
    "a0X",
    """
Name                string(80)      CUDNL  -  Campaign Reason
OwnerId             reference       CU!D  User:Owner
Closed_Loop_Key__c  string(255)     CUX
Campaign__c         reference       CU    Campaign:Campaign__r:Closed_Loop_Campaign_Reasons__r
Outcome__c          string(40)      CU
Reason__c           string(80)      CU
Credit__c           double(18,6)    CU
Decisions__c        double(18,0)    CU
Amount__c           currency(18,2)  CU
Model__c            string(40)      CU
""",
)
