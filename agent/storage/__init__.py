"""What a device keeps over power cuts: identity, desired state, and what is still to be told."""
