"""The agent: a program on an edge device that makes its desired state so, and carries on alone."""
