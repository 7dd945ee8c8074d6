"""The HTTP session under a connection: one exchange at a time, whose failures are ours.

It has timeouts, verifies certificates, follows no redirect (a token must not travel on), keeps no cookies,
reads no ~/.netrc (which would replace the token), and honours the environment's proxies, but not for this
machine. It retries nothing: that is for those who know what may be repeated.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError, InvalidHeader, InvalidSchema, InvalidURL, ProxyError
from urllib3.exceptions import ConnectTimeoutError

from closedloop.crm import retry
from closedloop.crm.raw import Answer
from closedloop.crm.salesforce.credentials import is_loopback
from closedloop.crm.sockets import POOLS
from closedloop.errors import AnswerError, BadValueError, ClosedLoopError, CrmError, RetryableError

_CONNECTIONS = 32
"""Kept open per host: threads beyond that open one of their own."""

_UNSENT = frozenset({"no_connection", "out_of_time"})


class Session(requests.Session):
    """The connections to one org; `noted` is called with every answer, whatever its status."""

    def __init__(self, timeouts: tuple[float, float], noted: Callable[[Answer], None]) -> None:
        super().__init__()
        self._timeouts = timeouts
        self._noted = noted
        self.auth = lambda request: request
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", _Adapter(pool_maxsize=_CONNECTIONS))
        self.mount("http://", _Adapter(pool_maxsize=_CONNECTIONS))

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        body: bytes | Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request, whatever its status; a mapping as `body` is sent as a form.

        RetryableError when none came (`unsent` tells whether the request can have arrived), AnswerError for
        one that cannot be decompressed, BadValueError for what cannot be sent, CrmError for a certificate.
        """
        error: ClosedLoopError
        try:
            response = self.request(
                method, url, headers=headers, params=params, data=body, timeout=self._time_left()
            )
        except (requests.RequestException, ValueError) as failure:
            error = _ours(failure)
        else:
            answer = _answer(response)
            self._noted(answer)
            return answer
        # Not in the handler: the text of these failures holds addresses with whole queries in them.
        raise error

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(method, url, *args, **{**kwargs, "allow_redirects": False})

    def merge_environment_settings(self, url: Any, *args: Any, **kwargs: Any) -> Any:
        settings = super().merge_environment_settings(url, *args, **kwargs)
        return {**settings, "proxies": {}} if is_loopback(urlsplit(str(url)).hostname or "") else settings

    def reach(self, instance: str) -> None:
        """Lets a plain-http address of this machine be reached: the client library knows https only."""
        parts = urlsplit(instance)
        place = f"https://{parts.netloc}/"
        if parts.scheme == "http" and is_loopback(parts.hostname or "") and place not in self.adapters:
            self.mount(place, _PlainAdapter(pool_maxsize=_CONNECTIONS))

    def _time_left(self) -> tuple[float, float]:
        connecting, reading = (retry.remaining(most) for most in self._timeouts)
        if min(connecting, reading) <= 0:
            raise RetryableError("the time for this call was up before it was sent", reason="out_of_time")
        return connecting, reading


def unsent(error: CrmError) -> bool:
    """Whether a failed exchange surely did not reach the CRM."""
    return error.reason in _UNSENT


class _Adapter(HTTPAdapter):
    """Connections that keep to the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager


class _PlainAdapter(_Adapter):
    """Sends what the library addressed to https:// to http:// instead."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = "http" + (request.url or "").removeprefix("https")
        return super().send(request, *args, **kwargs)


def _answer(response: requests.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=response.content)


def _ours(failure: requests.RequestException | ValueError) -> ClosedLoopError:
    """Our error for one of requests'; names its kind only."""
    kind = type(failure).__name__
    if isinstance(failure, ContentDecodingError):
        return AnswerError(
            "the answer cannot be decompressed: check login_url and any proxy", reason="not_the_api"
        )
    if not isinstance(failure, requests.RequestException) or isinstance(
        failure, InvalidHeader | InvalidURL | InvalidSchema
    ):
        return BadValueError(
            f"the request cannot be sent as it is ({kind}): check its path, params and headers"
        )
    if _is_certificate(failure):
        return CrmError(
            "the certificate of Salesforce's address is not accepted: check login_url, and name the "
            "authority of a proxy that reads along in REQUESTS_CA_BUNDLE",
            reason="bad_certificate",
        )
    if isinstance(failure, ProxyError) or isinstance(_cause(failure), ConnectTimeoutError):
        return RetryableError(
            f"Salesforce cannot be reached ({kind}): check the network, any proxy and login_url",
            reason="no_connection",
        )
    return RetryableError(f"no answer from Salesforce ({kind}): check the network", reason="no_answer")


def _cause(failure: BaseException) -> object:
    """What urllib3 gave up over; a connection that was not made is always a ConnectTimeoutError."""
    first = failure.args[0] if failure.args else None
    return getattr(first, "reason", first)


def _is_certificate(failure: BaseException) -> bool:
    cause = _cause(failure)
    inner = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in (cause, inner))
