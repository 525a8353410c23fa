"""Fixtures by subject, each in a file of its own."""

pytest_plugins = ["tests.broker_fixtures", "tests.docker_fixtures", "tests.postgres_fixtures"]
