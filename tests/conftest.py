"""Fixtures by subject, each in a file of its own."""

import os
import signal

from tests.ports import free_port

pytest_plugins = ["tests.broker_fixtures", "tests.docker_fixtures", "tests.postgres_fixtures"]

# What a shell starts in the background ignores Ctrl-C, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Agents of several tests run at once; each but the first would tell that its port is taken.
os.environ.setdefault("ECN_AGENT_LOCAL_API_PORT", str(free_port()))
