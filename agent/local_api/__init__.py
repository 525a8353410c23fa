"""ioFog's Local API: REST and two WebSockets on port 54321, as its SDKs speak."""
