"""What history tells: how two moments differ, why something is as it is, who set each field.

Pure. Whoever asks holds a world, and fetches the events that a question asks for (`asking.py`).
"""
