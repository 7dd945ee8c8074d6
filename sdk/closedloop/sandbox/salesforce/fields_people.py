"""Accounts, contacts, leads, users and the organisation.

The standard fields agree with recorded describe answers; a test compares them. The two custom fields of Lead
are the reasons that our sandbox customer asks its sales people for.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema import sobject

_SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
_INDUSTRIES = "Banking|Construction|Consulting|Education|Energy|Finance|Healthcare|Manufacturing|Media|Retail|Technology|Other"  # noqa: E501  one table cell
_RATINGS = "Hot|Warm|Cold"
_TITLES = "Mr.|Ms.|Mrs.|Dr.|Prof."
_ACCURACIES = "Address|NearAddress|Block|Street|ExtendedZip|Zip|Neighborhood|City|County|State|Unknown"


def _address(prefix: str) -> str:
    return f"""
{prefix}Street           textarea(255)  CU
{prefix}City             string(40)     CU
{prefix}State            string(80)     CU
{prefix}PostalCode       string(20)     CU
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
Type               picklist(40)     CU   Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Installation Partner|Technology Partner|Other
ParentId           reference        CU   Account:Parent:ChildAccounts
{_address("Billing")}
{_address("Shipping")}
Phone              phone(40)        CU
Fax                phone(40)        CU
AccountNumber      string(40)       CU
Website            url(255)         CU
Sic                string(20)       CU
Industry           picklist(40)     CU   {_INDUSTRIES}
AnnualRevenue      currency(18,0)   CU
NumberOfEmployees  int              CU   -  Employees
Ownership          picklist(40)     CU   Public|Private|Subsidiary|Other
TickerSymbol       string(20)       CU
Description        textarea(32000)  CU
Rating             picklist(40)     CU   {_RATINGS}
Site               string(80)       CU
OwnerId            reference        CU!D  User:Owner
LastActivityDate   date             -
AccountSource      picklist(40)     CU   {_SOURCES}
""",  # noqa: E501  one line a field
)

CONTACT = sobject(
    "Contact",
    "003",
    f"""
MasterRecordId      reference        -    Contact:MasterRecord
AccountId           reference        CUc  Account:Account:Contacts
LastName            string(80)       CU!
FirstName           string(40)       CU
Salutation          picklist(40)     CU   {_TITLES}
Name                string(121)      !N*  -  Full Name
{_address("Other")}
{_address("Mailing")}
Phone               phone(40)        CU
Fax                 phone(40)        CU
MobilePhone         phone(40)        CU
HomePhone           phone(40)        CU
OtherPhone          phone(40)        CU
AssistantPhone      phone(40)        CU
ReportsToId         reference        CU   Contact:ReportsTo
Email               email(80)        CUL
Title               string(128)      CU
Department          string(80)       CU
AssistantName       string(40)       CU
LeadSource          picklist(255)    CU   {_SOURCES}
Birthdate           date             CU
Description         textarea(32000)  CU
OwnerId             reference        CU!D  User:Owner
LastActivityDate    date             -
EmailBouncedReason  string(255)      CU
EmailBouncedDate    datetime         CU
IsEmailBounced      boolean          !D
""",
)

LEAD = sobject(
    "Lead",
    "00Q",
    f"""
MasterRecordId                  reference        -    Lead:MasterRecord
LastName                        string(80)       CU!
FirstName                       string(40)       CU
Salutation                      picklist(40)     CU   {_TITLES}|Mx.
Name                            string(121)      !N*  -  Full Name
Title                           string(128)      CU
Company                         string(255)      CU!
{_address("")}
Phone                           phone(40)        CU
MobilePhone                     phone(40)        CU
Fax                             phone(40)        CU
Email                           email(80)        CUL
Website                         url(255)         CU
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
ConvertedAccountId              reference        -    Account:ConvertedAccount
ConvertedContactId              reference        -    Contact:ConvertedContact
ConvertedOpportunityId          reference        -    Opportunity:ConvertedOpportunity
IsUnreadByOwner                 boolean          CU!D
LastActivityDate                date             -
EmailBouncedReason              string(255)      U
EmailBouncedDate                datetime         U
Disqualified_Reason__c          picklist(255)    CU
Disqualified_Reason_Details__c  textarea(32768)  CU
""",
)

USER = sobject(
    "User",
    "005",
    """
Username            string(80)    CU!L
LastName            string(80)    CU!
FirstName           string(40)    CU
Name                string(121)   !N*  -  Full Name
CompanyName         string(80)    CU
Department          string(80)    CU
Title               string(80)    CU
Email               email(128)    CU!L
Alias               string(8)     CU
IsActive            boolean       CU!D
UserType            picklist(40)  !D   Standard|PowerPartner|CspLitePortal|Guest
UserRoleId          reference     CU   UserRole:UserRole
ManagerId           reference     CU   User:Manager
TimeZoneSidKey      picklist(40)  CU!D
LocaleSidKey        picklist(40)  CU!D
LanguageLocaleKey   picklist(40)  CU!D
""",
    setup=True,
)

USER_ROLE = sobject(
    "UserRole",
    "00E",
    """
Name           string(80)  CU!N
DeveloperName  string(80)  CU
""",
    setup=True,
)

# A queue that owns leads is a Group of type Queue.
GROUP = sobject(
    "Group",
    "00G",
    """
Name           string(40)    CU!N
DeveloperName  string(80)    CU
Type           picklist(40)  C!   Regular|Queue|Role|Organization
Email          email(255)    CU
""",
    setup=True,
)

ORGANIZATION = sobject(
    "Organization",
    "00D",
    f"""
Name                string(80)    CU!N
Division            string(80)    CU
{_address("")}
Phone               phone(40)     CU
Fax                 phone(40)     CU
PrimaryContact      string(80)    CU
DefaultLocaleSidKey  picklist(40)  CU!
TimeZoneSidKey      picklist(40)  CU!
LanguageLocaleKey   picklist(40)  CU!
FiscalYearStartMonth  int         -
OrganizationType    picklist(40)  -
InstanceName        string(5)     -
IsSandbox           boolean       !D
NamespacePrefix     string(15)    -
""",
    setup=True,
)

# Only in orgs with several currencies (Object Reference: CurrencyType).
CURRENCY_TYPE = sobject(
    "CurrencyType",
    "01L",
    """
IsoCode         picklist(3)    CU!N
ConversionRate  double(18,6)   CU!
DecimalPlaces   int            CU!
IsActive        boolean        CU!D
IsCorporate     boolean        !D
""",
    setup=True,
)
