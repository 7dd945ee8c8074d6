"""Tasks and events: what people do with leads, contacts and deals.

Events: Object Reference, "Event", and the field reference; no recorded describe of them exists.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema.field_tables import sobject

# What says how an activity is repeated; the sandbox keeps it, and repeats nothing.
_REPEATED = """
RecurrenceActivityId      reference     -   {0}  Recurrence Activity ID
RecurrenceEndDateOnly     date          CU  -  Recurrence End
RecurrenceTimeZoneSidKey  picklist(40)  CU  -  Recurrence Time Zone
RecurrenceType            picklist(40)  CR  RecursDaily|RecursEveryWeekday|RecursMonthly|RecursMonthlyNth|RecursWeekly|RecursYearly|RecursYearlyNth
RecurrenceInterval        int           CU
RecurrenceDayOfWeekMask   int           CU
RecurrenceDayOfMonth      int           CU
RecurrenceInstance        picklist(40)  CUR  First|Second|Third|Fourth|Last
RecurrenceMonthOfYear     picklist(40)  CUR  January|February|March|April|May|June|July|August|September|October|November|December
"""  # noqa: E501  one line a field

TASK = sobject(
    "Task",
    "00T",
    f"""
WhoId                   reference        CUc  Contact|Lead:Who:Tasks
WhatId                  reference        CUc  Account|Campaign|Opportunity:What:Tasks
Subject                 combobox(255)    CUN  Call|Email|Send Letter|Send Quote|Other
ActivityDate            date             CU   -  Due Date Only
Status                  picklist(255)    CU!D
Priority                picklist(255)    CU!D
IsHighPriority          boolean          !D
OwnerId                 reference        CU!D  User:Owner
Description             textarea(32000)  CU
AccountId               reference        *    Account:Account
IsClosed                boolean          !D*  -  Closed
IsArchived              boolean          !D   -  Archived
CallObject              string(255)      CU   -  Call Object Identifier
ReminderDateTime        datetime         CU
IsReminderSet           boolean          CU!D  -  Reminder Set
IsRecurrence            boolean          C!D   -  Create Recurring Series of Tasks
RecurrenceStartDateOnly  date            CU   -  Recurrence Start
{_REPEATED.format("Task")}
RecurrenceRegeneratedType  picklist(40)  CUR  RecurrenceRegenerateAfterDueDate|RecurrenceRegenerateAfterToday|RecurrenceRegenerated
CallDurationInSeconds   int              CU
CallType                picklist(40)     CU   Internal|Inbound|Outbound
CallDisposition         string(255)      CU   -  Call Result
TaskSubtype             picklist(40)     C    Task|Email|Call|ListEmail|Cadence
CompletedDateTime       datetime         -
""",  # noqa: E501  one line a field
)

EVENT = sobject(
    "Event",
    "00U",
    f"""
WhoId              reference        CUc    Contact|Lead:Who:Events
WhatId             reference        CUc    Account|Campaign|Opportunity:What:Events
Subject            combobox(255)    CUN    Call|Email|Meeting|Send Letter/Quote|Other
Location           string(255)      CU
IsAllDayEvent      boolean          CU!D   -  All-Day Event
ActivityDateTime   datetime         CU     -  Due Date Time
ActivityDate       date             CU     -  Due Date Only
DurationInMinutes  int              CU     -  Duration
StartDateTime      datetime         CU     -  Start Date Time
EndDateTime        datetime         CU     -  End Date Time
EndDate            date             *
Description        textarea(32000)  CU
AccountId          reference        *      Account:Account
OwnerId            reference        CU!D   User:Owner
IsPrivate          boolean          CU!D   -  Private
ShowAs             picklist(40)     CUD    Busy|OutOfOffice|Free
IsChild            boolean          !D
IsArchived         boolean          !D     -  Archived
ReminderDateTime   datetime         CU
IsReminderSet      boolean          CU!D   -  Reminder Set
IsRecurrence       boolean          C!D    -  Create Recurring Series of Events
GroupEventType     picklist(40)     R      0|1|2|3
RecurrenceStartDateTime  datetime   CU     -  Recurrence Start
{_REPEATED.format("Event")}
IsRecurrence2          boolean      !D     -  Recurring Series
IsRecurrence2Exception  boolean     !D
IsRecurrence2Exclusion  boolean     CU!D
Recurrence2PatternStartDate  datetime  CU
Recurrence2PatternText  textarea(512)  CU
Recurrence2PatternTimeZone  string(255)  CU
Recurrence2PatternVersion  picklist(40)  -  1
IsGroupEvent       boolean          !D
EventSubtype       picklist(40)     C      Event
""",
)

# Object Reference, "TaskStatus" and "TaskPriority"; all objects of such statuses share a key prefix.
TASK_STATUS = sobject(
    "TaskStatus",
    "01J",
    """
MasterLabel  string(255)  CU!N
ApiName      string(255)  CU!
SortOrder    int          CU
IsDefault    boolean      CU!D
IsClosed     boolean      CU!D  -  Closed
""",
    plural="Task Status Value",
    setup=True,
)

TASK_PRIORITY = sobject(
    "TaskPriority",
    "01J",
    """
MasterLabel     string(255)  CU!N
ApiName         string(255)  CU!
SortOrder       int          CU
IsDefault       boolean      CU!D
IsHighPriority  boolean      CU!D
""",
    plural="Task Priority Value",
    setup=True,
)
