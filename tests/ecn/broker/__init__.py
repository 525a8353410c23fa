"""The interior router at the centre."""
