"""Every error the library raises; the type says what the caller can do about it.

    ClosedLoopError
    ├── SettingsError            fix the settings
    ├── MappingError             fix the mapping file: knows the file and the line
    ├── NormaliseError           skip this payload: it cannot become a record
    ├── UnsupportedError         stop asking: this CRM cannot hold or do that
    ├── DeliveryRefusedError     refuse the webhook: `status` is the HTTP answer it gets
    └── CrmError                 a CRM call failed
        ├── RetryableError       try again later, not before `retry_after` seconds
        │   └── QuotaError       the daily allowance is used up; it comes back at the CRM's reset
        ├── AuthenticationError  fix the credentials or the scopes
        ├── RefusedError         the CRM refuses this record or request; the same again fails again
        │   └── GoneError        the record was deleted or merged away
        └── AnswerError          the CRM answered something that is not its API

Messages say what happened, what was expected and how to fix it. They never hold a body, a token or
an e-mail address. `reason` is a stable slug that goes unchanged into responses, logs and tables.
"""

from __future__ import annotations


class ClosedLoopError(Exception):
    """The base of every error raised here."""

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


class NormaliseError(ClosedLoopError):
    """A CRM payload cannot become a record; `field` names the field of ours that failed, if one did."""

    def __init__(self, message: str, *, field: str = "", reason: str = "not_a_record") -> None:
        super().__init__(message, reason=reason)
        self.field = field


class UnsupportedError(ClosedLoopError):
    """The CRM cannot hold or do what was asked."""

    def __init__(self, message: str, *, reason: str = "unsupported") -> None:
        super().__init__(message, reason=reason)


class DeliveryRefusedError(ClosedLoopError):
    """A webhook delivery is refused; `status` is the HTTP status of the answer."""

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
    """The CRM's daily allowance of calls is used up."""


class AuthenticationError(CrmError):
    """The CRM does not accept the credentials, or they lack a scope."""


class RefusedError(CrmError):
    """The CRM refuses this record or request for good."""


class GoneError(RefusedError):
    """The record was deleted, merged away or never existed."""


class AnswerError(CrmError):
    """The answer is not what the CRM's API answers: HTML, an empty object, truncated JSON."""
