"""Accounts, contacts and leads.

The standard fields agree with recorded describe answers; a test compares them. The two custom fields of Lead
are the reasons that our sandbox customer asks its sales people for.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

_SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
_INDUSTRIES = "Agriculture|Apparel|Banking|Biotechnology|Chemicals|Communications|Construction|Consulting|Education|Electronics|Energy|Engineering|Entertainment|Environmental|Finance|Food & Beverage|Government|Healthcare|Hospitality|Insurance|Machinery|Manufacturing|Media|Not For Profit|Recreation|Retail|Shipping|Technology|Telecommunications|Transportation|Utilities|Other"  # noqa: E501  one table cell
_RATINGS = "Hot|Warm|Cold"
_TITLES = "Mr.|Ms.|Mrs.|Dr.|Prof."
_CLEAN = "Matched=In Sync|Different|Acknowledged=Reviewed|NotFound=Not Found|Inactive|Pending=Not Compared|SelectMatch=Select Match|Skipped"  # noqa: E501  one table cell
_ACCURACIES = "Address|NearAddress|Block|Street|ExtendedZip|Zip|Neighborhood|City|County|State|Unknown"


def _address(prefix: str) -> str:
    words = f"{prefix} " if prefix else ""
    return f"""
{prefix}Street           textarea(255)  CU
{prefix}City             string(40)     CU
{prefix}State            string(80)     CU  -  {words}State/Province
{prefix}PostalCode       string(20)     CU  -  {words}Zip/Postal Code
{prefix}Country          string(80)     CU
{prefix}Latitude         double(18,15)  CU
{prefix}Longitude        double(18,15)  CU
{prefix}GeocodeAccuracy  picklist(40)   CUR  {_ACCURACIES}
{prefix}Address          address        *
"""


ACCOUNT = sobject(
    "Account",
    "001",
    f"""
MasterRecordId     reference        -    Account:MasterRecord
Name               string(255)      CU!N  -  Account Name
Type               picklist(40)     CU   Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Installation Partner|Technology Partner|Other  Account Type
RecordTypeId       reference        CUp  RecordType:RecordType  Record Type ID
ParentId           reference        CUs  Account:Parent:ChildAccounts  Parent Account ID
{_address("Billing")}
{_address("Shipping")}
Phone              phone(40)        CU   -  Account Phone
Fax                phone(40)        CU   -  Account Fax
AccountNumber      string(40)       CU
Website            url(255)         CU
PhotoUrl           url(255)         i    -  Photo URL
Sic                string(20)       CU   -  SIC Code
Industry           picklist(40)     CU   {_INDUSTRIES}
AnnualRevenue      currency(18,0)   CU
NumberOfEmployees  int              CU   -  Employees
Ownership          picklist(40)     CU   Public|Private|Subsidiary|Other
TickerSymbol       string(20)       CU
Description        textarea(32000)  CU   -  Account Description
Rating             picklist(40)     CU   {_RATINGS}  Account Rating
Site               string(80)       CU   -  Account Site
OwnerId            reference        CU!D  User:Owner
(audit)
LastActivityDate   date             -    -  Last Activity
LastViewedDate     datetime         -
LastReferencedDate  datetime        -
IsPartner          boolean          U!D  -  Partner Account
IsCustomerPortal   boolean          U!D  -  Customer Portal Account
ChannelProgramName       string(255)  FSg
ChannelProgramLevelName  string(255)  FSg
Jigsaw             string(20)       CU   -  Data.com Key
JigsawCompanyId    string(20)       -    -  Jigsaw Company ID
CleanStatus        picklist(40)     CUR  {_CLEAN}
AccountSource      picklist(40)     CU   {_SOURCES}
DunsNumber         string(9)        CU   -  D-U-N-S Number
Tradestyle         string(255)      CU
NaicsCode          string(8)        CU   -  NAICS Code
NaicsDesc          string(120)      CU   -  NAICS Description
YearStarted        string(4)        CU
SicDesc            string(80)       CU   -  SIC Description
DandbCompanyId     reference        CUs  DandBCompany:DandbCompany  D&B Company ID
OperatingHoursId   reference        CUs  OperatingHours:OperatingHours  Operating Hour ID
""",  # noqa: E501  one line a field
)

CONTACT = sobject(
    "Contact",
    "003",
    f"""
