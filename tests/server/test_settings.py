"""The settings file: what it may say, how it says no, and that no secret stands in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import SettingsError
from closedloop.schema.vocabulary import AttributionModel, CrmName
from closedloop_server.settings import Settings, load_settings

KEY = "k" * 32

MINIMAL = """
public_url = "https://loop.example.com/"

[connections.sales]
crm = "salesforce"
organisation_id = "00D5g000004ABCD"
login_url = "https://example.my.salesforce.com"
access_token = {env = "SALES_TOKEN"}
webhook_secrets = [{env = "SALES_WEBHOOK"}, {file = "webhook-secret"}]
"""

HUBSPOT = """
[connections.marketing]
crm = "hubspot"
organisation_id = "26051000"
access_token = {file = "token"}
webhook_secrets = [{env = "APP_SECRET"}]
app_id = "777"
calls_per_10_seconds = 190
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALES_TOKEN", "123456")
    monkeypatch.setenv("SALES_WEBHOOK", "w1")
    monkeypatch.setenv("APP_SECRET", "a1")
    monkeypatch.setenv("KEY", KEY)
    (tmp_path / "webhook-secret").write_text("w2\n")
    (tmp_path / "token").write_text(" pat-123\n")
    return tmp_path


def load(folder: Path, text: str) -> Settings:
    path = folder / "closedloop.toml"
    path.write_text(text)
    return load_settings(path)


def test_a_minimal_file_gets_careful_defaults(folder: Path) -> None:
    settings = load(folder, MINIMAL)
    assert settings.public_url == "https://loop.example.com"
    assert settings.database_url == f"sqlite:///{folder / 'closedloop.db'}"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.attribution is AttributionModel.PRIMARY
    assert settings.mappings_directory is None
    (connection,) = settings.connections
    assert (connection.name, connection.crm) == ("sales", CrmName.SALESFORCE)
    assert connection.credentials == SalesforceCredentials(
        login_url="https://example.my.salesforce.com", access_token="123456"
    )
    assert connection.webhook_secrets == ("w1", "w2")


def test_everything_can_be_set(folder: Path) -> None:
    text = (
        'database = "postgresql+psycopg://loop@db/loop"\nsecret_key = {env = "KEY"}\nhost = "::1"\n'
        'attribution = "linear"\nmappings = "mine"\npoll_seconds = 60\nsettle_seconds = 0\nport = 0\n'
    )
    settings = load(folder, text + MINIMAL + HUBSPOT)
    assert (settings.database_url, settings.secret_key) == ("postgresql+psycopg://loop@db/loop", KEY)
    assert (settings.host, settings.port, settings.poll_seconds, settings.settle_seconds) == ("::1", 0, 60, 0)
    assert (settings.attribution, settings.mappings_directory) == (AttributionModel.LINEAR, folder / "mine")
    marketing = settings.connections[0]
    assert (marketing.name, marketing.app_id, marketing.webhook_secrets) == ("marketing", "777", ("a1",))
    assert marketing.credentials == HubSpotCredentials(access_token="pat-123", calls_per_10_seconds=190)


