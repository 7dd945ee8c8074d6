"""Products and prices, cases, and what is attached to records.

Object Reference: Product2, Pricebook2, PricebookEntry, OpportunityLineItem, Case, Note, Attachment.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

PRODUCT = sobject(
    "Product2",
    "01t",
    """
Name                string(255)     CU!N  -  Product Name
ProductCode         string(255)     CU
Description         textarea(4000)  CU    -  Product Description
IsActive            boolean         CU!D  -  Active
Family              picklist(40)    CU    None
ExternalId          string(255)     CU
DisplayUrl          url(1000)       CU    -  Display URL
QuantityUnitOfMeasure  picklist(255)  CU  Each
StockKeepingUnit    string(180)     CU    -  Product SKU
IsArchived          boolean         !D    -  Archived
LastViewedDate      datetime        -
LastReferencedDate  datetime        -
""",
    label="Product",
)

PRICEBOOK = sobject(
    "Pricebook2",
    "01s",
    """
Name                string(255)  CU!N  -  Price Book Name
IsActive            boolean      CU!D  -  Active
IsArchived          boolean      !D    -  Archived
Description         string(255)  CU
IsStandard          boolean      !D    -  Is Standard Price Book
LastViewedDate      datetime     -
LastReferencedDate  datetime     -
""",
    label="Price Book",
)

PRICEBOOK_ENTRY = sobject(
    "PricebookEntry",
    "01u",
    """
Name              string(255)     N*   -  Product Name
Pricebook2Id      reference       C!c  Pricebook2:Pricebook2:PricebookEntries
Product2Id        reference       C!c  Product2:Product2:PricebookEntries
UnitPrice         currency(18,2)  CU!  -  List Price
IsActive          boolean         CU!D  -  Active
UseStandardPrice  boolean         CU!D
ProductCode       string(255)     *
IsArchived        boolean         !D   -  Archived
""",
    label="Price Book Entry",
    plural="Price Book Entries",
)

LINE_ITEM = sobject(
    "OpportunityLineItem",
    "00k",
    """
OpportunityId     reference       C!c  Opportunity:Opportunity:OpportunityLineItems
SortOrder         int             -
PricebookEntryId  reference       C    PricebookEntry:PricebookEntry
Product2Id        reference       C    Product2:Product2:OpportunityLineItems
ProductCode       string(255)     *
Name              string(376)     N*   -  Opportunity Product Name
Quantity          double(12,2)    CU!
TotalPrice        currency(18,2)  *
UnitPrice         currency(18,2)  CU   -  Sales Price
ListPrice         currency(18,2)  *
ServiceDate       date            CU   -  Date
Description       string(255)     CU   -  Line Description
LastViewedDate      datetime      -
LastReferencedDate  datetime      -
""",
    label="Opportunity Product",
)

CASE = sobject(
    "Case",
    "500",
    """
MasterRecordId     reference        -    Case:MasterRecord
CaseNumber         string(30)       !DNLA
ContactId          reference        CUsd  Contact:Contact:Cases
AccountId          reference        CUsd  Account:Account:Cases
ParentId           reference        CU   Case:Parent:Cases
SuppliedName       string(80)       CU   -  Name
SuppliedEmail      email(80)        CU   -  Email Address
SuppliedPhone      string(40)       CU   -  Phone
SuppliedCompany    string(80)       CU   -  Company
Type               picklist(255)    CU   Mechanical|Electrical|Electronic|Structural|Other  Case Type
Status             picklist(255)    CUD  New|Working|Escalated|Closed
Reason             picklist(255)    CU   Installation|Equipment Complexity|Performance|Breakdown|Other  Case Reason
Origin             picklist(255)    CU   Phone|Email|Web  Case Origin
Subject            string(255)      CU
Priority           picklist(255)    CUD  High|Medium|Low
Description        textarea(32000)  CU
IsClosed           boolean          !D*  -  Closed
ClosedDate         datetime         -
IsEscalated        boolean          CU!D  -  Escalated
OwnerId            reference        CU!D  Group|User:Owner
(audit)
Comments           textarea(4000)   CU   -  Internal Comments
LastViewedDate      datetime        -
LastReferencedDate  datetime        -
""",  # noqa: E501  one line a field
)

NOTE = sobject(
    "Note",
    "002",
    """
ParentId   reference        C!c   Account|Campaign|Case|Contact|Lead|Opportunity:Parent:Notes
Title      string(80)       CU!N
IsPrivate  boolean          CU!D  -  Private
Body       textarea(32000)  CU
OwnerId    reference        CU!D  User:Owner
""",
)

ATTACHMENT = sobject(
    "Attachment",
    "00P",
    """
ParentId     reference      C!c   Account|Campaign|Case|Contact|Lead|Opportunity:Parent:Attachments
Name         string(255)    CU!N  -  File Name
IsPrivate    boolean        CU!D  -  Private
ContentType  string(120)    CU
BodyLength   int            *
Body         base64         CU!
OwnerId      reference      CU!D  User:Owner
Description  string(500)    CU
""",
)

ALL = (ATTACHMENT, CASE, LINE_ITEM, NOTE, PRICEBOOK, PRICEBOOK_ENTRY, PRODUCT)
