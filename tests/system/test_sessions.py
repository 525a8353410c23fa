"""Looks into containers from afar, with whole processes: terminals, floods, and sudden deaths."""

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docker_fixtures import IMAGE
from tests.system.network import Network, docker, eventually

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

COUNTS = (
    "trap 'exit 143' TERM; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1 & wait $!; done"
)
LARGE = 50 * 1024 * 1024


@pytest.fixture(scope="module")
def network(image: str, session_folder: Path) -> Iterator[Network]:
    """With shop/web, which counts."""
    folder = session_folder / "sessions"
    folder.mkdir(mode=0o711)
    network = Network(folder)
    network.start()
    try:
        node = str(network.items("nodes")[0]["name"])
        network.deploy(
            "shop",
            {
                "name": "web",
                "node": node,
                "image": IMAGE,
                "pull": "never",
                "command": ["sh", "-c", COUNTS],
            },
        )
        yield network
        eventually(network._ready, within=60, what="the controller")
        mine = ("-qf", f"label=ecn.node={network.node_id()}")
        network.ecn("delete", "application", "shop")
        eventually(
            lambda: not docker("ps", "-a", *mine) + docker("network", "ls", *mine),
            within=30,
            what="container and network to be gone",
        )
    finally:
        network.stop()


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ecn", *arguments]


def ecn(
    network: Network, *arguments: str, stdin: bytes | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command_line(*arguments),
        env=network.environment,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
        check=False,
    )


@cache
def container(network: Network) -> str:
    """The one of shop/web. Asked once: later nobody may be there to answer."""
    return network.containers()["web"]


def in_container(network: Network, words: str) -> int:
    """How many processes there have these words."""
    listed = docker("exec", container(network), "ps", "-o", "args")
    return sum(1 for line in listed.splitlines() if words in line)


def test_a_command_has_its_output_its_errors_and_its_exit_code(network: Network) -> None:
    done = ecn(network, "exec", "shop/web", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, b"out\n", b"err\n")


def test_what_is_piped_in_has_an_end_and_arrives_to_the_byte(network: Network) -> None:
    said = bytes(range(256)) * 4000
    done = ecn(network, "exec", "-i", "shop/web", "--", "sha256sum", stdin=said)
    assert done.stdout.split()[0].decode() == hashlib.sha256(said).hexdigest()
    assert done.returncode == 0


