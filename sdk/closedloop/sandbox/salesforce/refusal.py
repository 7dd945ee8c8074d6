"""What Salesforce answers when it refuses: a status, a code, a message, the fields concerned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refusal(Exception):  # noqa: N818  it is an answer, and it is called what the answer is
    """Salesforce refuses a request or a record; `status` is used where it becomes a whole answer."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = None if fields is None else list(fields)
        self.more = dict(more or {})

    def as_answer(self) -> list[dict[str, object]]:
        """The body of a refused request; `fields` is there only where Salesforce sends it."""
        body: dict[str, object] = {**self.more, "message": self.message, "errorCode": self.code}
        return [body if self.fields is None else body | {"fields": self.fields}]

    def as_result(self) -> dict[str, object]:
        """The row of a refused record in a collections answer: here the code is called statusCode."""
        error = {"statusCode": self.code, "message": self.message, "fields": self.fields or []}
        return {"success": False, "errors": [{**self.more, **error}]}


def expired_session() -> Refusal:
    """The session is none, or none any more."""
    return Refusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """There is nothing at this address."""
    return Refusal("NOT_FOUND", message, status=404)


def deleted(*, status: int = 404) -> Refusal:
    """The record is in the recycle bin (recorded with status 404 and an empty list of fields)."""
    return Refusal("ENTITY_IS_DELETED", "entity is deleted", status=status, fields=[])


def no_such_record(field: str | None = None) -> Refusal:
    """The id belongs to no record: the one addressed, or the one that a field refers to."""
    status, fields = (404, []) if field is None else (400, [field])
    return Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=status, fields=fields)


def foreign_id(record_id: str) -> Refusal:
    """A field refers to a record of another org (recorded: the `SheeridWebhook` cassettes of
    openstax/accounts)."""
    return Refusal(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        f"insufficient access rights on cross-reference id: {record_id[:15]}",
        fields=[],
    )


def malformed_id(label: str, value: object, *, field: str) -> Refusal:
    """The value is no id, or an id of another object."""
    return Refusal("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", fields=[field])


def unknown_column(name: str, sobject: str) -> Refusal:
    """The object has no such field (or the user may not see it). Recorded in this wording for writes."""
    return Refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")
