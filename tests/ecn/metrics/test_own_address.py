"""`ecn controller --metrics`: the whole process, and scrapers without a token."""

from pathlib import Path

import aiohttp
import pytest

from tests.ecn.controller_process import ControllerProcess
from tests.metrics_page import documented, own_names, samples
from tests.ports import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.system]


async def test_a_controller_serves_them_where_it_is_told_to(
    postgres_dsn: str, open_folder: Path
) -> None:
    port = free_port()
    database = {"ECN_DATABASE_URL": postgres_dsn}
    where = ("--metrics", f"127.0.0.1:{port}")
    controller = ControllerProcess(open_folder / "one", *where, environment=database)
    try:
        controller.start()
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            found = samples(await answer.text())
        # Of routes there are none to tell of.
        known = {name for name in documented("Controller") if not name.startswith("ecn_route_")}
        assert known - own_names(found) <= {"ecn_views_lag_events", "ecn_interior_router"} | {
            name for name in known if name.startswith("ecn_http_")
        }
        assert found["ecn_log_position", ()] > 0
        assert found["ecn_commands_total", (("outcome", "done"),)] > 0
        # All controllers of a network have the same master key.
        folder = open_folder / "two"
        folder.mkdir(mode=0o700)
        key = folder / "master.key"
        key.write_bytes((controller.data / key.name).read_bytes())
        key.chmod(0o600)
        rival = ControllerProcess(folder, *where, environment=database)
        assert f"can't serve metrics on 127.0.0.1:{port}" in rival.refused()
    finally:
        controller.end()
