"""The children of `ecn up` and what goes on between them: start, set up, keep running, stop.

Both have a lifeline (`children.py`); what has to be set up goes through the API like anybody's
wish (`local_network.py`).
"""

import asyncio
import sys
import time
from pathlib import Path

import click
from msgspec import Struct

from ecn.cli import child_log
from ecn.cli.child_log import LogFile
from ecn.cli.children import Child, ended
from ecn.cli.client import client_of
from ecn.cli.errors import CliError, printable
from ecn.cli.local_network import keep_context, key_for, read_admin, working_token
from ecn.cli.output import note

READY_WITHIN = 120.0
"""Seconds for a first start, which makes a database, on a slow device."""
ONLINE_WITHIN = 15.0
"""Seconds that the summary waits for the agent. It comes online later, too."""
PROVISION_WITHIN = 60.0
AGENT_STOPS_WITHIN = 15.0
CONTROLLER_STOPS_WITHIN = 40.0
"""More than the controller gives itself: it stops its Postgres."""

DEPROVISIONED = 3
"""How `ecn agent run` ends when its node was taken from it."""
GIVEN_UP = (
    "this machine's node was deprovisioned: its containers are gone, and the agent has ended. "
    "ecn up makes it a node again when it is started anew."
)


class Plan(Struct, frozen=True):
    """What was asked for."""

    url: str
    listen: str
    data: Path
    database_url: str | None
    open_signup: bool
    broker: Path | None
    node: str
    agent: bool
    verbose: bool


