"""Metrics as controller, agent and interior proxy show them: counting, a page, a place to ask."""
