"""What people write in files, and the changes that it stands for. Pure."""
