"""`closedloop demo`: a market, two CRMs and the loop between them, on this machine alone."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path

import click

from closedloop.sandbox.world import World
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.progress import ProgressLine
from closedloop_server.demo.result import Result
from closedloop_server.demo.run import run
from closedloop_server.demo.scene import Scene

_WEEKS = timedelta(days=20)
"""How long ago the script begins; it is over before today."""


def _writable(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuses a file that cannot be written before anything has run; an existing one is left as it is."""
    if value is None or value == "-":
        return value
    try:
        with Path(value).open("a", encoding="utf-8"):
            return value
    except OSError as exc:
        raise click.BadParameter(
            f"cannot write {value}: {exc.strerror}. Name a file you may write, or -"
        ) from exc


@click.command()
@click.option(
    "--once", is_flag=True, help="End after the comparison; exit code 1 when anything does not match."
)
@click.option("--seed", default=1, show_default=True, help="Which market to draw.")
@click.option(
    "--decisions",
    default=400,
    show_default=True,
    type=click.IntRange(1, 20000),
    help="How many decisions sales makes.",
)
@click.option(
    "--model",
    default=AttributionModel.PRIMARY.value,
    show_default=True,
    type=click.Choice([model.value for model in AttributionModel]),
    help="The attribution model that the campaigns show.",
)
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    help="The port of the pages; 0, the default, takes a free one.",
)
@click.option(
    "--json", "file", callback=_writable, help="Write the result to this file; - for standard output."
)
def demo(*, once: bool, seed: int, decisions: int, model: str, port: int, file: str | None) -> None:
    """Shows the whole loop at work on a drawn market: sales decides in Salesforce and HubSpot, and the
    campaigns in both say what became of their people, and why.

    Everything stays on this machine, and nothing of it is kept.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to end
    start = datetime.now(UTC) - _WEEKS
    world = World.from_seed(seed, decisions=decisions, start=start)
    scene = Scene(world=world, model=AttributionModel(model), port=port, clock=DemoClock(world.start))
    # With the JSON on standard output, everything for people goes to the other stream.
    aside = file == "-"
    with _ended_by_sigterm(), scene:
        result = run(scene, ProgressLine(sys.stderr if aside else sys.stdout))
        for line in result.to_lines():
            click.echo(line, err=aside)
        _write(result, file)
        if once:
            sys.exit(1 if result.mismatches else 0)
        token = scene.make_token()
        _wait(
            f"\nLook at it: {scene.login_url(token)}\nThe link works once; this token always does: {token}\n"
            "Ctrl-C ends it.",
            err=aside,
        )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Has SIGTERM end the demo as Ctrl-C does: with everything stopped, and nothing left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(result: Result, file: str | None) -> None:
    if file is None:
        return
    to_stdout = file == "-"
    text = json.dumps(result.to_json(), indent=2, ensure_ascii=to_stdout)
    if to_stdout:
        click.echo(text)
    else:
        Path(file).write_text(f"{text}\n", encoding="utf-8")


def _wait(message: str, *, err: bool) -> None:
    """Says so and returns on Ctrl-C."""
    try:
        click.echo(message, err=err)
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("", err=True)
