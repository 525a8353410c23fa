"""The operator's dashboard: one page, what it is told, and how it logs in."""
