"""The Python SDK, against the agent's real Local API."""
