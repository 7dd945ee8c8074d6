"""What each of Salesforce's error codes means to us: the type, our slug and the advice.

Codes of records are in the `StatusCode` list of Salesforce's WSDLs, those of whole answers among the
`ExceptionCode`s: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    ConvertedError,
    CrmError,
    DuplicateError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
    ValueRefusedError,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """The error that a code is, and what to do about it."""

    error: type[CrmError]
    reason: str
    advice: str


_API_DISABLED = Meaning(
    AuthenticationError, "api_disabled", "give the integration user the API Enabled permission"
)
_UNAVAILABLE = Meaning(RetryableError, "crm_unavailable", "Salesforce is too busy")
_NO_STORAGE = Meaning(RefusedError, "storage_full", "the org's data storage is full")
_ROLLED_BACK = Meaning(RefusedError, "rolled_back", "another record of the same request failed")

CODES: Mapping[str, Meaning] = MappingProxyType(
    {
        # Fix the credentials.
        "INVALID_SESSION_ID": Meaning(
            AuthenticationError, "session_expired", "the access token is not accepted"
        ),
        "InvalidSessionId": Meaning(
            AuthenticationError, "session_expired", "the access token is not accepted"
        ),  # Bulk API 1
        "INVALID_AUTH_HEADER": Meaning(AuthenticationError, "bad_token", "the access token is malformed"),
        "INVALID_LOGIN": Meaning(AuthenticationError, "bad_credentials", "check the credentials"),
        "LOGIN_MUST_USE_SECURITY_TOKEN": Meaning(
            AuthenticationError, "bad_credentials", "give the user's security_token too"
        ),
        "API_DISABLED_FOR_ORG": _API_DISABLED,
        # Try later.
        "UNABLE_TO_LOCK_ROW": Meaning(
            RetryableError, "record_locked", "somebody else is changing the record"
        ),
        "SERVER_UNAVAILABLE": _UNAVAILABLE,
        "API_CURRENTLY_DISABLED": _UNAVAILABLE,
        "UNKNOWN_EXCEPTION": Meaning(RetryableError, "crm_failed", "Salesforce failed inside"),
        "QUERY_TIMEOUT": Meaning(RetryableError, "query_timeout", "the query took too long"),
        "REQUEST_RUNNING_TOO_LONG": Meaning(RetryableError, "request_timeout", "the request took too long"),
        # It is no more.
        "ENTITY_IS_DELETED": Meaning(GoneError, "deleted", "the record was deleted, or merged into another"),
        "NOT_FOUND": Meaning(
            GoneError, "not_found", "it does not exist, or the integration user may not see it"
        ),
        "INVALID_CROSS_REFERENCE_KEY": Meaning(
            GoneError, "not_found", "a record it names does not exist, or the integration user may not see it"
        ),
        # Refused for good.
        "INVALID_FIELD": Meaning(
            RefusedError,
            "no_such_field",
            "the org has no such field, or hides it: check the mapping and the permission set",
        ),
        "INVALID_QUERY_LOCATOR": Meaning(RefusedError, "query_expired", "the query has to be asked anew"),
        "INVALID_TYPE": Meaning(
            RefusedError,
            "no_such_object",
            "the org has no such object, or hides it: check the permission set",
        ),
        "CANNOT_UPDATE_CONVERTED_LEAD": Meaning(
            ConvertedError,
            "lead_converted",
            "a converted lead cannot be changed: write to its contact or campaign member",
        ),
        "INSUFFICIENT_ACCESS_OR_READONLY": Meaning(
            RefusedError, "no_access", "the integration user may not change it: assign the permission set"
        ),
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Meaning(
            RefusedError, "no_access", "the integration user may not change its parent: share it"
        ),
        "ENTITY_IS_LOCKED": Meaning(RefusedError, "in_approval", "an approval process has locked the record"),
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Meaning(
            RefusedError, "automation_failed", "a trigger or flow of the org failed on it"
        ),
        "STORAGE_LIMIT_EXCEEDED": _NO_STORAGE,
        "EXCEEDED_QUOTA": _NO_STORAGE,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK": _ROLLED_BACK,
        "PROCESSING_HALTED": _ROLLED_BACK,
        "DUPLICATE_EXTERNAL_ID": Meaning(
            RefusedError, "ambiguous", "several records have this external id: make it unique in the org"
        ),
        "DUPLICATE_VALUE": Meaning(DuplicateError, "duplicate", "another record has this value"),
        "DUPLICATES_DETECTED": Meaning(DuplicateError, "duplicate", "a duplicate rule of the org refuses it"),
        # Its values are refused.
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": Meaning(
            ValueRefusedError,
            "validation_rule",
            "a validation rule of the org refuses it: exempt the integration user",
        ),
        "REQUIRED_FIELD_MISSING": Meaning(
            ValueRefusedError, "field_required", "the org requires a field that is not written"
        ),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Meaning(
            ValueRefusedError,
            "picklist_value",
            "the picklist is restricted: add the value or make the field a text",
        ),
        "STRING_TOO_LONG": Meaning(ValueRefusedError, "too_long", "the field is too short"),
        "NUMBER_OUTSIDE_VALID_RANGE": Meaning(
            ValueRefusedError, "out_of_range", "the field cannot hold a number of this size"
        ),
        "INVALID_EMAIL_ADDRESS": Meaning(ValueRefusedError, "bad_email", "it is no e-mail address"),
        "INVALID_TYPE_ON_FIELD_IN_RECORD": Meaning(
            ValueRefusedError, "wrong_type", "the field holds another type"
        ),
        "INVALID_FIELD_FOR_INSERT_UPDATE": Meaning(
            ValueRefusedError,
            "field_not_writable",
            "the integration user may not write a field, or nobody may: check the permission set",
        ),
        "FIELD_INTEGRITY_EXCEPTION": Meaning(
            ValueRefusedError, "contradiction", "the values contradict each other or the record's parent"
        ),
        "FIELD_FILTER_VALIDATION_EXCEPTION": Meaning(
            ValueRefusedError, "lookup_filter", "a lookup filter of the org excludes the record it names"
        ),
        "MALFORMED_ID": Meaning(ValueRefusedError, "bad_id", "an id is not one, or one of another object"),
        "INACTIVE_OWNER_OR_USER": Meaning(
            ValueRefusedError, "inactive_user", "the user it names is inactive"
        ),
    }
)

STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {
        300: Meaning(RefusedError, "ambiguous", "several records have this external id"),
        401: Meaning(AuthenticationError, "not_authenticated", "check the credentials"),
        # 31.0–40.0 retire with Summer '28 (Help 005321531).
        410: Meaning(RefusedError, "api_version_retired", "set a newer api_version"),
        409: Meaning(RetryableError, "conflict", "another request was in the way"),
        429: Meaning(RetryableError, "too_many_requests", "Salesforce asks for fewer requests"),
    }
)

NOT_THE_API = Meaning(
    AnswerError, "not_the_api", "this is not the API's answer: check login_url and any proxy"
)
FAILED = Meaning(RetryableError, "crm_failed", "Salesforce, or something before it, failed")
OAUTH = Meaning(
    AuthenticationError,
    "bad_credentials",
    "check the credentials, and that the app's policies admit this flow and its user",
)
REFUSED = Meaning(RefusedError, "refused", "Salesforce refuses it")
BAD_REFERENCE = Meaning(
    ValueRefusedError,
    "no_such_reference",
    "a record it names does not exist, or the integration user may not see it",
)
# The window rolls: there is no time of reset (Help 002888831, "Understanding API Rolling Limits").
TOTAL = Meaning(
    QuotaError,
    "quota",
    "the org's API requests of the last 24 hours are used up; they come back one by one, each 24 hours after "
    "it was made, so there is no time of reset: let fewer programs ask, or have the limit raised",
)
CONCURRENT = Meaning(RetryableError, "too_many_requests", "too many long requests run at once")
