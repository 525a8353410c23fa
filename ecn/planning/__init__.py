"""What would happen: commands decided on a world that nobody else sees, and told in words. Pure."""
