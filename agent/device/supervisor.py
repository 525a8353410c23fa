"""What the agent tells the supervisor that started it: systemd's notification protocol.

By hand: it is a datagram to the socket that $NOTIFY_SOCKET names (sd_notify(3)). Where there is no
such supervisor, every call does nothing. Used by `own_life.py`.
"""

import os
import socket

import structlog

log = structlog.get_logger()


class Supervisor:
    """The one of this process's environment, or of another that a test gives."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        found = dict(os.environ) if environment is None else environment
        named = found.get("NOTIFY_SOCKET", "")
        # An @ stands for the zero byte of a name that is in no file system.
        self._address = f"\0{named[1:]}" if named.startswith("@") else named
        microseconds = found.get("WATCHDOG_USEC", "")
        meant = found.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.expects_beats = bool(self._address and microseconds.isdecimal() and meant)
        """Whether it ends an agent that does not say every now and then that it lives."""
        self._status = ""

    def ready(self) -> None:
        """The agent has begun its work."""
        self._tell("READY=1")

    def beat(self) -> None:
        """It lives."""
        if self.expects_beats:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It ends."""
        self._tell("STOPPING=1")

    def status(self, sentence: str) -> None:
        """How it stands, for `systemctl status`; told when it is another one than last."""
        if sentence != self._status:
            self._status = sentence
            self._tell("STATUS=" + sentence.replace("\n", " "))

    def _tell(self, what: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A supervisor that does not read must not hold up the loop.
                sender.setblocking(False)
                sender.sendto(what.encode(), self._address)
        except OSError as error:
            log.debug("supervisor-not-told", what=what, error=str(error))
