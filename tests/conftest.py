"""Fixtures by subject, each in a file of its own."""

import signal

pytest_plugins = ["tests.broker_fixtures", "tests.docker_fixtures", "tests.postgres_fixtures"]

# What a shell starts in the background ignores Ctrl-C, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)
