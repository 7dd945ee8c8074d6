"""Users and the organisation.

Object Reference, "User" and "Organization". Recorded were the latter (cumulusci, TestSnowfakery) and the
description of the former (JupiterOne/graph-salesforce).
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

# What a user may switch: `UserPermissions…` and `UserPreferences…`, and whose label is their name.
_PERMISSIONS = """
OfflineUser CallCenterAutoLogin SFContentUser KnowledgeUser InteractionUser SupportUser
JigsawProspectingUser SiteforceContributorUser SiteforcePublisherUser WorkDotComUserFeature
"""
_PREFERENCES = """
ActivityRemindersPopup EventRemindersCheckboxDefault TaskRemindersCheckboxDefault ReminderSoundOff
DisableAllFeedsEmail DisableFollowersEmail DisableProfilePostEmail DisableChangeCommentEmail
DisableLaterCommentEmail DisProfPostCommentEmail ContentNoEmail ContentEmailAsAndWhen
ApexPagesDeveloperMode ReceiveNoNotificationsAsApprover ReceiveNotificationsAsDelegatedApprover
HideCSNGetChatterMobileTask DisableMentionsPostEmail DisMentionsCommentEmail HideCSNDesktopTask
HideChatterOnboardingSplash HideSecondChatterOnboardingSplash DisCommentAfterLikeEmail DisableLikeEmail
SortFeedByComment DisableMessageEmail HideLegacyRetirementModal JigsawListUser DisableBookmarkEmail
DisableSharePostEmail EnableAutoSubForFeeds DisableFileShareNotificationsForApi ShowTitleToExternalUsers
ShowManagerToExternalUsers ShowEmailToExternalUsers ShowWorkPhoneToExternalUsers
ShowMobilePhoneToExternalUsers ShowFaxToExternalUsers ShowStreetAddressToExternalUsers
ShowCityToExternalUsers ShowStateToExternalUsers ShowPostalCodeToExternalUsers ShowCountryToExternalUsers
ShowProfilePicToGuestUsers ShowTitleToGuestUsers ShowCityToGuestUsers ShowStateToGuestUsers
ShowPostalCodeToGuestUsers ShowCountryToGuestUsers HideS1BrowserUI DisableEndorsementEmail
PathAssistantCollapsed CacheDiagnostics ShowEmailToGuestUsers ShowManagerToGuestUsers
ShowWorkPhoneToGuestUsers ShowMobilePhoneToGuestUsers ShowFaxToGuestUsers ShowStreetAddressToGuestUsers
LightningExperiencePreferred PreviewLightning HideEndUserOnboardingAssistantModal
HideLightningMigrationModal HideSfxWelcomeMat HideBiggerPhotoCallout GlobalNavBarWTShown
GlobalNavGridMenuWTShown CreateLEXAppsWTShown FavoritesWTShown RecordHomeSectionCollapseWTShown
RecordHomeReservedWTShown FavoritesShowTopFavorites ExcludeMailAppAttachments SuppressTaskSFXReminders
SuppressEventSFXReminders PreviewCustomTheme HasCelebrationBadge UserDebugModePref SRHOverrideActivities
NewLightningReportRunPageEnabled NativeEmailClient
"""
_SWITCHES = "\n".join(
    f"{prefix}{name}  boolean  CU!B  -  {name}"
    for prefix, names in (("UserPermissions", _PERMISSIONS), ("UserPreferences", _PREFERENCES))
    for name in names.split()
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
EmailPreferencesAutoBcc  boolean  CU!B  -  AutoBcc
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
UserPermissionsMarketingUser  boolean  CU!B  -  Marketing User
UserType            picklist(40)  !D   Standard|PowerPartner|CspLitePortal|Guest
UserRoleId          reference     CU   UserRole:UserRole
ProfileId           reference     CU!D  Profile:Profile
ManagerId           reference     CU   User:Manager
TimeZoneSidKey      picklist(40)  CU!D
LocaleSidKey        picklist(40)  CU!D
LanguageLocaleKey   picklist(40)  CU!D
LastViewedDate      datetime      -
LastReferencedDate  datetime      -
EmailPreferencesAutoBccStayInTouch   boolean  CU!B  -  AutoBccStayInTouch
EmailPreferencesStayInTouchReminder  boolean  CU!B  -  StayInTouchReminder
StayInTouchSubject    string(80)     CU  -  Stay-in-Touch Email Subject
StayInTouchSignature  textarea(512)  CU  -  Stay-in-Touch Email Signature
StayInTouchNote       string(512)    CU  -  Stay-in-Touch Email Note
BadgeText             string(80)     -   -  User Photo badge text overlay
NumberOfFailedLogins  int            -   -  Failed Login Attempts
OfflineTrialExpirationDate     datetime  -  -  Offline Edition Trial Expiration Date
OfflinePdaTrialExpirationDate  datetime  -  -  Sales Anywhere Trial Expiration Date
ContactId             reference      CU  Contact:Contact:Users
AccountId             reference      -   Account:Account:Users
CallCenterId          reference      CU  CallCenter
IndividualId          reference      CU  Individual:Individual
IsExtIndicatorVisible  boolean       !D  -  Show external indicator
IsProfilePhotoActive   boolean       !D  -  Has Profile Photo
OutOfOfficeMessage     string(40)    -   -  Out of office message
MediumPhotoUrl         url(1024)     -   -  Url for medium profile photo
BannerPhotoUrl         url(1024)     -   -  Url for banner photo
SmallBannerPhotoUrl    url(1024)     -   -  Url for IOS banner photo
MediumBannerPhotoUrl   url(1024)     -   -  Url for Android banner photo
DigestFrequency        picklist(40)  CU!DR  D=Daily|W=Weekly|N=Never  Chatter Email Highlights Frequency
DefaultGroupNotificationFrequency  picklist(40)  CU!DR  P=Email on each post|D=Daily digests|W=Weekly digests|N=Never  Default Notification Frequency when Joining Groups
JigsawImportLimitOverride  int       CU  -  Data.com Monthly Addition Limit
"""  # noqa: E501  one line a field
    + _SWITCHES,
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
PreferencesRequireOpportunityProducts    boolean  CU!B
PreferencesTransactionSecurityPolicy     boolean  CU!B
PreferencesTerminateOldestSession        boolean  CU!B
PreferencesConsentManagementEnabled      boolean  CU!B
PreferencesAutoSelectIndividualOnMerge   boolean  CU!B
PreferencesLightningLoginEnabled         boolean  CU!B
PreferencesOnlyLLPermUserAllowed         boolean  CU!B
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
