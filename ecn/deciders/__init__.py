"""What is decided: pure functions from the world and a command to events."""
