"""What the whole command path is compared with: pgbench, and another event store's recorder.

Both write single events to the same server, each in its own commit, with so many clients at once.
"""

import os
import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit
from uuid import uuid4

PLAIN = """
create table plain (
    id bigint generated always as identity primary key,
    time timestamptz, subject text, type text, data bytea, actor text, command_id text
)
"""
INSERT = (
    "insert into plain (time, subject, type, data, actor, command_id) values (now(), "
    "'node/0123456789abcdef', 'node.registered.v1', decode(repeat('ab', 200), 'hex'), "
    "'user/admin', '0123456789abcdef');"
)


class Missing(Exception):
    """What the comparison is made with is not installed; the sentence says how to get it."""


def pgbench(dsn: str, clients: int, seconds: float) -> float:
    """Single-row commits per second, prepared. The table of PLAIN is there. Errors: Missing."""
    url = urlsplit(dsn)
    environment = {
        **os.environ,
        "PGHOST": _host(url),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.path.strip("/"),
    }
    # It counts from before its clients are connected, a few milliseconds each, though not in tps.
    lasting = seconds + clients / 50
    options = f"-n -M prepared -j 2 -c {clients} -T {lasting:.0f}".split()
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(INSERT)
        script.flush()
        try:
            done = subprocess.run(
                ["pgbench", *options, "-f", script.name],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
        except FileNotFoundError as e:
            raise Missing("pgbench is missing: apt-get install postgresql-contrib") from e
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
    return float(found[1])


class Recorder:
    """`eventsourcing`'s Postgres recorder, as its authors set it up by default. `close` it.

    Errors: Missing.
    """

    def __init__(self, dsn: str, clients: int) -> None:
        try:
            from eventsourcing import persistence, postgres
        except ImportError as e:
            raise Missing("to compare: pip install --group benchmarks") from e
        url = urlsplit(dsn)
        self._clients = clients
        self._stored = persistence.StoredEvent
        self._datastore = postgres.PostgresDatastore(
            dbname=url.path.strip("/"),
            host=_host(url),
            port=url.port or 5432,
            user=url.username or "",
            password=url.password or "",
            pool_size=clients,
            max_waiting=clients,
        )
        self._recorder = postgres.PostgresApplicationRecorder(self._datastore)
        self._recorder.create_table()

    def rate(self, seconds: float) -> float:
        """Events per second, each inserted by itself, by as many threads as clients."""
        end = time.perf_counter() + seconds

        def client() -> int:
            done = 0
            while time.perf_counter() < end:
                event = self._stored(
                    originator_id=uuid4(),
                    originator_version=1,
                    topic="node.registered.v1",
                    state=b"\xab" * 200,
                )
                self._recorder.insert_events([event])
                done += 1
            return done

        began = time.perf_counter()
        with ThreadPoolExecutor(self._clients) as threads:
            counts = [
                each.result() for each in [threads.submit(client) for _ in range(self._clients)]
            ]
        return sum(counts) / (time.perf_counter() - began)

    def close(self) -> None:
        """Give the connections back."""
        self._datastore.close()


def _host(url: SplitResult) -> str:
    """Or the folder of the socket."""
    return url.hostname or str(Path(parse_qs(url.query)["host"][0]))
