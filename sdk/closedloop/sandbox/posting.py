"""Posts webhooks and messages to their receivers."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import requests


class UnreachedError(Exception):
    """The receiver gave no answer; the text says why, in one word."""


class Poster:
    """Keeps its connections open from one post to the next. For one thread, as a context manager.

    Most sandboxes never have anything to post: what it takes is imported with the first one.
    """

    def __init__(self) -> None:
        self._session: requests.Session | None = None

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, follow: bool
    ) -> requests.Response:
        """The receiver's answer; UnreachedError where none came in time. `follow`: go where it redirects."""
        import requests  # noqa: PLC0415 - see above

        if self._session is None:
            self._session = requests.Session()
            self._session.trust_env = False  # a proxy of this machine has no way to 127.0.0.1
        try:
            return self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=follow
            )
        except requests.RequestException as error:
            raise UnreachedError(type(error).__name__) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            self._session.close()
