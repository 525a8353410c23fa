"""The agent: its decisions by property, its hands against a fake and a real engine."""
