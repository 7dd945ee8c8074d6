"""`closedloop rederive`: what the stored records become by other mappings, shown before anything changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import click

from closedloop.errors import MappingError
from closedloop.loop.attribution import CampaignKey
from closedloop.loop.dispositions import Decision
from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import OUTCOME_LABELS, REASONS, Outcome, ReasonCode
from closedloop_server.commands.serve import settings_option
from closedloop_server.pipeline.rederive import Change, Rederivation, rederive
from closedloop_server.pipeline.replay import repeat, replay
from closedloop_server.services import Services, connect_all
from closedloop_server.settings import load_settings
from closedloop_server.store import audit, versions
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.schema import upgrade

_SHORT = 12
"""How much of a version's name is shown, and enough to give."""


@click.command("rederive")
@settings_option
@click.option(
    "--mappings",
    "folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Judge by the mapping files of this folder.",
)
@click.option("--version", "version", help="Judge by a version that was used before; its first letters do.")
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files of these mappings into this folder.",
)
@click.option(
    "--list", "most", default=20, show_default=True, help="List so many of the records that change."
)
@click.option(
    "--apply", is_flag=True, help="Have the server judge everything again by the settings' mappings."
)
def command(
    *, path: Path, folder: Path | None, version: str | None, save: Path | None, most: int, apply: bool
) -> None:
    """Judges every stored lead and deal once more and shows what would be decided otherwise.

    Without --mappings and --version it judges by the mappings of the settings.
    """
    if folder and version:
        raise click.UsageError("give --mappings or --version, not both")
    with open_services(path) as services:
        mappings = _mappings(services, folder, version)
        if save is not None:
            _save(save, mappings)
        with reading(services.engine) as connection:
            found = rederive(
                connection,
                mappings,
                present=services.mappings,
                names=services.crms,
                model=services.settings.attribution,
            )
        for line in _report(services, mappings, found, most):
            click.echo(line)
        if apply:
            _apply(services, mappings)


@contextmanager
def open_services(path: Path) -> Iterator[Services]:
    """The services of these settings, the tables up to date. No CRM is called."""
    settings = load_settings(path)
    mappings = load_mappings(settings.mappings_directory)
    services = Services(
        engine=open_engine(settings.database_url),
        settings=settings,
        mappings=mappings,
        crms=connect_all(settings, mappings),
    )
    try:
        upgrade(services.engine)
        yield services
    finally:
        services.engine.dispose()


def _mappings(services: Services, folder: Path | None, version: str | None) -> Mappings:
    try:
        if folder is not None:
            return load_mappings(folder)
        return services.mappings if version is None else _used_before(services, version)
    except MappingError as error:
        raise click.ClickException(str(error)) from error


def _used_before(services: Services, start: str) -> Mappings:
    with reading(services.engine) as connection:
        kept = versions.all_of(connection)
        found = [each.name for each in kept if each.name.startswith(start)]
        mappings = versions.load(connection, found[0]) if len(found) == 1 else None
    if mappings is None:
        known = ", ".join(f"{each.name[:_SHORT]} (since {each.first_used_at:%Y-%m-%d})" for each in kept)
        raise click.ClickException(
            f"{len(found) or 'no'} versions of the mappings begin with {start!r}, expected one of those that"
            f" were used: {known or 'none was'}"
        )
    return mappings


def _save(folder: Path, mappings: Mappings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in mappings.files.items():
        # As bytes: the version is the digest of the files as they are.
        (folder / name).write_bytes(text.encode())
    click.echo(f"The files of version {mappings.version[:_SHORT]} are in {folder}.")


def _report(services: Services, mappings: Mappings, found: Rederivation, most: int) -> Iterator[str]:
    yield f"Judged {found.judged} leads and deals by version {mappings.version[:_SHORT]} of the mappings."
    if mappings.version != services.mappings.version:
        yield f"The settings have version {services.mappings.version[:_SHORT]}."
    if found.unreadable:
        yield f"{len(found.unreadable)} records cannot be read by these mappings, and are judged as they are."
    if not found.changes:
        yield "Nothing would change."
        return
    yield f"{len(found.changes)} of them would be decided or credited otherwise:"
    yield from _reasons(found.reasons)
    yield from _credits(services, found.credits)
    yield from _changes(found.changes, most)


def _reasons(reasons: Mapping[tuple[Outcome, ReasonCode | None], tuple[int, int]]) -> Iterator[str]:
    if reasons:
        yield "\nDecisions\tnow\tthen"
    for line, (now, then) in sorted(reasons.items(), key=lambda item: str(item[0])):
        yield f"{_words(*line)}\t{now}\t{then}"


def _credits(
    services: Services,
    credits_: Mapping[tuple[CampaignKey | None, Outcome, ReasonCode | None], tuple[Decimal, Decimal]],
) -> Iterator[str]:
    if credits_:
        yield f"\nCredit ({services.settings.attribution})\tnow\tthen"
    for (campaign, outcome, reason), (now, then) in sorted(credits_.items(), key=lambda item: str(item[0])):
        where = f"{campaign.connection}:{campaign.id}" if campaign else "no campaign"
        yield f"{where}, {_words(outcome, reason)}\t{now:f}\t{then:f}"


def _changes(changes: tuple[Change, ...], most: int) -> Iterator[str]:
    yield "\nRecords"
    for change in changes[:most]:
        key = change.subject
        yield f"{key.connection} {key.object} {key.id}: {_decided(change.before)} -> {_decided(change.after)}"
    if len(changes) > most:
        yield f"… and {len(changes) - most} more: --list {len(changes)} shows them all"


def _decided(decision: Decision | None) -> str:
    return "undecided" if decision is None else _words(decision.outcome, decision.reason)


def _words(outcome: Outcome, reason: ReasonCode | None) -> str:
    label = OUTCOME_LABELS[outcome]
    return label if reason is None else f"{label}, {REASONS[reason].label}"


def _apply(services: Services, mappings: Mappings) -> None:
    if mappings.version != services.mappings.version:
        raise click.ClickException(
            "these are not the mappings of the settings, by which the server judges: name their folder as"
            " mappings_directory in the settings first (--save writes an older version into a folder)"
        )
    replay(services)
    repeat(services)
    with writing(services.engine) as connection:
        audit.note(
            connection,
            who=audit.COMMAND_LINE,
            action="mappings.rederive",
            target=mappings.version,
            now=services.clock(),
        )
    click.echo("Noted. The ledger takes in what differs as new entries once the server is restarted.")
