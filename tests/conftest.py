"""Fixtures by subject, each in a file of its own."""

pytest_plugins = ["tests.postgres_fixtures"]
