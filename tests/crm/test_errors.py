"""Every error says what to do, and survives pickling with everything it knows."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop import errors
from closedloop.errors import Action, ClosedLoopError

TYPES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ClosedLoopError)
]
_EXAMPLES: dict[str, Any] = {
    "reason": "a_reason",
    "file": "salesforce.yaml",
    "line": 7,
    "field": "amount",
    "fields": ("Amount", "Name"),
    "status": 503,
    "code": "UNABLE_TO_LOCK_ROW",
    "correlation_id": "0b6a",
    "retry_after": 2.5,
    "resets_at": datetime(2026, 11, 23, tzinfo=UTC),
    "merged_into": "003Qy0000000001AAA",
    "existing_id": "101",
}


def made(error: type[ClosedLoopError]) -> ClosedLoopError:
    names = [name for name in inspect.signature(error).parameters if name != "message"]
    return error("what happened: what to do", **{name: _EXAMPLES[name] for name in names})


@pytest.mark.parametrize("error", TYPES, ids=lambda error: error.__name__)
def test_an_error_survives_pickling_and_copying(error: type[ClosedLoopError]) -> None:
    original = made(error)
    pickled = pickle.loads(pickle.dumps(original))  # noqa: S301 - our own bytes
    for again in (pickled, copy.copy(original), copy.deepcopy(original)):
        assert type(again) is error
        assert str(again) == str(original)
        assert vars(again) == vars(original)


@pytest.mark.parametrize("error", TYPES, ids=lambda error: error.__name__)
def test_an_error_can_be_raised_with_a_message_alone(error: type[ClosedLoopError]) -> None:
    bare = error("what happened")
    assert bare.message == "what happened"
    assert bare.reason
    assert bare.action in Action


@pytest.mark.parametrize(
    ("error", "action"),
    [
        ("SettingsError", Action.FIX),
        ("MappingError", Action.FIX),
        ("BadValueError", Action.FIX),
        ("UnsupportedError", Action.FIX),
        ("AuthenticationError", Action.FIX),
        ("UncertainError", Action.FIX),
        ("AnswerError", Action.FIX),
        ("NormaliseError", Action.SKIP),
        ("GoneError", Action.SKIP),
        ("MergedError", Action.SKIP),
        ("RetryableError", Action.RETRY),
        ("QuotaError", Action.RETRY),
        ("RefusedError", Action.REFUSE),
        ("ConvertedError", Action.REFUSE),
        ("ValueRefusedError", Action.REFUSE),
        ("DuplicateError", Action.REFUSE),
        ("DeliveryRefusedError", Action.REFUSE),
    ],
)
def test_the_type_of_an_error_says_what_to_do(error: str, action: Action) -> None:
    assert getattr(errors, error).action is action
