"""Tasks and events: what people do with leads, contacts and deals.

Events: Object Reference, "Event", and the field reference; no recorded describe of them exists.
"""

from __future__ import annotations

from closedloop.sandbox.salesforce.schema import sobject

TASK = sobject(
    "Task",
    "00T",
    """
WhoId                   reference        CUc  Contact|Lead:Who:Tasks
WhatId                  reference        CUc  Account|Campaign|Opportunity:What:Tasks
Subject                 combobox(255)    CUN  Call|Email|Send Letter|Send Quote|Other
ActivityDate            date             CU   -  Due Date Only
Status                  picklist(255)    CU!D  Not Started|In Progress|Completed|Waiting on someone else|Deferred
Priority                picklist(255)    CU!D  High|Normal|Low
IsHighPriority          boolean          !D
OwnerId                 reference        CU!D  User:Owner
Description             textarea(32000)  CU
AccountId               reference        *    Account:Account
IsClosed                boolean          !D*  -  Closed
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
    """
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
IsGroupEvent       boolean          !D
EventSubtype       picklist(40)     C      Event
""",
)
