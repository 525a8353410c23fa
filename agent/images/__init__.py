"""How images come onto the device, how its disk is kept from filling, and what goes again."""