class Network:
    """The two children, and what goes on between them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ready = asyncio.Event()
        self._heard = True
        """The controller is getting somewhere on its way to be ready."""
        self._quiet = not plan.verbose
        environment = {"PYTHONUNBUFFERED": "1"}
        if plan.open_signup:
            environment["ECN_OPEN_SIGNUP"] = "1"
        if plan.broker is not None:
            environment["ECN_BROKER"] = str(plan.broker)
        if plan.database_url:
            environment["ECN_DATABASE_URL"] = plan.database_url
        self._controller = self._child(
            "controller",
            [
                "controller",
                "--listen",
                plan.listen,
                "--data",
                str(plan.data),
                "--lifeline",
                "--log-format",
                "json",
            ],
            environment,
        )
        self._agent = self._child(
            "agent",
            ["agent", "run", "--data", str(self._agent_data), "--lifeline"],
            {"PYTHONUNBUFFERED": "1"},
        )

    @property
    def _agent_data(self) -> Path:
        return self._plan.data / "agent"

    async def run(self) -> None:
        """Everything, without end. Errors: CliError when the first start fails."""
        first = read_admin(self._plan.data) is None
        started = time.monotonic()
        await self._controller.start()
        await self._until_ready()
        token = await working_token(self._plan.url, self._plan.data)
        context = (
            self._context(token) if token else f"nobody is logged in: ecn login {self._plan.url}"
        )
        state = ""
        if self._plan.agent:
            state = await self._start_agent(token)
        seconds = time.monotonic() - started
        self._summary(first=first, context=context, node=state, seconds=seconds)
        # From here on, what is loud is shown.
        self._quiet = False
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._controller.keep())
            if self._plan.agent and state:
                tasks.create_task(self._agent.keep())

    async def stop(self) -> None:
        """The agent first: it says goodbye to the controller. Then the controller."""
        self._quiet = True
        await self._agent.stop(AGENT_STOPS_WITHIN)
        await self._controller.stop(CONTROLLER_STOPS_WITHIN)

    async def _until_ready(self) -> None:
        """Until our controller says so itself: another one may answer at that address."""
        ready = asyncio.create_task(self._ready.wait())
        over = asyncio.create_task(self._controller.wait())
        try:
            done: set[asyncio.Task[object]] = set()
            while not done and self._heard:
                self._heard = False  # a long log is read for longer, and says so all the time
                done, _ = await asyncio.wait(
                    {ready, over}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            ready.cancel()
            over.cancel()
        if self._ready.is_set():
            async with client_of(self._plan.url, "") as client:
                await client.status()
            return
        what = f"is not ready after {READY_WITHIN:g} s"
        if over.done() and not over.cancelled():
            what = f"did not start ({ended(over.result())})"
        log = self._controller.log
        next_step = f"its log is {log.path}"
        told = [line.removeprefix("error: ") for line in log.tail if line.startswith("error: ")]
        if told:  # it could say it in a sentence: no more words are needed
            raise CliError(told[-1], next_step=next_step)
        tail = "\n".join("  " + child_log.readable("", line).strip() for line in log.tail)
        raise CliError(f"the controller {what}. It said:\n{tail}", next_step=next_step)

    def _context(self, token: str) -> str:
        try:
            return keep_context(self._plan.url, self._plan.data, token)
        except (CliError, OSError) as e:
            return f"no context was written ({e}): ecn login {self._plan.url}"

    async def _start_agent(self, token: str) -> str:
        """Make it our node if it is not, and start it. Returns the node's state, "" without."""
        if not token:
            if (self._agent_data / "identity.json").exists():
                await self._agent.start()
                return "as it was"
            note("no agent is started: nobody left an administrator's token to register it with")
            return ""
        async with client_of(self._plan.url, token) as client:
            key = await key_for(client, self._plan.node, self._agent_data, self._plan.url)
            if key:
                await self._provision(key)
            await self._agent.start()
            deadline = time.monotonic() + ONLINE_WITHIN
            while True:
                node = await client.node(self._plan.node)
                if node.state == "online" or time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.1)
        problem = f", but: {node.facts.engine_problem}" if node.facts.engine_problem else ""
        return f"{node.state}{problem}"

    async def _provision(self, key: str) -> None:
        """The key goes by the environment: arguments can be read by everybody."""
        child = self._child(
            "provisioning",
            ["agent", "provision", "--controller", self._plan.url, "--data", str(self._agent_data)],
            {"ECN_PROVISIONING_KEY": key},
        )
        await child.start()
        try:
            async with asyncio.timeout(PROVISION_WITHIN):
                code = await child.wait()
        except TimeoutError:
            code = 1
        finally:
            await child.stop(1.0)
        if code:
            said = "\n".join(child.log.tail)
            raise CliError(f"this machine could not become node {self._plan.node}:\n{said}")

    def _summary(self, *, first: bool, context: str, node: str, seconds: float) -> None:
        plan = self._plan
        click.echo(click.style(f"ECN is up after {seconds:.1f} s", bold=True))
        click.echo(f"  controller  {plan.url}")
        click.echo(f"  dashboard   {plan.url}/dashboard/ (ecn dashboard --open logs you in)")
        if node:
            click.echo(f"  node        {plan.node} ({printable(node)})")
        click.echo(f"  context     {printable(context)}")
        click.echo(f"  data        {plan.data} (logs in {plan.data / 'logs'})")
        admin = read_admin(plan.data)
        if first and admin is not None:
            click.echo(f"  log in as   {admin.name}, password {admin.password}")
            click.echo(f"              shown this once; kept in {plan.data / 'admin.json'}")
        click.echo("\nIn another terminal:  ecn get nodes    ecn deploy -f FILE    ecn --help")
        click.echo("Ctrl-C stops it; containers run on.")

    def _child(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        folder = self._plan.data / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = LogFile(folder / f"{name}.log")
        return Child(
            name,
            [sys.executable, "-m", "ecn", *arguments],
            environment=environment,
            log=log,
            on_line=self._line,
            say=note,
            finished={DEPROVISIONED: GIVEN_UP} if name == "agent" else None,
        )

    def _line(self, source: str, line: str) -> None:
        if source == "controller" and not self._ready.is_set():
            fields = child_log.fields_of(line)
            if fields.get("event") == "ready":
                self._ready.set()
            elif fields.get("event") == "replaying":
                self._heard = True
                note(f"reading the log: {fields.get('percent')} % of {fields.get('of')} events")
        if self._plan.verbose or (not self._quiet and child_log.is_loud(line)):
            click.echo(child_log.readable(source, line), err=True)
