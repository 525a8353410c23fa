"""What happened in the network, and the log that keeps it. Knows nobody else."""
