"""The names of ioFog's Python SDK, for code that was written for it. See `iofog.microservices`."""
