"""Connections carried over the interior router: what both of its ends, at a centre and on a node,
have in common. Knows no broker: whoever builds a `Multiplexer` gives it a carrier."""
