"""The control plane: decide, serve, show."""
