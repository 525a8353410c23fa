"""The agent's own life as a service of a device: install, provision, upgrade, say how it is."""
