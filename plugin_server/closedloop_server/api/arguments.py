"""What the query of a request may say, checked by marshmallow; the pages read theirs in the same way."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from closedloop.loop.attribution import Cause
from closedloop.schema.vocabulary import DECIDED, AttributionModel, Outcome, ReasonCode
from closedloop_server.api.problems import RequestError
from closedloop_server.store.reports import DeliveryState, Sort

DEFAULT_LIMIT = 50
GREATEST_LIMIT = 200


def _no_nul(value: str) -> None:
    # PostgreSQL holds no NUL in a text and refuses the whole query.
    if "\0" in value:
        raise ValidationError("Must not hold a NUL character.")


def _text(longest: int) -> fields.String:
    return fields.String(validate=[validate.Length(max=longest), _no_nul])


def _decided(value: Outcome) -> None:
    if value not in DECIDED:
        raise ValidationError(f"Must be one of: {', '.join(DECIDED)}.")


class ModelArguments(Schema):
    """The attribution model that every report takes."""

    model = fields.Enum(AttributionModel, by_value=True)


class PagingArguments(Schema):
    """How a list is cut into pages."""

    cursor = _text(2000)
    limit = fields.Integer(validate=validate.Range(min=1, max=GREATEST_LIMIT), load_default=DEFAULT_LIMIT)


class CampaignArguments(ModelArguments, PagingArguments):
    """Which campaigns, in which order."""

    connection = _text(64)
    q = _text(200)
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.DECIDED)


class DispositionArguments(ModelArguments, PagingArguments):
    """Which decisions of a campaign."""

    outcome = fields.Enum(Outcome, by_value=True, validate=_decided)
    reason = fields.Enum(ReasonCode, by_value=True)


class UnattributedArguments(DispositionArguments):
    """Which decisions that no campaign is credited with."""

    cause = fields.Enum(Cause, by_value=True)


class CampaignPageArguments(CampaignArguments):
    """What the list of campaigns takes in the pages."""

    delivery = fields.Enum(DeliveryState, by_value=True)
    page = fields.Integer(validate=validate.Range(min=1, max=1_000_000), load_default=1)


class DecisionPageArguments(UnattributedArguments):
    """What the list of decisions takes in the pages."""

    connection = _text(64)
    source = _text(64)
    q = _text(200)
    raw = _text(5000)


class NoArguments(Schema):
    """For what takes none."""


def load_arguments(
    schema: type[Schema], query: MultiDict[str, str], *, strict: bool = True
) -> dict[str, Any]:
    """The checked arguments; a blank one counts as left out.

    Strict, an argument that the schema does not know is refused; else it is passed over, as pages must,
    because mail programs and portals hang their own onto every link.
    """
    given = {name: value for name, value in query.items() if value != ""}
    repeated = sorted(name for name in given if len(query.getlist(name)) > 1)
    if repeated:
        raise RequestError(
            f"{', '.join(repeated)}: given more than once, expected once", reason="bad_argument"
        )
    checked = schema(unknown=RAISE if strict else EXCLUDE)
    try:
        loaded: dict[str, Any] = checked.load(given)
    except ValidationError as exc:
        raise _refused(checked, exc) from exc
    return loaded


def _refused(schema: Schema, exc: ValidationError) -> RequestError:
    messages = exc.messages_dict
    unknown = sorted(str(name) for name in messages if name not in schema.fields)
    if unknown:
        known = ", ".join(sorted(schema.fields)) or "none"
        return RequestError(
            f"unknown arguments: {', '.join(unknown)}; this resource takes: {known}",
            reason="unknown_argument",
        )
    told = "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in sorted(messages.items()))
    return RequestError(told, reason="bad_argument")
