"""Which deliveries: the same in the API and on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any

from marshmallow import Schema, fields, validate

from closedloop_server.api.arguments import BeforeArguments, LimitArguments, Moment, Whole, text
from closedloop_server.store.deliveries import Selection, State

_ID = validate.Range(min=1, max=2**31 - 1)


class SelectionArguments(Schema):
    """Some of the deliveries: those that fit all that is given."""

    connection = text(64, "Only deliveries to this connection.")
    state = fields.Enum(State, by_value=True, metadata={"description": "Only deliveries that came so far."})
    first = Whole(validate=_ID, metadata={"description": "Only from this id on."})
    last = Whole(validate=_ID, metadata={"description": "Only up to this id."})
    since = Moment(metadata={"description": "Only what came at this time or later."})
    until = Moment(metadata={"description": "Only what came before this time."})


class InboxPageArguments(SelectionArguments, BeforeArguments):
    """What the list of deliveries takes in the pages."""


class InboxArguments(SelectionArguments, BeforeArguments, LimitArguments):
    """What the list of deliveries takes."""


def selection_of(arguments: Mapping[str, Any]) -> Selection:
    """The deliveries that the arguments choose."""
    chosen = {each.name: arguments[each.name] for each in fields_of(Selection) if each.name in arguments}
    return Selection(**chosen)
