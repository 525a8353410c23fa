"""What a controller counts, and what it says when a scraper asks. Its names: docs/metrics.md."""
