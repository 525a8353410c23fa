"""`ecn dashboard`: links into the dashboard of a real controller."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ecn.cli import contexts
from tests.ecn.api.server import OPERATOR, VIEWER, Answer, Controller
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

LINK = re.compile(r"^(http://127\.0\.0\.1:\d+)/dashboard/#login=([\w-]{43})$", re.MULTILINE)


@pytest.fixture
def real() -> Iterator[RealApi]:
    with real_api() as running:
        running.log_in(OPERATOR)
        yield running


def exchanged(real: RealApi, token: str) -> Answer:
    async def work(controller: Controller) -> Answer:
        return await controller.as_(token).post("/session")

    return real.do(work)


@pytest.mark.parametrize(("token", "user"), [(OPERATOR, "otto"), (VIEWER, "vera")])
def test_the_link_lets_in_whoever_asked_for_it_once(real: RealApi, token: str, user: str) -> None:
    real.log_in(token)
    printed = run("dashboard")
    assert printed.exit_code == 0, printed.output
    found = LINK.search(printed.stdout)
    assert found is not None
    assert found[1] == real.controller.url
    assert "once" in printed.stderr
    assert exchanged(real, found[2]).is_good()["user"] == user
    exchanged(real, found[2]).is_problem(401, "bad-credentials")


def test_a_browser_is_led_there_past_the_list_of_processes(
    real: RealApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", open_)
    printed = run("dashboard", "--open")
    assert printed.exit_code == 0, printed.output
    found = LINK.search(printed.stdout)
    assert found is not None
    (url,) = opened
    assert found[2] not in url
    assert url.startswith("file://")
    page = Path(unquote(urlsplit(url).path))
    assert page.parent == contexts.config_path().parent
    assert page.stat().st_mode & 0o777 == 0o600
    assert f'url={found[0]}"' in page.read_text()
    exchanged(real, found[2]).is_good()


def test_where_no_browser_opens_the_link_is_there_all_the_same(
    real: RealApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    printed = run("dashboard", "--open")
    assert printed.exit_code != 0
    assert LINK.search(printed.stdout)
    assert "open the link above" in printed.stderr


def test_who_is_not_logged_in_gets_no_link(real: RealApi) -> None:
    real.log_in("nonsense")
    printed = run("dashboard")
    assert printed.exit_code != 0
    assert "login" in printed.stderr
    assert "#login=" not in printed.stdout


def test_a_link_is_never_written_into_the_log(real: RealApi) -> None:
    found = LINK.search(run("dashboard").stdout)
    assert found is not None

    async def all_of_it(controller: Controller) -> str:
        return str(await controller.network.events())

    assert found[2] not in real.do(all_of_it)