def test_a_flood_goes_through_both_ways_and_nobody_grows(network: Network) -> None:
    piece = os.urandom(1024 * 1024)
    flood = piece * (LARGE // len(piece))
    pids = [
        network.process("controller", str(network.data)),
        network.process("agent", str(network.data)),
    ]
    ecn(network, "exec", "shop/web", "--", "true")
    before = [resident(pid) for pid in pids]
    done = ecn(network, "exec", "-i", "shop/web", "--", "cat", stdin=flood)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == len(flood)
    assert done.stdout == flood
    grown = [resident(pid) - at_first for pid, at_first in zip(pids, before, strict=True)]
    assert max(grown) < 20, f"MiB more of controller and agent: {grown}"


def resident(pid: int) -> float:
    """MiB, at its highest since the process began."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found.group(1)) / 1024


class Typed:
    """`ecn exec -it` in a terminal of its own."""

    def __init__(self, network: Network, *command: str) -> None:
        self.said = b""
        self.master, self.slave = pty.openpty()
        self.resize(90, 30, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            command_line("exec", "-it", "shop/web", "--", *command),
            env={k: v for k, v in network.environment.items() if k not in ("COLUMNS", "LINES")},
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=self._take_terminal,
        )

    def _take_terminal(self) -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def until(self, text: bytes, within: float = 15.0) -> None:
        """Read until it says this, from here on."""
        deadline = time.monotonic() + within
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            if select.select([self.master], [], [], 0.2)[0]:
                self.said += os.read(self.master, 4096)
        self.said = self.said.partition(text)[2]

    def ends(self) -> int:
        """The exit code; the terminal is as it was before."""
        code = self.process.wait(15)
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.master)
        os.close(self.slave)
        return code


def test_a_terminal_is_one_there_too(network: Network) -> None:
    typed = Typed(network, "sh")
    typed.until(b"#")
    typed.type(b"tty; stty size\r")
    typed.until(b"/dev/pts/")
    typed.until(b"30 90")
    typed.resize(120, 40)
    time.sleep(0.5)
    typed.type(b"stty size\r")
    typed.until(b"40 120")
    typed.type(b"sleep 600\r")
    time.sleep(0.5)
    typed.type(b"\x03")  # reaches the sleep, and not this side
    typed.type(b"echo goes-$((1+1))-on\r")
    typed.until(b"goes-2-on")
    typed.type(b"exit 7\r")
    assert typed.ends() == 7


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_is_given_back_also_when_told_to_end(
    network: Network, how: signal.Signals
) -> None:
    typed = Typed(network, "sh")
    typed.until(b"#")
    typed.process.send_signal(how)
    assert typed.ends() != 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_nobody_watches_any_more_ends(network: Network, how: signal.Signals) -> None:
    running = subprocess.Popen(
        command_line("exec", "shop/web", "--", "sleep", "4711"), env=network.environment
    )
    eventually(lambda: in_container(network, "sleep 4711"), within=15, what="the command")
    running.send_signal(how)
    running.wait(10)
    eventually(
        lambda: not in_container(network, "sleep 4711"), within=15, what="the command to be gone"
    )


def test_who_may_not_is_told_why_and_who_did_what_is_in_the_log(network: Network) -> None:
    done = ecn(network, "exec", "shop/nope", "--", "ls")
    assert done.returncode == 1
    assert b"there is no microservice 'shop/nope'" in done.stderr
    ecn(network, "exec", "shop/web", "--", "echo", "a-word-of-the-command")
    told = ecn(network, "audit", "--type", "session", "--limit", "2").stdout.decode()
    assert "exec: echo a-word-of-the-command" in told
    assert "exit code 0" in told


def test_usage_and_events_come_from_the_device(network: Network) -> None:
    (line,) = ecn(network, "top", "shop", "--once", "-o", "json").stdout.splitlines()
    use = json.loads(line)
    assert (use["name"], use["state"]) == ("web", "running")
    assert use["processes"] >= 1
    assert use["memory_bytes"] > 0
    actions = [
        json.loads(each)["action"]
        for each in ecn(network, "engine-events", "shop/web", "-o", "json").stdout.splitlines()
    ]
    assert actions[:2] == ["create", "start"]


def test_an_agent_that_is_killed_ends_the_session_and_later_what_was_left_of_it(
    network: Network,
) -> None:
    running = subprocess.Popen(
        command_line("exec", "shop/web", "--", "sleep", "4712"),
        env=network.environment,
        stderr=subprocess.PIPE,
    )
    eventually(lambda: in_container(network, "sleep 4712"), within=15, what="the command")
    os.kill(network.process("agent", str(network.data)), signal.SIGKILL)
    _, complaint = running.communicate(timeout=30)
    assert running.returncode == 1
    assert b"the session ended: the link to the device broke" in complaint
    # `ecn up` starts its agent again.
    eventually(
        lambda: not in_container(network, "sleep 4712"), within=30, what="the command to be gone"
    )


def test_a_log_is_followed_over_an_agent_that_dies_each_line_once(network: Network) -> None:
    eventually(
        lambda: '"online"' in network.ecn("get", "nodes", "-o", "json"), within=30, what="it"
    )
    following = subprocess.Popen(
        command_line("logs", "-f", "--tail", "1", "shop/web"),
        env=network.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(3)
        os.kill(network.process("agent", str(network.data)), signal.SIGKILL)
        time.sleep(12)
    finally:
        following.send_signal(signal.SIGINT)
    said, _ = following.communicate(timeout=10)
    numbers = [int(line.split()[1]) for line in said.decode().splitlines()]
    assert len(numbers) > 60, numbers
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_controller_that_is_killed_ends_the_session_and_the_log_says_so_later(
    network: Network,
) -> None:
    eventually(
        lambda: '"online"' in network.ecn("get", "nodes", "-o", "json"), within=30, what="it"
    )
    running = subprocess.Popen(
        command_line("exec", "shop/web", "--", "sleep", "4713"),
        env=network.environment,
        stderr=subprocess.PIPE,
    )
    eventually(lambda: in_container(network, "sleep 4713"), within=15, what="the command")
    os.kill(network.process("controller", str(network.data)), signal.SIGKILL)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 3
    assert b"lost" in complaint
    eventually(
        lambda: not in_container(network, "sleep 4713"), within=30, what="the command to be gone"
    )

    def closed() -> bool:
        told = network.ecn("audit", "--type", "session.closed", "--limit", "1", check=False)
        return "controller ended" in told

    eventually(closed, within=60, what="the session to be closed in the log")
