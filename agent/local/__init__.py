"""What a container finds of its agent: its socket, its files, its configuration, its twin."""
