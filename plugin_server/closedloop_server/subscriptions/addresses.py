"""Which addresses may be told: those that the internet reaches, and the networks that the settings allow.

A subscriber's address comes from an admin and its name from somebody's DNS. Neither may lead a request of
ours to the machine itself, to its neighbours or to a cloud's metadata service, in whatever form it is
written.
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from closedloop_server.subscriptions.settings import Network

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in (
        "100.64.0.0/10",  # shared by the customers of a carrier; Alibaba's metadata service
        "168.63.129.16/32",  # Azure's own services, at a public address
        "192.0.0.0/24",  # Oracle's metadata service among others
        "192.88.99.0/24",  # once the relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "::/96",  # IPv4 in a form that was given up
        "64:ff9b:1::/48",  # NAT64 within one site
        "100::/64",  # discarded
        "2001::/23",  # Teredo and other experiments
        "fec0::/10",  # site-local, given up
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def may_be_told(text: str, allowed: Iterable[Network]) -> bool:
    """Whether a request may go to this IP address, as a resolver gives it."""
    try:
        address = _plain(ipaddress.ip_address(text))
    except ValueError:
        return False
    return is_allowed(text, allowed) or _is_public(address)


def is_allowed(text: str, allowed: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks that the settings name."""
    try:
        address = _plain(ipaddress.ip_address(text))
    except ValueError:
        return False
    return any(address in network for network in allowed)


def _is_public(address: Address) -> bool:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    return address.is_global and not special and not any(address in network for network in _NEVER)


def _plain(address: Address) -> Address:
    """The address that is meant: an IPv4 address within an IPv6 one leads to that IPv4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
