"""What an administrator keeps: profiles, roles, groups and queues, permission sets, record types.

Object Reference: Profile, UserRole, Group, GroupMember, QueueSobject, PermissionSet, PermissionSetAssignment,
FieldPermissions, ObjectPermissions, RecordType; describes of the first seven were recorded by
JupiterOne/graph-salesforce.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

_AUDIT = "CreatedDate CreatedById LastModifiedDate LastModifiedById"

USER_ROLE = sobject(
    "UserRole",
    "00E",
    """
Name                    string(80)    CU!N
ParentRoleId            reference     CU   UserRole  Parent Role ID
RollupDescription       string(80)    CU   -  Description
DeveloperName           string(80)    CU
PortalType              picklist(40)  CR   None|CustomerPortal|Partner
PortalAccountId         reference     C    Account  Account ID
PortalAccountOwnerId    reference     -    User  User ID
OpportunityAccessForAccountOwner  picklist(40)  CU!DR  None|Read|Edit  Opportunity Access for Account Owner
CaseAccessForAccountOwner         picklist(40)  CUR    None|Read|Edit  Case Access Level for Account Owner
ContactAccessForAccountOwner      picklist(40)  R      None|Read|Edit  Contact Access Level for Account Owner
ForecastUserId          reference     CU   User  User ID
MayForecastManagerShare  boolean      !D
""",
    label="Role",
    setup=True,
    can="CUD",
    without="CreatedDate CreatedById",
)

# A queue that owns leads is a Group of type Queue.
GROUP = sobject(
    "Group",
    "00G",
    """
Name                    string(40)    CU!N
DeveloperName           string(80)    CU
RelatedId               reference     -    User|UserRole:Related
Type                    picklist(40)  C!   Regular|Queue|Role|Organization
Email                   email(255)    CU
OwnerId                 reference     -    Organization|User:Owner
DoesSendEmailToMembers  boolean       CU!D
DoesIncludeBosses       boolean       CU!D
""",
    setup=True,
    can="CUD",
)

GROUP_MEMBER = sobject(
    "GroupMember",
    "011",
    """
GroupId        reference  C!c  Group:Group:GroupMembers
UserOrGroupId  reference  C!   Group|User
""",
    setup=True,
    can="CD",
    without=_AUDIT,
)

QUEUE_SOBJECT = sobject(
    "QueueSobject",
    "03g",
    """
QueueId      reference     C!c  Group:Queue:QueueSobjects
SobjectType  picklist(40)  C!
CreatedById  reference     !D   User:CreatedBy  Created By ID
""",
    label="Queue Sobject",
    setup=True,
    can="CD",
    without=_AUDIT,
)

PROFILE = sobject(
    "Profile",
    "00e",
    """
Name            string(255)   CU!N
UserLicenseId   reference     C!D  UserLicense:UserLicense
UserType        picklist(40)  !D   Standard|PowerPartner|CspLitePortal|Guest
Description     string(255)   CU
PermissionsModifyAllData      boolean  CU!B  -  Modify All Data
PermissionsViewAllData        boolean  CU!B  -  View All Data
PermissionsApiEnabled         boolean  CU!B  -  API Enabled
PermissionsCustomizeApplication  boolean  CU!B  -  Customize Application
""",
    setup=True,
    can="UD",
)

USER_LICENSE = sobject(
    "UserLicense",
    "100",
    """
LicenseDefinitionKey  string(40)    !
TotalLicenses         int           !D
Status                picklist(40)  !D  Active|Disabled
UsedLicenses          int           !D
Name                  string(40)    !N
MasterLabel           string(40)    !
""",
    setup=True,
    without="CreatedById LastModifiedById",
)

PERMISSION_SET = sobject(
    "PermissionSet",
    "0PS",
    """
Name                   string(80)    CU!
Label                  string(80)    CU!
LicenseId              reference     C    UserLicense
ProfileId              reference     -    Profile:Profile
IsOwnedByProfile       boolean       !D
IsCustom               boolean       !D
Type                   picklist(40)  !D   Regular|Standard|Profile|Group|Session
Description            string(255)   CU
NamespacePrefix        string(15)    -
HasActivationRequired  boolean       CU!D
PermissionsModifyAllData      boolean  CU!B  -  Modify All Data
PermissionsViewAllData        boolean  CU!B  -  View All Data
PermissionsApiEnabled         boolean  CU!B  -  API Enabled
PermissionsCustomizeApplication  boolean  CU!B  -  Customize Application
PermissionsBulkApiHardDelete     boolean  CU!B  -  Bulk API Hard Delete
PermissionsCreateAuditFields     boolean  CU!B  -  Set Audit Fields upon Record Creation
""",
    setup=True,
    can="CUD",
)

PERMISSION_SET_ASSIGNMENT = sobject(
    "PermissionSetAssignment",
    "0Pa",
    """
