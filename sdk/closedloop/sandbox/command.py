"""`closedloop sandbox`: a Salesforce and a HubSpot on this machine alone, with a world in them."""

from __future__ import annotations

import json
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from closedloop.sandbox.collecting import without_collecting
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from types import FrameType

    from closedloop.sandbox.tls import Certificate
    from closedloop.sandbox.world.model import Step

PAGE_PORT, SALESFORCE_PORT, HUBSPOT_PORT = 4700, 4701, 4702
PEOPLE = 500
_PORT = click.IntRange(0, 65535)


def _receiver_url(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise click.BadParameter(f"{value} is no address: give one such as http://127.0.0.1:8080")
    return value


@click.command()
@click.option(
    "--people", type=click.IntRange(1), default=PEOPLE, show_default=True, help="How many live in the world."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which world to draw.")
@click.option("--empty", is_flag=True, help="No world: only what a new org and a new portal have.")
@click.option(
    "--port", type=_PORT, default=PAGE_PORT, show_default=True, help="The page's port; 0 takes a free one."
)
@click.option(
    "--salesforce-port", type=_PORT, default=SALESFORCE_PORT, show_default=True, help="The org's port."
)
@click.option(
    "--hubspot-port", type=_PORT, default=HUBSPOT_PORT, show_default=True, help="The portal's port."
)
@click.option("--only", type=click.Choice([crm.value for crm in CrmName]), help="Serve one of the two alone.")
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A YAML file with what goes wrong, and when.",
)
@click.option(
    "--webhooks",
    callback=_receiver_url,
    metavar="URL",
    help="Where both CRMs tell what sales decides; an address without a path is a Closed Loop server's.",
)
@click.option("--play", is_flag=True, help="Let sales go on deciding.")
@click.option(
    "--every",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    help="The seconds between two decisions.",
)
@click.option(
    "--https",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Speak HTTPS, with a new certificate that is put into this folder.",
)
@click.option(
    "--token",
    envvar="CLOSEDLOOP_SANDBOX_TOKEN",
    show_envvar=True,
    help="A word to make all secrets from, so that they are the same after a restart.",
)
@click.option("--json", "as_json", is_flag=True, help="Print addresses and secrets as one line of JSON.")
def sandbox(
    *,
    people: int,
    seed: int,
    empty: bool,
    port: int,
    salesforce_port: int,
    hubspot_port: int,
    only: str | None,
    faults: Path | None,
    webhooks: str | None,
    play: bool,
    every: float,
    https: Path | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Runs a Salesforce org and a HubSpot portal that other programs can use like the real ones.

    They listen on 127.0.0.1 and nothing of them is kept. Ctrl-C ends them.
    """
    with without_collecting():
        # Only who runs it waits for what it needs.
        from closedloop.sandbox.keys import Keys  # noqa: PLC0415
        from closedloop.sandbox.running import Ports, Running  # noqa: PLC0415
        from closedloop.sandbox.sheet import as_json as sheet_json  # noqa: PLC0415
        from closedloop.sandbox.sheet import as_text  # noqa: PLC0415

    if play and empty:
        raise click.UsageError("--play needs a world: leave --empty out")
    running = Running(
        keys=Keys(token or secrets.token_urlsafe(24)),
        ports=Ports(page=port, salesforce=salesforce_port, hubspot=hubspot_port),
        only=None if only is None else CrmName(only),
        people=None if empty else people,
        seed=seed,
        faults=faults,
        certificate=None if https is None else _certificate(https),
        webhooks=webhooks,
    )
    stopping = threading.Event()
    with _signals(lambda *_: stopping.set()), ExitStack() as opened:
        # While the world is made nobody looks at the event.
        with _signals(lambda *_: _give_up(stopping)):
            opened.enter_context(running)
        click.echo(json.dumps(sheet_json(running)) if as_json else f"{as_text(running)}\n\nCtrl-C ends it.")
        if play:
            running.play(every=every, told=lambda step: _tell(step, err=as_json))
        stopping.wait()
    click.echo("The sandboxes are stopped.", err=True)


def _certificate(folder: Path) -> Certificate:
    from closedloop.sandbox.tls import Certificate  # noqa: PLC0415 - it takes cryptography

    try:
        return Certificate.make(folder)
    except OSError as exc:
        raise click.BadParameter(f"cannot write into {folder}: {exc.strerror}", param_hint="--https") from exc


def _tell(step: Step, *, err: bool) -> None:
    done = step.move.value if step.move else "reason" if step.reason is not None else "touch"
    click.echo(
        " ".join(filter(None, ("played", done, step.subject, step.reason and f"({step.reason})"))), err=err
    )


def _give_up(stopping: threading.Event) -> None:
    # Where an exception is lost on its way, as in what a collected object leaves behind, the event stays.
    stopping.set()
    raise KeyboardInterrupt


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has Ctrl-C and SIGTERM call the handler."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
