"""Moving messages between microservices, nodes and the centre, for server and device alike.

Imports nobody of ours, so that a device and a controller can both stand on it.
"""
