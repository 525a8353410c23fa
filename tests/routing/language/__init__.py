"""The language of routes."""
