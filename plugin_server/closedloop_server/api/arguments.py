"""What the query of a request may say, checked by marshmallow; the pages read theirs in the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from closedloop.loop.attribution import Cause
from closedloop.schema.vocabulary import DECIDED, AttributionModel, Outcome, ReasonCode
from closedloop_server.api.problems import RequestError
from closedloop_server.store.reports import DeliveryState, Sort

DEFAULT_LIMIT = 50
GREATEST_LIMIT = 200
_SHOWN_NAMES = 10
_SHOWN_NAME = 100
"""Of the names that nobody knows, so many are told, and so much of each: an answer is no echo."""


# PostgreSQL holds no NUL in a text and refuses the whole query.
_NO_NUL = validate.Regexp(r"^[^\x00]*$", error="Must not hold a NUL character.")


def text(longest: int, meaning: str, *, required: bool = False, **told: str) -> fields.String:
    """A text of so many characters at most; one that is required has a character at least."""
    return fields.String(
        required=required,
        validate=[validate.Length(min=1 if required else None, max=longest), _NO_NUL],
        metadata={"description": meaning, **told},
    )


class Whole(fields.Integer):
    """A whole number in ASCII digits: Python reads more as one than others do."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}(\.0+)?", value):
            raise self.make_error("invalid", input=value)
        return int(str(value).partition(".")[0]) if isinstance(value, str) else super()._validated(value)


class Moment(fields.String):
    """A time in ISO 8601; one without a time zone is in UTC, as everything on the pages is."""

    def __init__(self, *, metadata: Mapping[str, Any], required: bool = False) -> None:
        told = {"format": "date-time", "examples": ["2026-11-20T14:03:00Z"], **metadata}
        super().__init__(metadata=told, required=required)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        told = super()._deserialize(value, attr, data, **kwargs)
        try:
            moment = datetime.fromisoformat(told)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("Not a time: expected one such as 2026-11-20T14:03:00Z.") from None


class AsOf(Moment):
    """A time, or a day in UTC, which stands for its end."""

    def __init__(self) -> None:
        told = {
            "description": "Answers as was known at this time: a moment, or the end of a day in UTC.",
            "examples": ["2026-03-31", "2026-03-31T16:00:00Z"],
        }
        super().__init__(metadata={**told, "anyOf": [{"format": "date-time"}, {"format": "date"}]})
        self.metadata = {**self.metadata}
        self.metadata.pop("format")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        with suppress(TypeError, ValueError):
            return datetime.combine(date.fromisoformat(value), time.max, UTC)
        return super()._deserialize(value, attr, data, **kwargs)


class AsOfArguments(Schema):
    """The earlier time that a report may be asked about."""

    as_of = AsOf()


class ModelArguments(AsOfArguments):
    """The attribution model that every report takes, and the time that it is about."""

    model = fields.Enum(
        AttributionModel,
        by_value=True,
        metadata={"description": "How credit is shared; left out: as the settings say.", "example": "linear"},
    )


class LimitArguments(Schema):
    """How long a page of a list is."""

    limit = Whole(
        validate=validate.Range(min=1, max=GREATEST_LIMIT),
        load_default=DEFAULT_LIMIT,
        metadata={"description": "How many at most."},
    )


class BeforeArguments(Schema):
    """Where a page of a list begins whose entries are numbered."""

    before = Whole(
        validate=validate.Range(min=1, max=2**31 - 1),
        metadata={
            "description": "Only what is older than the one with this id: `next_before` of the page before."
        },
    )


class RangeArguments(Schema):
    """From when to when."""

    since = Moment(required=True, metadata={"description": "The first moment that counts."})
    until = Moment(required=True, metadata={"description": "The first moment that does not count any more."})


class PagingArguments(LimitArguments):
    """How a list is cut into pages."""

    cursor = text(2000, "`next_cursor` of the page before, unchanged.", format="cursor")


class CampaignArguments(ModelArguments, PagingArguments):
    """Which campaigns, in which order."""

    connection = text(64, "Only campaigns of this connection.")
    q = text(200, "Only campaigns with this text in their name or CRM id.")
    sort = fields.Enum(
        Sort,
        by_value=True,
        load_default=Sort.DECIDED,
        metadata={
            "description": "What comes first: the most of it, the newest, or the first in the alphabet."
        },
    )


class DispositionArguments(ModelArguments, PagingArguments):
    """Which decisions of a campaign."""

    outcome = fields.Enum(
        Outcome,
        by_value=True,
        validate=validate.OneOf(DECIDED),
        metadata={"description": "Only decisions with this outcome."},
    )
    reason = fields.Enum(
        ReasonCode, by_value=True, metadata={"description": "Only decisions for this reason."}
    )


class UnattributedArguments(DispositionArguments):
    """Which decisions that no campaign is credited with."""

    cause = fields.Enum(
        Cause, by_value=True, metadata={"description": "Only decisions that no campaign has for this cause."}
    )


class CampaignPageArguments(CampaignArguments):
    """What the list of campaigns takes in the pages."""

    delivery = fields.Enum(DeliveryState, by_value=True)
    page = Whole(validate=validate.Range(min=1, max=1_000_000), load_default=1)


class DecisionPageArguments(UnattributedArguments):
    """What the list of decisions takes in the pages."""

    connection = text(64, "Only campaigns of this connection.")
    source = text(64, "Only decisions made in this connection.")
    q = text(200, "Only campaigns with this text in their name or CRM id.")
    raw = text(5000, "Only decisions with exactly these words.")


class NoArguments(Schema):
    """For what takes none."""


def load_arguments(
    schema: type[Schema], query: MultiDict[str, str], *, strict: bool = True
) -> dict[str, Any]:
    """The checked arguments; a blank one counts as left out.

    Strict, an argument that the schema does not know is refused; else it is passed over, as pages must,
    because mail programs and portals hang their own onto every link.
    """
    checked = schema(unknown=RAISE if strict else EXCLUDE)
    try:
        loaded: dict[str, Any] = checked.load(given(query))
    except ValidationError as exc:
        raise refusal(checked, exc.messages_dict) from exc
    return loaded


def given(query: MultiDict[str, str]) -> dict[str, str]:
    """What the query says, each name once; a blank argument counts as left out."""
    said = {name: value for name, value in query.items() if value != ""}
    repeated = sorted(name for name in said if len(query.getlist(name)) > 1)
    if repeated:
        raise RequestError(
            f"{', '.join(repeated)}: given more than once, expected once", reason="bad_argument"
        )
    return said


def refusal(schema: Schema, messages: Mapping[Any, Any]) -> RequestError:
    """What a caller is told about arguments that the schema refused."""
    unknown = sorted(str(name) for name in messages if name not in schema.fields)
    if unknown:
        known = ", ".join(sorted(schema.fields)) or "none"
        shown = ", ".join(name[:_SHOWN_NAME] for name in unknown[:_SHOWN_NAMES])
        return RequestError(
            f"unknown arguments: {shown}; this resource takes: {known}",
            reason="unknown_argument",
        )
    told = "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in sorted(messages.items()))
    return RequestError(told, reason="bad_argument")
