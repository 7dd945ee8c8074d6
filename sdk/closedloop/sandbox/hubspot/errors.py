"""The errors that HubSpot answers with, as exceptions that know their HTTP status and body.

Bodies marked "recorded" were seen from real portals. Where only the status is known, the words are ours
and the comment says so: clients must not depend on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.errors import ClosedLoopError

_TYPE_ID = re.compile(r"\d+-\d+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """One property value that HubSpot does not take; `code` is HubSpot's word for why."""

    name: str
    code: str
    message: str


class HubSpotError(ClosedLoopError):
    """HubSpot refuses a request: `status` is the HTTP status, `body()` what it answers."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        category: str | None = "VALIDATION_ERROR",
        sub_category: str | None = None,
        context: Mapping[str, Sequence[str]] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        invalid: Sequence[Invalid] = (),
    ) -> None:
        super().__init__(message, reason=(category or "problem").lower())
        self.status = status
        self.category = category
        self.sub_category = sub_category
        self.context = context
        self.errors = errors
        self.invalid = invalid

    @classmethod
    def joined(cls, problems: Sequence[HubSpotError]) -> HubSpotError:
        """The refusals of several inputs as one, with the values of all of them."""
        invalid = [value for problem in problems for value in problem.invalid]
        return invalid_values(invalid) if invalid else problems[0]

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body. Every field but the first three is optional, as with the real one."""
        optional = {
            "context": self.context,
            "errors": list(self.errors),
            "category": self.category,
            "subCategory": self.sub_category,
        }
        body = {"status": "error", "message": self.message, "correlationId": correlation_id}
        return body | {name: value for name, value in optional.items() if value}

    def entry(self) -> dict[str, Any]:
        """The same problem as one entry of a 207's `errors`."""
        entry: dict[str, Any] = {"status": "error", "category": self.category}
        if self.sub_category:
            entry["subCategory"] = self.sub_category
        more = {"context": dict(self.context)} if self.context else {}
        return entry | {"message": self.message} | more


def invalid_values(found: Iterable[Invalid]) -> HubSpotError:
    """The 400 for property values (recorded): the message holds JSON, `errors` says the same again."""
    found = list(found)
    listed = [{"isValid": False, "message": i.message, "error": i.code, "name": i.name} for i in found]
    return HubSpotError(
        f"Property values were not valid: {json.dumps(listed, separators=(',', ':'))}",
        errors=[{"message": i.message, "code": i.code, "context": {"propertyName": [i.name]}} for i in found],
        invalid=found,
    )


def not_found() -> HubSpotError:
    """The 404 for a single record (the message is the one that users report for CRM objects)."""
    return HubSpotError("resource not found", status=404, category="OBJECT_NOT_FOUND")


def no_such_object(record_id: str) -> HubSpotError:
    """The 404 for an id that is no number, and for a change of a record that is not there (both as users of
    single-object endpoints report them; the two spaces are HubSpot's)."""
    return HubSpotError(
        "Object not found.  objectId are usually numeric.",
        status=404,
        category="OBJECT_NOT_FOUND",
        context={"id": [record_id]},
    )


def left_out(*names: str) -> HubSpotError:
    """The 400 for a body that lacks fields (seen of many endpoints, for an empty object)."""
    listed = ", ".join(names)
    return HubSpotError(
        f"Invalid input JSON on line 1, column 2. Some required fields were not set: [{listed}]"
    )


def nothing_to_update() -> HubSpotError:
    """The 400 for an update without properties (recorded by segmentio/action-destinations)."""
    return HubSpotError(
        "No properties found to update, please provide at least one.", context={"properties": ["{}"]}
    )


def some_not_found(singular: str, ids: Sequence[str]) -> HubSpotError:
    """The entry of a 207 that names every unknown id of a batch at once (recorded)."""
    return HubSpotError(
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        status=404,
        category="OBJECT_NOT_FOUND",
        context={"ids": list(ids)},
    )


def not_associable(singular: str, record_id: str) -> HubSpotError:
    """The 400 for an association with no record (as in issue 646 of HubSpot/hubspot-api-nodejs)."""
    word = singular.upper()
    return HubSpotError(
        "One or more associations are invalid",
        context={
            "INVALID_OBJECT_IDS": [f"{word}={record_id} is not valid"],
            "objectId": [record_id],
            "objectType": [word],
        },
    )


def unlinkable(singular: str, record_id: str) -> HubSpotError:
    """The entry of a 207 for an association with no record, or with what can be no id (recorded:
    `Hubspot_Association/batch_create` of sensadrome/hubspot-api-ruby and `err-contact-to-contact.json` of
    amp-labs/connectors)."""
    if record_id.isascii() and record_id.isdigit():
        return HubSpotError(f"{singular.upper()}={record_id} is not valid")
    return HubSpotError(
        f"{record_id} is not a valid ID",
        sub_category="crm.associations.INVALID_IDENTIFIER",
        context={"id": [record_id]},
    )


def duplicate_ids(ids: Sequence[str]) -> HubSpotError:
    """The 400 for an id that a batch names twice (recorded)."""
    listed = ", ".join(ids)
    return HubSpotError(
        f"Duplicate IDs found in batch input: [{listed}]. IDs must be unique", context={"ids": list(ids)}
    )


def contact_exists(existing_id: str | None) -> HubSpotError:
    """The 409 for an e-mail address in use, with the id of the contact that has it.

    A batch names the first such contact (issue 51 of HubSpot/hubspot-api-python). It names none (recorded)
    where no contact has the address yet and two inputs do (pull request 355 of Joystream/youtube-synch).
    """
    named = f". Existing ID: {existing_id}" if existing_id else ""
    return HubSpotError(f"Contact already exists{named}", status=409, category="CONFLICT")


def value_taken(name: str, value: str, existing_id: str) -> HubSpotError:
    """The 400 for a value of a unique property that another record has (the words are reported by users)."""
    return HubSpotError(
        f"Cannot set PropertyValueCoordinates{{propertyName={name}, value={value}}}. "
        f"{existing_id} already has that value."
    )


def not_set(singular: str, names: Sequence[str]) -> HubSpotError:
    """The 400 for a new record that lacks properties (as in issue 12366 of PipedreamHQ/pipedream)."""
    return HubSpotError(
        f"Error creating {singular.upper()}. Some required properties were not set.",
        context={"properties": list(names)},
    )


def missing_scopes(*scopes: str) -> HubSpotError:
    """The 403 for a token that lacks a scope."""
    return HubSpotError(
        "This app hasn't been granted all required scopes to make this call.",
        status=403,
        category="MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
    )


def unknown_type(name: str) -> HubSpotError:
    """The 400 for an object type that does not exist: no category at all (recorded). What looks like a type
    id has words of its own (seen of api.hubapi.com in August 2026)."""
    if _TYPE_ID.fullmatch(name):
        return HubSpotError(f"Invalid object or event type id: {name}", category=None)
    return HubSpotError(f"Unable to infer object type from: {name}", category=None)


def unauthorised() -> HubSpotError:
    """The 401 for a token that HubSpot does not know."""
    return HubSpotError(
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        status=401,
        category="INVALID_AUTHENTICATION",
    )


def expired(at: str, seconds: int) -> HubSpotError:
    """The 401 for a token that was valid once."""
    return HubSpotError(
        f"The OAuth token used to make this call expired {seconds} second(s) ago.",
        status=401,
        category="EXPIRED_AUTHENTICATION",
        context={"expire time": [at]},
    )
