"""What we know now: derived from the events, and disposable."""
