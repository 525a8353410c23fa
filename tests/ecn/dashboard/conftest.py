"""The network and the clients that the tests of the API have."""

from tests.ecn.api.conftest import admin, controller, network, nobody, operator, viewer

__all__ = ["admin", "controller", "network", "nobody", "operator", "viewer"]
