"""Users and the organisation.

Object Reference, "User" and "Organization"; of the latter a recording exists (cumulusci, TestSnowfakery).
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

USER = sobject(
    "User",
    "005",
    """
Username            string(80)    CU!L
LastName            string(80)    CU!
FirstName           string(40)    CU
Name                string(121)   !N*  -  Full Name
CompanyName         string(80)    CU
Division            string(80)    CU
Department          string(80)    CU
Title               string(80)    CU
Street              textarea(255)  CU
City                string(40)    CU
State               string(80)    CU   -  State/Province
PostalCode          string(20)    CU   -  Zip/Postal Code
Country             string(80)    CU
Latitude            double(18,15)  CU
Longitude           double(18,15)  CU
GeocodeAccuracy     picklist(40)  CUR  Address|NearAddress|Block|Street|ExtendedZip|Zip|Neighborhood|City|County|State|Unknown
Address             address       *
Email               email(128)    CU!L
EmailPreferencesAutoBcc  boolean  CU!D  -  AutoBcc
SenderEmail         email(80)     CU   -  Email Sender Address
SenderName          string(80)    CU   -  Email Sender Name
Signature           textarea(1333)  CU  -  Email Signature
Phone               phone(40)     CU
Extension           phone(40)     CU
Fax                 phone(40)     CU
MobilePhone         phone(40)     CU   -  Mobile
Alias               string(8)     CU
CommunityNickname   string(40)    CU   -  Nickname
IsActive            boolean       CU!D  -  Active
EmailEncodingKey    picklist(40)  CU!DR  UTF-8|ISO-8859-1
EmployeeNumber      string(20)    CU
FederationIdentifier  string(512)  CU  -  SAML Federation ID
DelegatedApproverId  reference    CU   Group|User
LastLoginDate       datetime      -    -  Last Login
LastPasswordChangeDate  datetime  -
ForecastEnabled     boolean       CU!D  -  Allow Forecasting
FullPhotoUrl        url(1024)     i    -  Url for full-sized Photo
SmallPhotoUrl       url(1024)     i    -  Photo
AboutMe             textarea(1000)  CU  -  About Me
ReceivesInfoEmails  boolean       CU!D  -  Info Emails
ReceivesAdminInfoEmails  boolean  CU!D  -  Admin Info Emails
UserPermissionsMarketingUser  boolean  CU!D  -  Marketing User
UserType            picklist(40)  !D   Standard|PowerPartner|CspLitePortal|Guest
UserRoleId          reference     CU   UserRole:UserRole
ProfileId           reference     CU!D  Profile:Profile
ManagerId           reference     CU   User:Manager
TimeZoneSidKey      picklist(40)  CU!D
LocaleSidKey        picklist(40)  CU!D
LanguageLocaleKey   picklist(40)  CU!D
LastViewedDate      datetime      -
LastReferencedDate  datetime      -
""",  # noqa: E501  one line a field
    setup=True,
    can="CU",
)

ORGANIZATION = sobject(
    "Organization",
    "00D",
    """
Name                string(80)    CU!N
Division            string(80)    CU
Street              textarea(255)  CU
City                string(40)     CU
State               string(80)     CU
PostalCode          string(20)     CU
Country             string(80)     CU
Latitude            double(18,15)  CU
Longitude           double(18,15)  CU
GeocodeAccuracy     picklist(40)   CUR  Address|NearAddress|Block|Street|ExtendedZip|Zip|Neighborhood|City|County|State|Unknown
Address             address        *
Phone               phone(40)     CU
Fax                 phone(40)     CU
PrimaryContact      string(80)    CU
DefaultLocaleSidKey  picklist(40)  CU!
TimeZoneSidKey      picklist(40)  CU!
LanguageLocaleKey   picklist(40)  CU!
ReceivesInfoEmails  boolean       CU!D  -  Info Emails
ReceivesAdminInfoEmails  boolean  CU!D  -  Info Emails Admin
PreferencesRequireOpportunityProducts    boolean  CU!D
PreferencesTransactionSecurityPolicy     boolean  CU!D
PreferencesTerminateOldestSession        boolean  CU!D
PreferencesConsentManagementEnabled      boolean  CU!D
PreferencesAutoSelectIndividualOnMerge   boolean  CU!D
PreferencesLightningLoginEnabled         boolean  CU!D
PreferencesOnlyLLPermUserAllowed         boolean  CU!D
FiscalYearStartMonth  int         -
UsesStartDateAsFiscalYearName  boolean  !D
DefaultAccountAccess      picklist(40)  -  None|Read|Edit|ControlledByLeadOrContact|ControlledByCampaign
DefaultContactAccess      picklist(40)  -  None|Read|Edit|ControlledByParent
DefaultOpportunityAccess  picklist(40)  -  None|Read|Edit|ControlledByLeadOrContact|ControlledByCampaign
DefaultLeadAccess         picklist(40)  -  None|Read|Edit|ReadEditTransfer
DefaultCaseAccess         picklist(40)  -  None|Read|Edit|ReadEditTransfer
DefaultCalendarAccess     picklist(40)  -  HideDetails|HideDetailsInsert|ShowDetails|ShowDetailsInsert|AllowEdits
DefaultPricebookAccess    picklist(40)  -  None|Read|ReadSelect
DefaultCampaignAccess     picklist(40)  -  None|Read|Edit|All
SystemModstamp      datetime      !D
ComplianceBccEmail  email(80)     CU
UiSkin              picklist(40)  CU   Theme1|Theme2|PortalDefault|Webstore|Theme3
SignupCountryIsoCode  string(2)   -
TrialExpirationDate  datetime     -
NumKnowledgeService  int          -
OrganizationType    picklist(40)  -
NamespacePrefix     string(15)    -
InstanceName        string(5)     -
IsSandbox           boolean       !D
WebToCaseDefaultOrigin  string(40)  CU
MonthlyPageViewsUsed         int  -
MonthlyPageViewsEntitlement  int  -
IsReadOnly          boolean       !D
DelegatedAuthenticationServiceUrl  url(255)  -
""",  # noqa: E501  one line a field
    setup=True,
    can="U",
    without="SystemModstamp",
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
