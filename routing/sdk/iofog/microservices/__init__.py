"""ioFog's client for microservices under its own names, on Python 3, over `ecn_sdk`.

    from iofog.microservices.client import Client, IoFogClient
    from iofog.microservices.exception import IoFogException, IoFogHttpException
    from iofog.microservices.iomessage import IoMessage
    from iofog.microservices.listener import IoFogControlWsListener, IoFogMessageWsListener
    from iofog.microservices.log import Logger

New code is better served by `ecn_sdk`: it knows properties, outputs and acknowledgements.
"""
