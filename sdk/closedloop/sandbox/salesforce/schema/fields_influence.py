"""Which campaigns influenced which opportunities: Customizable Campaign Influence.

Object Reference, "CampaignInfluence" and "CampaignInfluenceModel".
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

MODEL = sobject(
    "CampaignInfluenceModel",
    "03V",
    """
DeveloperName     string(80)     CU!  -  Unique Name
Language          picklist(40)   CUDR  en_US|de|es|fr|it|ja  Master Language
MasterLabel       string(80)     CU!N  -  Model Name
NamespacePrefix   string(15)     -
IsActive          boolean        CU!D  -  Active
IsDefaultModel    boolean        CU!D  -  Default Model
IsModelLocked     boolean        CU!D  -  Locked
ModelDescription  string(255)    CU
ModelType         picklist(255)  CU   1|2|3|4|5
RecordPreference  picklist(255)  CU   AllRecords|RecordsWithAttribution
""",
    can="",
)

INFLUENCE = sobject(
    "CampaignInfluence",
    "0KK",
    """
OpportunityId  reference       C!c  Opportunity:Opportunity:CampaignInfluence
CampaignId     reference       C!c  Campaign:Campaign:CampaignInfluence
ContactId      reference       CU   Contact:Contact:CampaignInfluence
ModelId        reference       C!   CampaignInfluenceModel:Model:CampaignInfluence
Influence      percent(4,1)    CU!D  -  Influence (%)
RevenueShare   currency(18,0)  *
""",
    plural="Campaign Influence",
)
