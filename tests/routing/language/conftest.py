"""The grammar is loaded before: no example is to be slow because it is the first."""

from routing.language import load

load()
