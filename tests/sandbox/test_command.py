"""`closedloop sandbox`: what it starts, what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

import closedloop
from closedloop import cli
from closedloop.errors import SettingsError
from closedloop.sandbox import command
from closedloop.sandbox import running as running_module
from closedloop.sandbox.command import sandbox
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.keys import Keys
from closedloop.sandbox.running import Ports, Running
from closedloop.sandbox.sheet import as_json, as_text
from closedloop.schema.vocabulary import CrmName
from closedloop_server.settings import load_settings

RUN = "from closedloop.sandbox.command import sandbox; sandbox()"
ANY_PORT = ["--port", "0", "--salesforce-port", "0", "--hubspot-port", "0"]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running(keys=Keys("word"), people=20, webhooks="http://127.0.0.1:1/") as both:
        yield both


def pasted(running: Running, client: str) -> list[str]:
    """The lines for a client, for Salesforce and then for HubSpot."""
    return re.findall(rf"^    {client}\n(?:        from .*\n)?        (.*)$", as_text(running), re.MULTILINE)


def test_it_runs_until_it_is_interrupted() -> None:
    line = [sys.executable, "-c", RUN, "--json", "--empty", *ANY_PORT]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        sheet = json.loads(process.stdout.readline())
        for address in (sheet["page"], f"{sheet['salesforce']['url']}/services/data"):
            assert requests.get(address, timeout=10).status_code == 200
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=20)
    assert (process.returncode, rest, told) == (0, "", "The sandboxes are stopped.\n")


@pytest.mark.parametrize("place", [0, 1], ids=["salesforce", "hubspot"])
def test_what_is_to_be_pasted_for_the_sdk_connects(running: Running, place: int) -> None:
    with eval(pasted(running, "closedloop")[place], {"closedloop": closedloop}) as crm:  # noqa: S307 - our own
        assert list(crm.campaigns.list())


def test_what_is_to_be_pasted_for_the_vendors_clients_works(running: Running) -> None:
    import hubspot
    import simple_salesforce.api

    from closedloop.testing.detour import Detour

    names = {"Salesforce": simple_salesforce.api.Salesforce, "Detour": Detour, "HubSpot": hubspot.HubSpot}
    client = eval(pasted(running, "simple-salesforce")[0], names)  # noqa: S307
    assert client.query("SELECT Id FROM Campaign LIMIT 1")["totalSize"] == 1
    client.session.close()
    portal = eval(pasted(running, "hubspot-api-client")[0], names)  # noqa: S307
    assert portal.crm.contacts.basic_api.get_page(limit=1).results


def test_what_is_to_be_pasted_for_the_shell_answers(running: Running) -> None:
    lines = pasted(running, "curl")
    assert len(lines) == 2
    for line in lines:
        _, _, header, address = shlex.split(line)
        name, _, value = header.partition(": ")
        answer = requests.get(address, headers={name: value}, timeout=10)
        assert answer.status_code == 200, answer.text


def test_what_is_to_be_pasted_for_the_server_are_settings(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, rest = as_text(running).partition("In closedloop.toml, for `closedloop serve`\n")
    lines, _, shell = rest.partition("\n\n")
    file = tmp_path / "closedloop.toml"
    file.write_text(lines)
    assert set(tomllib.loads(file.read_text())["connections"]) == {"salesforce", "hubspot"}
    for name, value in re.findall(r"export (\w+)=(\S+)", shell):
        monkeypatch.setenv(name, value)
    settings = load_settings(file)
    assert (settings.public_url, settings.port) == ("http://127.0.0.1:1", 1)
    hubspot, salesforce = settings.connections
    assert (salesforce.name, salesforce.webhook_secrets) == ("salesforce", (running.webhook_secret,))
    assert hubspot.name == "hubspot"


def test_every_secret_is_for_programs_too(running: Running) -> None:
    sheet = as_json(running)
    assert all(address in as_text(running) for address in sheet["webhooks"].values())
    assert sheet["world"] == {"people": 20, "seed": 1}
    assert sheet["webhooks"] == {
        "salesforce": f"http://127.0.0.1:1/webhooks/salesforce/salesforce/{running.webhook_secret}",
        "hubspot": "http://127.0.0.1:1/webhooks/hubspot/hubspot",
    }
    form = {"grant_type": "password", **sheet["salesforce"]}
    form["password"] += form["security_token"]
    address = f"{form.pop('url')}/services/oauth2/token"
    assert requests.post(address, data=form, timeout=10).json()["access_token"]
    form = {"grant_type": "refresh_token", **sheet["hubspot"]}
    address = f"{form['url']}/oauth/v1/token"
    assert requests.post(address, data=form, timeout=10).json()["access_token"]


def test_a_word_makes_the_same_secrets_again_and_another_makes_others() -> None:
    def secrets(word: str) -> Any:
        with Running(keys=Keys(word)) as both:
            sheet = as_json(both)
        return [sheet[crm] | {"url": ""} for crm in ("salesforce", "hubspot")]

    first, again, other = secrets("one"), secrets("one"), secrets("two")
    assert first == again
    assert all(a["access_token"] != b["access_token"] for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("only", CrmName)
def test_one_alone_may_be_served_and_played(only: CrmName) -> None:
    told, enough = [], threading.Event()

    def tell(step: Any) -> None:
        told.append(step)
        if len(told) == 3:
            enough.set()

    with Running(keys=Keys("word"), only=only, people=60) as one:
        assert {"salesforce", "hubspot"} & set(as_json(one)) == {only.value}
        assert f"[connections.{only.value}]" in as_text(one)
        one.play(every=0, told=tell)
        assert enough.wait(10)


def test_a_receiver_hears_what_happens_in_both() -> None:
    heard: dict[str, threading.Event] = {"/crm": threading.Event()}

    def receive(environ: Any, start: Any) -> list[bytes]:
        heard[environ["PATH_INFO"]].set()
        start("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    server = LocalServer(receive)
    with server, Running(keys=Keys("word"), webhooks=f"{server.url}/crm") as both:
        assert both.salesforce is not None
        both.salesforce.org.insert("Lead", {"LastName": "Meyer", "Company": "Acme"})
        assert heard["/crm"].wait(10)
        both.salesforce.org.outbound.stop()
        heard["/crm"].clear()
        assert both.hubspot is not None
        contact = both.hubspot.portal.create("contacts", {"email": "meyer@example.com"})
        lead = {"hs_lead_name": "Meyer"}
        both.hubspot.portal.create("leads", lead, associations=[("contacts", contact)])
        assert heard["/crm"].wait(10)


def test_nothing_can_be_played_in_empty_sandboxes() -> None:
    with (
        Running(keys=Keys("word")) as empty,
        pytest.raises(SettingsError, match="nothing can be played"),
    ):
        empty.play(every=0, told=print)


def test_a_port_that_is_taken_is_named_and_nothing_is_left_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is in use: stop what uses it") as caught:
            Running(keys=Keys("word"), ports=Ports(hubspot=port)).__enter__()
    assert caught.value.reason == "port_taken"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "70000 is not in the range"),
        (["--people", "0"], "0 is not in the range"),
        (["--people", "3", "--only", "zoho"], "'zoho' is not one of 'salesforce', 'hubspot'"),
        (["--faults", "none.yaml"], "File 'none.yaml' does not exist"),
        (["--webhooks", "127.0.0.1:8080"], "127.0.0.1:8080 is no address: give one such as"),
        (["--webhooks", "http://[x"], "is no address"),
        (["--empty", "--play"], "--play needs a world: leave --empty out"),
        (["--every", "-1"], "-1.0 is not in the range"),
        (["--https", __file__], "is a file"),
    ],
    ids=lambda value: "-".join(value[:2]).replace("/", "") if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], message: str) -> None:
    arguments = [each if each != __file__ else str(Path(__file__)) for each in arguments]
    result = CliRunner().invoke(sandbox, [*ANY_PORT, *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_plan_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("rules:\n  - fault: reset\n    probability: 2\n")
    result = CliRunner().invoke(sandbox, [*ANY_PORT, "--empty", "--faults", str(file)])
    assert isinstance(result.exception, SettingsError)
    assert f"{file}:3: rules[0].probability: must be a number from 0 to 1" in result.exception.message


def test_it_speaks_https_with_a_certificate_that_clients_can_trust(tmp_path: Path) -> None:
    from closedloop.sandbox.tls import Certificate

    with Running(keys=Keys("word"), certificate=Certificate.make(tmp_path)) as both:
        sheet = as_json(both)
        assert f"Clients have to trust\n    {sheet['trust']}" in as_text(both)
        address = f"{sheet['salesforce']['url']}/services/data"
        assert requests.get(address, verify=sheet["trust"], timeout=10).status_code == 200


def test_everything_may_be_asked_for_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def at_once(handler: Any) -> Iterator[None]:
        with suppress(KeyboardInterrupt):
            handler(signal.SIGINT, None)
        yield

    monkeypatch.setattr(command, "_signals", at_once)
    plan = tmp_path / "faults.yaml"
    plan.write_text("rules: [{fault: latency, seconds: 1ms}]\n")
    wishes = ["--people", "40", "--seed", "3", "--play", "--faults", str(plan), "--https", str(tmp_path)]
    result = CliRunner().invoke(sandbox, [*ANY_PORT, *wishes, "--token", "word"])
    assert result.exit_code == 0, result.output
    assert Keys("word").hubspot()["access_token"] in result.output
    assert "https://127.0.0.1" in result.output
    assert re.search(r"^played \w+", result.output, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nobody_waits_for_a_world_that_is_not_wanted_any_more(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(running_module, "fill", lambda *_, **__: signal.raise_signal(number))
    result = CliRunner().invoke(sandbox, ANY_PORT)
    assert (result.exit_code, result.output) == (1, "\nAborted!\n")
    assert signal.getsignal(number) is before


def test_the_faults_are_changed_while_it_runs() -> None:
    with Running(keys=Keys("word")) as both, requests.Session() as session:
        sheet = as_json(both)
        assert sheet["faults"] in as_text(both)

        def statuses() -> list[int]:
            paths = (
                f"{sheet['salesforce']['url']}/services/data",
                f"{sheet['hubspot']['url']}/crm/v3/owners",
            )
            return [session.get(path, timeout=10).status_code for path in paths]

        plan = {"seed": 7, "rules": [{"fault": "unavailable", "name": "down"}]}
        assert session.put(sheet["faults"], json=plan, timeout=10).status_code == 200
        assert statuses() == [503, 503]
        state = session.get(sheet["faults"], timeout=10).json()
        for crm in ("salesforce", "hubspot"):
            assert (state[crm]["seed"], state[crm]["rules"]) == (7, {"down": {"matched": 1, "struck": 1}})
            assert [entry["rule"] for entry in state[crm]["log"]] == ["down"]
        assert session.delete(sheet["faults"], timeout=10).status_code == 204
        assert statuses() == [200, 401]
        assert session.get(sheet["page"], timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"method": "PUT", "data": b"{"}, 400, "must be a plan as a JSON object"),
        ({"method": "PUT", "json": {"rules": [{"fault": "rest"}]}}, 400, "did you mean `reset`?"),
        ({"method": "POST"}, 405, "Use GET, PUT or DELETE"),
        ({"method": "GET", "headers": {"Host": "example.com:80"}}, 403, "only to programs on this machine"),
    ],
    ids=["no json", "no plan", "method", "host"],
)
def test_a_wrong_change_of_the_faults_is_refused(
    running: Running, request_: dict[str, Any], status: int, message: str
) -> None:
    answer = requests.request(url=as_json(running)["faults"], timeout=10, **request_)
    assert answer.status_code == status
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--help"], r"sandbox +Needs more than the library: pip install"),
        (
            ["sandbox"],
            r"closedloop: this needs waitress, which is not installed: pip install \"closedloop\[all\]\"",
        ),
    ],
    ids=["listed", "called"],
)
def test_a_command_that_lacks_a_package_says_what_to_install(
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lacking(_: EntryPoint) -> None:
        raise ModuleNotFoundError("No module named 'waitress'", name="waitress")

    monkeypatch.setattr(EntryPoint, "load", lacking)
    monkeypatch.setattr(sys, "argv", ["closedloop", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        cli.main()
    assert re.search(told, "".join(capsys.readouterr()))
