"""The interior proxy, `ecn router run`: public ports at the centre, carried to the nodes.

A process of its own, as many of them as there are machines to open ports on. It knows the
controller by HTTP and the interior router by AMQP, and imports nothing of the server.
"""
