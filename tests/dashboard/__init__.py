"""The dashboard in a real browser, over a network that has everything."""
