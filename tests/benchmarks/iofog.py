"""Requests per second of ioFog's API, ours beside the original Controller's in the same run.

Run `python -m tests.benchmarks.iofog URL`, alone on the machine, where URL is a running original
Controller 3.0.4 (http://127.0.0.1:51121) that may be written to. Ours is started here, on an
embedded Postgres. Both get a user, 100 nodes and an agent that has been provisioned; then wrk asks
each of them in turns, over so many connections that are kept open. Look at the ratios.

`--connections N` and `--seconds S` change how many and for how long, `--rounds N` how often.
How long the Controller's own tests wait for answers: `scripts/conformance CHECKOUT --original`.
"""

import argparse
import asyncio
import json
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp

from tests.benchmarks.baselines import Missing
from tests.ecn.controller_process import ControllerProcess
from tests.iofog.java_agent import JavaAgent

NODES = 100
CONNECTIONS = 16
SECONDS = 3.0
ROUNDS = 5
PATH = "/api/v3"


class Prepared(NamedTuple):
    """A controller with the network to measure."""

    url: str
    user: str
    """Their token."""
    agent: str
    """Its token."""


async def prepare(url: str) -> Prepared:
    """A user, so many nodes, and an agent to which nothing is to be told."""
    name = f"bench-{secrets.token_hex(4)}"
    user = {"email": f"{name}@ecn.example", "password": f"aB1-{secrets.token_hex(8)}"}
    async with aiohttp.ClientSession() as session:

        async def ask(method: str, path: str, body: object = None, token: str = "") -> str:
            headers = {"Authorization": token} if token else {}
            async with session.request(method, url + PATH + path, json=body, headers=headers) as r:
                said = await r.text()
                assert r.status in (200, 201), f"{method} {path}: {r.status} {said}"
                return said

        await ask("POST", "/user/signup", {"firstName": "Ben", "lastName": "Chmark", **user})
        token = str(json.loads(await ask("POST", "/user/login", user))["accessToken"])
        for number in range(NODES):
            node = {
                "name": f"{name}-{number}",
                "fogType": 1,
                "host": f"10.0.0.{number}",
                "routerMode": "interior",
                "upstreamRouters": [],
                "messagingPort": 5672,
                "edgeRouterPort": 56721,
                "interRouterPort": 56722,
            }
            made = json.loads(await ask("POST", "/iofog", node, token))["uuid"]
        key = json.loads(await ask("GET", f"/iofog/{made}/provisioning-key", None, token))["key"]
        agent = JavaAgent(session, url + PATH)
        await agent.provision(key)
        await agent.poll()
        await agent.poll()
        return Prepared(url, token, agent.token)


def wrk(url: str, token: str, connections: int, seconds: float) -> float:
    """Good answers per second. Errors: Missing; RuntimeError when an answer was none."""
    options = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "60s"]
    options += ["-H", f"Authorization: {token}"]
    try:
        done = subprocess.run(["wrk", *options, url], capture_output=True, text=True, check=True)
    except FileNotFoundError as e:
        raise Missing("wrk is missing: apt-get install wrk") from e
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    return float(rate[1])


def in_pairs(
    what: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> None:
    """Measure one after the other; print the median of the ratios and the span."""
    ours(), theirs()  # the first requests pay for what the next ones find warm
    pairs = [(theirs(), ours()) for _ in range(rounds)]
    ratios = sorted(mine / other for other, mine in pairs)
    sys.stdout.write(
        f"{what}: {median(ratios):6.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f}; "
        f"{median(mine for _, mine in pairs):.0f}/s against "
        f"{median(other for other, _ in pairs):.0f}/s)\n"
    )
    sys.stdout.flush()


def compare(ours: Prepared, theirs: Prepared, chosen: argparse.Namespace) -> None:
    """All in turns, and the ratios."""

    few = max(1, chosen.connections // 4)
    for what, path, by_agent, connections, seconds in (
        ("agent/config/changes", "/agent/config/changes", True, chosen.connections, 1),
        # The original needs seconds for one answer: with many at once, a run would count few.
        (f"iofog-list of {NODES}", "/iofog-list?system=false", False, few, 2),
    ):
        wanted = (path, by_agent, connections, seconds * chosen.seconds)

        def rate(of: Prepared, wanted: tuple[str, bool, int, float] = wanted) -> float:
            path, by_agent, connections, seconds = wanted
            token = of.agent if by_agent else of.user
            return wrk(of.url + PATH + path, token, connections, seconds)

        in_pairs(
            f"{what:20} at {connections:2}, ours by the original's",
            lambda rate=rate: rate(ours),  # type: ignore[misc]
            lambda rate=rate: rate(theirs),  # type: ignore[misc]
            chosen.rounds,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o711)  # the account that runs Postgres must get through
        process = ControllerProcess(Path(name) / "data", "--open-signup")
        process.start()
        try:
            theirs = asyncio.run(prepare(chosen.url.rstrip("/")))
            compare(asyncio.run(prepare(process.url)), theirs, chosen)
        except Missing as e:
            sys.exit(str(e))
        finally:
            process.end()


if __name__ == "__main__":
    main()
