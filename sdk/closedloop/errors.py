"""Every error the library raises; the type says what the caller can do about it.

    ClosedLoopError
    ├── SettingsError            fix the settings
    ├── MappingError             fix the mapping file: knows the file and the line
    ├── BadValueError            fix the value: `field` cannot hold it
    ├── NormaliseError           skip this payload: it cannot become a record
    ├── UnsupportedError         stop asking: this CRM cannot hold or do that
    ├── DeliveryRefusedError     refuse the webhook: `status` is the HTTP answer it gets
    └── CrmError                 a CRM call failed
        ├── RetryableError       try again later, not before `retry_after` seconds
        │   └── QuotaError       the daily allowance is used up; it comes back at `resets_at`
        ├── UncertainError       look first: the CRM may or may not have done it
        ├── AuthenticationError  fix the credentials or the scopes
        ├── RefusedError         the CRM refuses this record or request; the same again fails again
        │   ├── GoneError        the record was deleted or never existed
        │   │   └── MergedError  the record lives on in `merged_into`
        │   ├── ConvertedError   the lead was converted: write to its contact or campaign member
        │   ├── ValueRefusedError  the CRM refuses the values of `fields`
        │   └── DuplicateError   there is such a record already: `existing_id`, where the CRM says
        └── AnswerError          the CRM answered something that is not its API

Each type's `action` says it in one word: retry, skip, fix or refuse. Messages say what happened, what was
expected and how to fix it. They never hold a body, a token or an e-mail address. `reason` is a stable
slug that goes unchanged into responses, logs and tables. Every error survives pickling.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Action(StrEnum):
    """What the caller of something that failed can do."""

    RETRY = "retry"
    """Do the same again later."""
    SKIP = "skip"
    """Go on without this one record; the others are not concerned."""
    FIX = "fix"
    """Nothing will change until a person or the program corrects something."""
    REFUSE = "refuse"
    """The CRM, or we, will not take this record or delivery as it is: report it."""


class ClosedLoopError(Exception):
    """The base of every error raised here."""

    action: ClassVar[Action] = Action.FIX

    def __init__(self, message: str, *, reason: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class SettingsError(ClosedLoopError):
    """A setting is missing, malformed or contradicts another one."""

    def __init__(self, message: str, *, reason: str = "bad_setting") -> None:
        super().__init__(message, reason=reason)


class MappingError(ClosedLoopError):
    """A mapping file is broken: `file` and `line` (from 1) say where."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, reason: str = "bad_mapping") -> None:
        super().__init__(f"{file}:{line}: {message}" if file else message, reason=reason)
        self.file = file
        self.line = line


class BadValueError(ClosedLoopError):
    """A value that was to be written is not one that the field can hold; `field` is our name of it."""

    def __init__(self, message: str, *, field: str = "", reason: str = "bad_value") -> None:
        super().__init__(message, reason=reason)
        self.field = field


class NormaliseError(ClosedLoopError):
    """A CRM payload cannot become a record; `field` names the field of ours that failed, if one did."""

    action = Action.SKIP

    def __init__(self, message: str, *, field: str = "", reason: str = "not_a_record") -> None:
        super().__init__(message, reason=reason)
        self.field = field


class UnsupportedError(ClosedLoopError):
    """The CRM cannot hold or do what was asked; `field` is our name of what it cannot hold, if it is one."""

    def __init__(self, message: str, *, field: str = "", reason: str = "unsupported") -> None:
        super().__init__(message, reason=reason)
        self.field = field


class DeliveryRefusedError(ClosedLoopError):
    """A webhook delivery is refused; `status` is the HTTP status of the answer."""

    action = Action.REFUSE

    def __init__(self, message: str, *, status: int = 400, reason: str = "bad_delivery") -> None:
        super().__init__(message, reason=reason)
        self.status = status


class CrmError(ClosedLoopError):
    """A call to a CRM failed; `code` is the vendor's own word for it."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "crm_error",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        self.status = status
        self.code = code
        self.correlation_id = correlation_id


class RetryableError(CrmError):
    """The call may succeed later; `retry_after` is the least wait in seconds, when the CRM named one."""

    action = Action.RETRY

    def __init__(
        self,
        message: str,
        *,
        reason: str = "try_later",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, status=status, code=code, correlation_id=correlation_id)
        self.retry_after = retry_after


class QuotaError(RetryableError):
    """The allowance of calls is used up: the CRM's daily one, or the budget that the user set.

    `resets_at` is when calls are possible again, as far as the CRM lets one know.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "quota",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
        resets_at: datetime | None = None,
    ) -> None:
        super().__init__(
            message,
            reason=reason,
            status=status,
            code=code,
            correlation_id=correlation_id,
            retry_after=retry_after,
        )
        self.resets_at = resets_at


class UncertainError(CrmError):
    """No answer came to a write that is not safe to repeat: look in the CRM before sending it again."""


class AuthenticationError(CrmError):
    """The CRM does not accept the credentials, or they lack a scope."""


class RefusedError(CrmError):
    """The CRM refuses this record or request for good."""

    action = Action.REFUSE


class GoneError(RefusedError):
    """The record was deleted, merged away or never existed."""

    action = Action.SKIP


class MergedError(GoneError):
    """The record was merged into another one, whose id is `merged_into`."""

    def __init__(
        self,
        message: str,
        *,
        merged_into: str = "",
        reason: str = "merged",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, status=status, code=code, correlation_id=correlation_id)
        self.merged_into = merged_into


class ConvertedError(RefusedError):
    """The lead was converted and takes no more changes: write to its contact or campaign member."""


class ValueRefusedError(RefusedError):
    """The CRM refuses a value: not in the picklist, too long, required and missing, against a rule of the
    org. `fields` are the CRM's names of those concerned, where it names them."""

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[str, ...] = (),
        reason: str = "value_refused",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, status=status, code=code, correlation_id=correlation_id)
        self.fields = fields


class DuplicateError(RefusedError):
    """There is such a record already; `existing_id` is its id, where the CRM says."""

    def __init__(
        self,
        message: str,
        *,
        existing_id: str | None = None,
        reason: str = "duplicate",
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, status=status, code=code, correlation_id=correlation_id)
        self.existing_id = existing_id


class AnswerError(CrmError):
    """The answer is not what the CRM's API answers: HTML, an empty object, truncated JSON."""
