"""The HTTP API: what clients and agents reach."""
