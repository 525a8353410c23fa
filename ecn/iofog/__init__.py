"""ioFog as its clients know it, translated at the edge: bodies to commands, rows to answers.

Pure.
"""