def test_every_way_in_that_lasts_can_be_set(folder: Path) -> None:
    (folder / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    jwt = (
        'client_id = "i"\nusername = "u@example.com"\nprivate_key = {file = "key.pem"}\ndaily_budget = 900\n'
    )
    credentials = (
        load(folder, MINIMAL.replace('access_token = {env = "SALES_TOKEN"}', jwt)).connections[0].credentials
    )
    assert credentials == SalesforceCredentials(
        login_url="https://example.my.salesforce.com", client_id="i", username="u@example.com",
        private_key="-----BEGIN PRIVATE KEY-----", daily_budget=900,
    )  # fmt: skip
    renewed = 'client_id = "i"\nclient_secret = {env = "APP_SECRET"}\nrefresh_token = {env = "SALES_WEBHOOK"}'
    credentials = (
        load(folder, MINIMAL.replace('access_token = {env = "SALES_TOKEN"}', renewed))
        .connections[0]
        .credentials
    )
    assert (credentials.refresh_token, credentials.client_secret) == ("w1", "a1")
    hubspot = HUBSPOT.replace('access_token = {file = "token"}', renewed)
    credentials = load(folder, MINIMAL + hubspot).connections[0].credentials
    assert credentials == HubSpotCredentials(
        client_id="i", client_secret="a1", refresh_token="w1", calls_per_10_seconds=190
    )


def test_a_secret_that_looks_like_a_number_stays_text(folder: Path) -> None:
    credentials = load(folder, MINIMAL).connections[0].credentials
    assert credentials.access_token == "123456"


def test_no_secret_shows_in_what_is_printed(folder: Path) -> None:
    printed = repr(load(folder, MINIMAL + HUBSPOT))
    assert not [secret for secret in ("123456", "w1", "w2", "a1", "pat-123") if f"'{secret}'" in printed]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("public_url", "pubic_url"), "pubic_url: Unknown field"),
        (('"https://loop.example.com/"', '"loop.example.com"'), "public_url: expected the address"),
        (('"https://loop.example.com/"', "1"), "public_url: Not a valid string (found 1)"),
        (
            ('crm = "salesforce"', 'crm = "siebel"'),
            "connections.sales.crm: expected one of salesforce, hubspot (found 'siebel')",
        ),
        (('crm = "salesforce"', ""), "connections.sales.crm: expected one of"),
        (("00D5g000004ABCD", "00D"), "connections.sales.organisation_id: expected 15 or 18 characters"),
        (
            ('{env = "SALES_TOKEN"}', '"secret-itself"'),
            "connections.sales.access_token: a secret is never written here",
        ),
        (
            ('{env = "SALES_TOKEN"}', '{env = "A", file = "B"}'),
            "connections.sales.access_token: a secret is never",
        ),
        (('{env = "SALES_TOKEN"}', '{env = "NOT_SET"}'), "Looked in the environment variable NOT_SET"),
        (
            ('{file = "webhook-secret"}', '{file = "not-there"}'),
            "webhook_secrets[1]: no secret found. Looked in the file",
        ),
        (("https://example.my", "http://example.my"), "connections.sales: login_url is plain http"),
        (("access_token = {env", "refresh_token = {env"), "connections.sales: refresh token lacks client_id"),
        (("access_token = {env", "private_key = {env"), "JWT bearer lacks client_id and username"),
        (("webhook_secrets", "daily_budget = 0\nwebhook_secrets"), "connections.sales.daily_budget: Must be"),
        (("webhook_secrets", 'password = "p"\nwebhook_secrets'), "connections.sales.password: Unknown field"),
        (("[connections.sales]", "[connections.Sales]"), "connections.Sales: a connection is named with a-z"),
        (
            ("[connections.sales]", "attribution = 'shapley'\n[connections.sales]"),
            "attribution: Must be one of: primary, first, last, linear (found 'shapley')",
        ),
        (
            ("[connections.sales]", "port = 99999\n[connections.sales]"),
            "port: Must be greater than or equal to 0 and less than or equal to 65535 (found 99999)",
        ),
        (("[connections.sales]", "poll_seconds = 0\n[connections.sales]"), "poll_seconds: Must be"),
        (("[connections.sales]", "database = 'nonsense://'\n[connections.sales]"), "of the kind 'nonsense'"),
        (
            ("[connections.sales]", "database = 'postgresql://loop@db/loop'\n[connections.sales]"),
            "secret_key is missing",
        ),
        (("[connections.sales]", "["), "is not TOML"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_is_wrong_is_named_with_the_file_the_key_and_what_is_allowed(
    folder: Path, change: tuple[str, str], expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(folder, MINIMAL.replace(*change))
    assert expected in caught.value.message
    assert str(folder) in caught.value.message
    assert "secret-itself" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["", 'public_url = "https://x.example"\n[connections]\n', MINIMAL + "\n[extra]\n"]
)
def test_a_file_without_what_is_needed_or_with_more_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"closedloop\.toml: "):
        load(folder, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the settings file .*nowhere\.toml: No such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_the_session_key_is_made_once_and_only_its_owner_can_read_it(folder: Path) -> None:
    first, again = load(folder, MINIMAL), load(folder, MINIMAL)
    assert first.secret_key == again.secret_key
    assert len(first.secret_key) >= 64
    kept = folder / "closedloop.secret-key"
    assert kept.read_text() == first.secret_key
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_key_file_that_could_not_be_written_whole_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(SettingsError, match="No space left"):
            load(folder, MINIMAL)
    assert not [*folder.glob("*secret-key*")]
    assert len(load(folder, MINIMAL).secret_key) >= 64


def test_two_processes_that_make_a_key_at_once_use_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(folder, MINIMAL)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # as it was when the second process looked
    assert load(folder, MINIMAL).secret_key == first.secret_key


def test_a_key_that_can_be_guessed_is_refused_and_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    with pytest.raises(SettingsError, match="secret_key has 7 characters, and 32 are needed") as caught:
        load(folder, 'secret_key = {env = "KEY"}\n' + MINIMAL)
    assert "hunter2" not in caught.value.message


def test_two_installations_do_not_share_a_session_key(folder: Path) -> None:
    one = load(folder, MINIMAL)
    other = load(folder, 'database = "other.db"\n' + MINIMAL)
    assert one.secret_key != other.secret_key
