"""The interior router at the centre: what it is to hold, and who keeps it so."""
