"""The API of ioFog v3 over HTTP, under /api/v3: for its clients and agents as they are."""