PermissionSetId       reference  Cc   PermissionSet:PermissionSet:Assignments
PermissionSetGroupId  reference  C    PermissionSetGroup
AssigneeId            reference  C!c  User:Assignee:PermissionSetAssignments
ExpirationDate        datetime   CU
IsActive              boolean    !D
""",
    setup=True,
    can="CUD",
    without=_AUDIT,
)

FIELD_PERMISSIONS = sobject(
    "FieldPermissions",
    "01k",
    """
ParentId         reference      C!c   PermissionSet:Parent:FieldPerms
SobjectType      picklist(40)   C!
Field            picklist(255)  C!
PermissionsEdit  boolean        CU!B  -  Edit Field
PermissionsRead  boolean        CU!B  -  Read Field
""",
    label="Field Permissions",
    plural="Field Permissions",
    setup=True,
    can="CUD",
    without=_AUDIT,
)

OBJECT_PERMISSIONS = sobject(
    "ObjectPermissions",
    "110",
    """
ParentId                     reference     C!c   PermissionSet:Parent:ObjectPerms
SobjectType                  picklist(40)  C!
PermissionsCreate            boolean       CU!B  -  Create Records
PermissionsRead              boolean       CU!B  -  Read Records
PermissionsEdit              boolean       CU!B  -  Edit Records
PermissionsDelete            boolean       CU!B  -  Delete Records
PermissionsViewAllRecords    boolean       CU!B  -  Read All Records
PermissionsModifyAllRecords  boolean       CU!B  -  Edit All Records
""",
    label="Object Permissions",
    plural="Object Permissions",
    setup=True,
    can="CUD",
)

RECORD_TYPE = sobject(
    "RecordType",
    "012",
    """
Name               string(80)    CU!N
DeveloperName      string(80)    CU!
NamespacePrefix    string(15)    -
Description        string(255)   CU
BusinessProcessId  reference     CU   BusinessProcess
SobjectType        picklist(40)  C!
IsActive           boolean       CU!D  -  Active
IsPersonType       boolean       !D   -  Is Person Type
""",
    setup=True,
    can="CU",
)

PERMISSION_SET_GROUP = sobject(
    "PermissionSetGroup",
    "0PG",
    """
DeveloperName          string(80)    CU!N
Language               picklist(40)  CU!D  en_US|de
MasterLabel            string(80)    CU!
NamespacePrefix        string(15)    -
Description            string(255)   CU
Status                 picklist(40)  !D   Updated|Outdated|Updating|Failed
HasActivationRequired  boolean       CU!D
""",
    setup=True,
)

PERMISSION_SET_LICENSE = sobject(
    "PermissionSetLicense",
    "0PL",
    """
DeveloperName            string(80)    !N
Language                 picklist(40)  !D   en_US|de
MasterLabel              string(255)   !
PermissionSetLicenseKey  string(40)    !
TotalLicenses            int           !D
Status                   picklist(40)  !D   Active|Disabled
ExpirationDate           date          -
UsedLicenses             int           !D
""",
    setup=True,
)

PERMISSION_SET_LICENSE_ASSIGN = sobject(
    "PermissionSetLicenseAssign",
    "2LA",
    """
PermissionSetLicenseId  reference  C!  PermissionSetLicense:PermissionSetLicense:PermissionSetLicenseAssigns
AssigneeId              reference  C!  User:Assignee:PermissionSetLicenseAssignments
""",
    setup=True,
)

ALL = (
    FIELD_PERMISSIONS,
    GROUP,
    GROUP_MEMBER,
    OBJECT_PERMISSIONS,
    PERMISSION_SET,
    PERMISSION_SET_ASSIGNMENT,
    PERMISSION_SET_GROUP,
    PERMISSION_SET_LICENSE,
    PERMISSION_SET_LICENSE_ASSIGN,
    PROFILE,
    QUEUE_SOBJECT,
    RECORD_TYPE,
    USER_LICENSE,
    USER_ROLE,
)
