"""What a view asks of whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import g
from werkzeug.exceptions import Forbidden

from closedloop_server.access.tokens import Scope, Token

P = ParamSpec("P")
R = TypeVar("R")

_MARK = "closedloop_scope"


class ScopeNeededError(Forbidden):
    """The token is valid and does not open this."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this needs a token with the scope “{scope}”, which yours has not")
        self.scope = scope

    @property
    def name(self) -> str:
        """The reason that goes into a JSON answer, in the framework's form."""
        return "Insufficient scope"

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Says what is missing in the words of RFC 6750, 3.1."""
        told = f'Bearer realm="Closed Loop", error="insufficient_scope", scope="{self.scope}"'
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", told)]


def viewer() -> Token:
    """Whose request this is. Every view behind the sign-in, and every one of the API, has somebody."""
    found: Token | None = g.get("viewer")
    if found is None:
        raise RuntimeError("this view is open to everybody: nobody stands behind the request")
    return found


def may(scope: Scope) -> bool:
    """Whether whoever calls may do this; False when nobody is signed in."""
    found: Token | None = g.get("viewer")
    return found is not None and found.allows(scope)


def demand(scope: Scope) -> None:
    """Refuses the request with 403 unless whoever calls may do this."""
    if not may(scope):
        raise ScopeNeededError(scope)


def require(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: the view is only for tokens with this scope. Put it under the route's decorator."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            demand(scope)
            return view(*args, **kwargs)

        setattr(guarded, _MARK, scope)
        return guarded

    return decorate


def required_by(view: Callable[..., Any]) -> Scope | None:
    """The scope that a view was decorated with, or None."""
    found: Scope | None = getattr(view, _MARK, None)
    return found


admin_required = require(Scope.ADMIN)
operator_required = require(Scope.OPERATE)
