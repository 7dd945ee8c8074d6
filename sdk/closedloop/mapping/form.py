"""The form of the mapping files, as marshmallow schemas; what breaks it is reported with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from closedloop.mapping.document import Document, Path, nearest
from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode, StageMeaning

TYPES = ("string", "id", "guid", "email", "bool", "int", "decimal", "money", "date", "datetime", "list")


class OneWordOf(validate.Validator):
    """Refuses a word outside the list, and names the likeliest meant one."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def __call__(self, value: str) -> str:
        if value not in self.words:
            raise ValidationError(f"`{value}` is not known{nearest(value, self.words)}")
        return value


def _word(words: tuple[str, ...], **options: Any) -> fields.String:
    return fields.String(validate=OneWordOf(words), **options)


class Words(fields.Field[list[str]]):
    """One text or a list of texts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:  # noqa: ARG002 - marshmallow's signature
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found:
            raise ValidationError("expected a text or a list of texts")
        faults = {place: ["expected a text"] for place, item in enumerate(found) if not isinstance(item, str)}
        if faults:
            raise ValidationError(faults)
        return found


class Flag(fields.Field[bool]):
    """`true` or `false`, and nothing that merely counts as it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, bool):
            raise ValidationError("expected true or false")
        return value


class Strict(Schema):
    """Refuses keys it does not know, and names the likeliest meant one."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _refuse_unknown(self, data: Any, **_: Any) -> Any:
        if isinstance(data, Mapping):
            known = [field.data_key or name for name, field in self.fields.items()]
            faults = {key: [f"unknown key{nearest(key, known)}"] for key in data if key not in known}
            if faults:
                raise ValidationError(faults)
        return data


class FieldForm(Strict):
    """Where a field of ours comes from, in full."""

    from_ = Words(data_key="from")
    type = _word(TYPES)
    currency = fields.String()
    values = fields.Dict(keys=fields.String())
    otherwise = fields.Raw(allow_none=True)
    starts_with = fields.String()
    always = fields.Raw()
    join = Words()
    with_ = fields.String(data_key="with")
    to = fields.String()
    writes = fields.Dict(keys=fields.String(), values=fields.String())
    also = Words()
    read_only = Flag()
    create_only = Flag()


class FieldEntry(fields.Field[dict[str, Any]]):
    """A field of ours: a path, a list of paths, or the whole form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002 - marshmallow's signature
        if isinstance(value, str | list):
            value = {"from": value}
        if not isinstance(value, Mapping):
            raise ValidationError("expected a path such as `Email`, or the keys of a field")
        loaded: dict[str, Any] = FieldForm().load(value)
        return loaded


class LinkForm(Strict):
    """An id in another CRM."""

    crm = _word(tuple(CrmName), required=True)
    object = _word(tuple(ObjectType), required=True)
    from_ = fields.String(data_key="from", required=True)


class ObjectForm(Strict):
    """One object of the CRM."""

    source = fields.String(required=True)
    also_called = Words()
    when = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=FieldEntry(), data_key="fields", required=True)
    custom = fields.Dict(keys=fields.String(), values=FieldEntry())
    linked_ids = fields.List(fields.Nested(LinkForm))
    read_only = Flag()


class TargetForm(Strict):
    """Where one kind of feedback goes."""

    source = fields.String(required=True)
    key = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields", required=True)


class Objects(fields.Field[list[dict[str, Any]]]):
    """One source of an object, or a list of several."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[dict[str, Any]]:  # noqa: ARG002 - marshmallow's signature
        several = isinstance(value, list)
        loaded: Any = ObjectForm(many=several).load(value)
        return loaded if several else [loaded]


class Versioned(Strict):
    """What every file starts with."""

    version = _word(("1",), required=True)


class CrmForm(Versioned):
    """salesforce.yaml and hubspot.yaml."""

    crm = _word(tuple(CrmName), required=True)
    objects = fields.Dict(keys=_word(tuple(ObjectType)), values=Objects(), required=True)
    feedback = fields.Dict(keys=_word(("person", "campaign", "reason")), values=fields.Nested(TargetForm))


class RuleForm(Strict):
    """One rule of reasons.yaml."""

    reason = _word(tuple(ReasonCode), required=True)
    outcomes = fields.List(_word(tuple(outcome for outcome in Outcome)))
    exact = Words()
    patterns = Words()


class ReasonsForm(Versioned):
    """reasons.yaml."""

    ambiguous = Words()
    words = Words()
    rules = fields.List(fields.Nested(RuleForm), required=True)


class LeadStagesForm(Strict):
    """The lead stages of one CRM, by what they mean."""

    stages = fields.Dict(keys=_word(tuple(StageMeaning)), values=Words(), required=True)
    categories = fields.Dict(keys=_word(tuple(StageMeaning)), values=Words())


class ServiceLevelForm(Strict):
    """How long a lead may wait, and for what."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(r"[a-z][a-z0-9_-]{0,62}\Z", error="name it with a-z, 0-9, _ and -"),
    )
    within = fields.String(
        required=True,
        validate=validate.Regexp(
            r"[1-9][0-9]{0,3}[mhd]\Z", error="expected minutes, hours or days, such as 30m, 24h or 3d"
        ),
    )
    until = _word(("decision", "stage_change"))
    stages = Words()


class LifecycleForm(Versioned):
    """lifecycle.yaml."""

    lead = fields.Dict(keys=_word(tuple(CrmName)), values=fields.Nested(LeadStagesForm), required=True)
    service_levels = fields.List(fields.Nested(ServiceLevelForm))


_MISSING = fields.Field.default_error_messages["required"]


def check(document: Document, form: type[Strict]) -> dict[str, Any]:
    """The document's content in the given form; MappingError on the first line that breaks it."""
    try:
        loaded: dict[str, Any] = form().load(document.data)
    except ValidationError as exc:
        faults = sorted(_faults(exc.messages, document.data, ()), key=lambda fault: document.line(fault[0]))
        path, message = faults[0]
        raise document.error(path, f"{_said(path)}{message}") from exc
    return loaded


def _said(path: Path) -> str:
    return f"`{'.'.join(map(str, path))}`: " if path else ""


def _faults(messages: Any, data: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The messages with the paths they are about; marshmallow's own `key` and `value` steps left out."""
    if isinstance(messages, Mapping):
        for step, inner in messages.items():
            if _holds(data, step):
                yield from _faults(inner, data[step], (*path, step))
            elif step in {"key", "value"}:
                yield from _faults(inner, data, path)
            elif inner == [_MISSING]:
                yield path, f"`{step}` is missing here"
            else:
                yield from _faults(inner, data, path)
    elif isinstance(messages, list):
        for message in messages:
            yield path, str(message)
    else:
        yield path, str(messages)


def _holds(data: Any, step: Any) -> bool:
    return (isinstance(data, Mapping) and step in data) or (
        isinstance(data, list) and isinstance(step, int) and step < len(data)
    )
