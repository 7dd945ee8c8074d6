"""The objects of the Tooling API that can be queried here.

Tooling API Reference: EntityDefinition, FieldDefinition, CustomObject, CustomField, Flow, FlowDefinition,
ApexClass, ApexTrigger, ValidationRule, WorkflowOutboundMessage, RecordType; those of packages and of Apex
jobs, which are empty here; two settings that CumulusCI asks for before it begins. Their describes are in part
those of fields that are documented, not recorded.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from closedloop.sandbox.salesforce.schema import definitions
from closedloop.sandbox.salesforce.schema.customising import with_fields
from closedloop.sandbox.salesforce.schema.field_tables import sobject
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_MODSTAMP = "SystemModstamp"

_CUSTOM_FIELD = """
DeveloperName      string(80)   !N
TableEnumOrId      string(40)   !
EntityDefinitionId  string(50)   !
FullName           string(255)  -
NamespacePrefix    string(15)   -
Description        string(255)  -
InlineHelpText     string(255)  -
Length             int  -
Precision          int  -
Scale              int  -
RelationshipLabel  string(80)   -
SummaryOperation   picklist(40)  -
MaskType           picklist(40)  -
MaskChar           picklist(40)  -
ManageableState    picklist(40)  -
"""
_CUSTOM_OBJECT = """
DeveloperName    string(80)   !N
NamespacePrefix  string(15)   -
Description      string(255)  -
ExternalName     string(255)  -
ManageableState  picklist(40)  -
"""
_FLOW = """
DefinitionId     reference    !    FlowDefinition:Definition:Versions
MasterLabel      string(255)  !N
FullName         string(255)  -
ManageableState  picklist(40)  -
VersionNumber    int          !
Status           picklist(40)  !   Active|Draft|Obsolete|InvalidDraft
Description      string(255)  -
ProcessType      picklist(40)  -
ApiVersion       double(18,1)  -
RunInMode        picklist(40)  -
Environments     string(255)  -
TimeZoneSidKey   string(255)  -
IsTemplate       boolean  !D
"""
_FLOW_DEFINITION = """
DeveloperName    string(80)   !N
MasterLabel      string(255)  -
FullName         string(255)  -
NamespacePrefix  string(15)   -
ManageableState  picklist(40)  -
Description      string(255)  -
ActiveVersionId  reference    -    Flow:ActiveVersion
LatestVersionId  reference    -    Flow:LatestVersion
"""
_APEX_CLASS = """
Name             string(255)  !N
NamespacePrefix  string(15)   -
ApiVersion       double(18,1)  !
Status           picklist(40)  !  Active|Inactive|Deleted
IsValid          boolean  !D
BodyCrc          double(18,0)  -
Body             textarea(1000000)  -
LengthWithoutComments  int  !
FullName         string(255)  -
ManageableState  picklist(40)  -
"""
_APEX_TRIGGER = """
Name             string(255)  !N
TableEnumOrId    string(40)   -
NamespacePrefix  string(15)   -
ApiVersion       double(18,1)  !
Status           picklist(40)  !  Active|Inactive|Deleted
IsValid          boolean  !D
Body             textarea(1000000)  -
LengthWithoutComments  int  !
ManageableState  picklist(40)  -
"""
_VALIDATION_RULE = """
ValidationName      string(80)  !N
EntityDefinitionId  string(50)   !
NamespacePrefix     string(15)  -
FullName            string(255)  -
Active              boolean  !D
Description         string(255)  -
ErrorDisplayField   string(255)  -
ErrorMessage        string(255)  -
ManageableState     picklist(40)  -
"""
_OUTBOUND_MESSAGE = """
Name                string(80)   !N
EntityDefinitionId  string(50)  !
FullName            string(255)  -
ApiVersion          double(18,1)  -
EndpointUrl         string(255)  -
IncludeSessionId    boolean  !D
IntegrationUserId   reference  -
NamespacePrefix     string(15)  -
ManageableState     picklist(40)  -
"""

_RECORD_TYPE = """
Name               string(80)   !N
FullName           string(255)  -
SobjectType        picklist(40)  !
Description        string(255)  -
IsActive           boolean  !D
BusinessProcessId  string(18)   -
NamespacePrefix    string(15)   -
ManageableState    picklist(40)  -
"""
_APEX_JOB = """
ApexClassId          reference     -  ApexClass:ApexClass:Jobs
JobType              picklist(40)  !
Status               picklist(40)  !
ExtendedStatus       string(1000)  -
MethodName           string(255)   -
TotalJobItems        int           -
JobItemsProcessed    int           -
NumberOfErrors       int           -
CompletedDate        datetime      -
ParentJobId          string(18)    -
LastProcessed        string(18)    -
LastProcessedOffset  int           -
"""
_PACKAGE = """
Name             string(255)  !N
NamespacePrefix  string(15)   -
Description      string(255)  -
IsPackageValid   boolean  !D
"""
_PACKAGE_VERSION = """
Name                string(255)  !N
SubscriberPackageId  reference   -  SubscriberPackage:SubscriberPackage:SubscriberPackageVersions
Description         string(255)  -
MajorVersion        int      -
MinorVersion        int      -
PatchVersion        int      -
BuildNumber         int      -
IsBeta              boolean  !D
IsManaged           boolean  !D
IsDeprecated        boolean  !D
IsPasswordProtected  boolean  !D
ReleaseState        picklist(40)  -
Package2ContainerOptions  picklist(40)  -
"""
_INSTALLED_PACKAGE = """
SubscriberPackageId         reference  -  SubscriberPackage:SubscriberPackage:InstalledPackages
SubscriberPackageVersionId  reference  -  SubscriberPackageVersion:SubscriberPackageVersion:InstalledPackages
MinPackageVersionId         string(18)  -
"""
_CHATTER_SETTINGS = "IsChatterEnabled        boolean  !D"
_NOTES_SETTINGS = "IsEnhancedNotesEnabled  boolean  !D"


# Users are not among these objects, and a definition is referred to by what is no id.
_UNRELATED = frozenset({"CreatedById", "LastModifiedById", "IntegrationUserId"})
_ENTITY_ID = "EntityDefinitionId"


def _kind(name: str, prefix: str, table: str) -> SObject:
    made = sobject(name, prefix, table, setup=True, without=_MODSTAMP)
    fields = {field.name: _related(field, f"{name}s") for field in made.fields.values()}
    return replace(made, fields=MappingProxyType(fields))


def _related(field: Field, children: str) -> Field:
    if field.name in _UNRELATED:
        return replace(field, refers_to=(), relationship=None)
    if field.name == _ENTITY_ID:
        target = definitions.ENTITY.name
        return replace(field, refers_to=(target,), relationship=target, child_relationship=children)
    return field


_REFERENCE_TO = Field(name="ReferenceTo", type="string", label="Reference To", length=255)
ALL: tuple[SObject, ...] = (
    definitions.ENTITY,
    with_fields(definitions.FIELD, [_REFERENCE_TO]),
    _kind("ApexClass", "01p", _APEX_CLASS),
    _kind("ApexTrigger", "01q", _APEX_TRIGGER),
    _kind("CustomField", "00N", _CUSTOM_FIELD),
    _kind("CustomObject", "01I", _CUSTOM_OBJECT),
    _kind("Flow", "301", _FLOW),
    _kind("FlowDefinition", "300", _FLOW_DEFINITION),
    _kind("RecordType", "012", _RECORD_TYPE),
    _kind("ValidationRule", "03d", _VALIDATION_RULE),
    _kind("WorkflowOutboundMessage", "04k", _OUTBOUND_MESSAGE),
    _kind("AsyncApexJob", "707", _APEX_JOB),
    _kind("InstalledSubscriberPackage", "0A3", _INSTALLED_PACKAGE),
    _kind("SubscriberPackage", "033", _PACKAGE),
    _kind("SubscriberPackageVersion", "04t", _PACKAGE_VERSION),
    _kind("ChatterSettings", "000", _CHATTER_SETTINGS),
    _kind("EnhancedNotesSettings", "000", _NOTES_SETTINGS),
)
EDITABLE = frozenset({"CustomField", "CustomObject", "FlowDefinition", "WorkflowOutboundMessage"})
"""Those that are made and changed by their Metadata here; a Flow can be removed as well."""