MasterRecordId      reference        -    Contact:MasterRecord
AccountId           reference        CUcs  Account:Account:Contacts
LastName            string(80)       CU!n
FirstName           string(40)       CUnp
Salutation          picklist(40)     CUnp  {_TITLES}
Name                string(121)      !N*n  -  Full Name
{_address("Other")}
{_address("Mailing")}
Phone               phone(40)        CU   -  Business Phone
Fax                 phone(40)        CU   -  Business Fax
MobilePhone         phone(40)        CU
HomePhone           phone(40)        CU
OtherPhone          phone(40)        CU
AssistantPhone      phone(40)        CU   -  Asst. Phone
ReportsToId         reference        CUs  Contact:ReportsTo
Email               email(80)        CUL
Title               string(128)      CU
Department          string(80)       CU
AssistantName       string(40)       CU   -  Assistant's Name
LeadSource          picklist(255)    CU   {_SOURCES}
Birthdate           date             CU
Description         textarea(32000)  CU   -  Contact Description
OwnerId             reference        CU!D  User:Owner
(audit)
LastActivityDate    date             -    -  Last Activity
LastCURequestDate   datetime         -    -  Last Stay-in-Touch Request Date
LastCUUpdateDate    datetime         -    -  Last Stay-in-Touch Save Date
LastViewedDate     datetime         -
LastReferencedDate  datetime        -
EmailBouncedReason  string(255)      CUp
EmailBouncedDate    datetime         CUp
IsEmailBounced      boolean          !D
PhotoUrl            url(255)         i    -  Photo URL
Jigsaw              string(20)       CU   -  Data.com Key
JigsawContactId     string(20)       -    -  Jigsaw Contact ID
CleanStatus         picklist(40)     CUR  {_CLEAN}
IndividualId        reference        CUps  Individual:Individual
""",
)

LEAD = sobject(
    "Lead",
    "00Q",
    f"""
MasterRecordId                  reference        -    Lead:MasterRecord
LastName                        string(80)       CU!n
FirstName                       string(40)       CUnp
Salutation                      picklist(40)     CUnp  {_TITLES}|Mx.
Name                            string(121)      !N*n  -  Full Name
Title                           string(128)      CU
Company                         string(255)      CU!
{_address("")}
Phone                           phone(40)        CU
MobilePhone                     phone(40)        CU
Fax                             phone(40)        CU
Email                           email(80)        CUL
Website                         url(255)         CU
PhotoUrl                        url(255)         i    -  Photo URL
Description                     textarea(32000)  CU
LeadSource                      picklist(255)    CU   {_SOURCES}
Status                          picklist(255)    CU!D
Industry                        picklist(255)    CU   {_INDUSTRIES}
Rating                          picklist(255)    CU   {_RATINGS}
AnnualRevenue                   currency(18,0)   CU
NumberOfEmployees               int              CU   -  Employees
OwnerId                         reference        CU!D  Group|User:Owner
IsConverted                     boolean          C!D  -  Converted
ConvertedDate                   date             -
ConvertedAccountId              reference        s    Account:ConvertedAccount
ConvertedContactId              reference        s    Contact:ConvertedContact
ConvertedOpportunityId          reference        s    Opportunity:ConvertedOpportunity
IsUnreadByOwner                 boolean          CU!D  -  Unread By Owner
(audit)
LastActivityDate                date             -    -  Last Activity
LastViewedDate                  datetime         -
LastReferencedDate              datetime         -
Jigsaw                          string(20)       CU   -  Data.com Key
JigsawContactId                 string(20)       -    -  Jigsaw Contact ID
CleanStatus                     picklist(40)     CUR  {_CLEAN}
CompanyDunsNumber               string(9)        CU   -  Company D-U-N-S Number
DandbCompanyId                  reference        CUs  DandBCompany:DandbCompany  D&B Company ID
EmailBouncedReason              string(255)      Up
EmailBouncedDate                datetime         Up
IndividualId                    reference        CUps  Individual:Individual
Disqualified_Reason__c          picklist(255)    CU
Disqualified_Reason_Details__c  textarea(32768)  CU
""",
)

# What the fields above refer to; nothing more is known of them here than their names.
INDIVIDUAL = sobject(
    "Individual",
    "0PK",
    "LastName  string(80)  CU!n\nName  string(121)  !N*n\nOwnerId  reference  CU!D  User:Owner",
)
OPERATING_HOURS = sobject("OperatingHours", "0OH", "Name  string(255)  CU!N", plural="Operating Hours")
DANDB_COMPANY = sobject(
    "DandBCompany", "06E", "Name  string(255)  CU!N", label="D&B Company", plural="D&B Companies"
)
