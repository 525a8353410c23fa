"""The `ecn` command."""
