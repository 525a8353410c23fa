"""The names of the interior router's exchanges, queues and keys: what agrees on both sides of it.

Pure. The controller makes all that lasts from the world (`ecn/broker/topology.py`) and gives each
agent a user who may use its own alone:

| name | kind | who writes | who reads |
|---|---|---|---|
| `ecn.out.<node>` | topic exchange | that node's agent | bindings of the controller |
| `ecn.in.<microservice>` | quorum queue | bindings | the agent of its node |
| `ecn.upstream` | topic exchange | bindings | operators bind queues of their own to it |
| `ecn.upstream.<application>` | quorum queue | bindings | the operator's consumers |
| `ecn.webhook.<route>` | quorum queue | bindings | the controller |
| `ecn.dead` | exchange and queue | RabbitMQ | the operator |
| `ecn.proxy` | direct exchange | interior proxies | bindings |
| `ecn.proxy.<node>` | classic queue | bindings | the agent of the node |
| `ecn.proxy.out.<node>` | topic exchange | the agent of the node | interior proxies bind to it |
| `ecn.router.<router>.<instance>` | exclusive queue | bindings | that interior proxy |

What goes upstream has the key `upstream.<application>.<route>`, each name as one `word`; a route
with a webhook leads to its `ecn.webhook.<route>` instead of `ecn.upstream.<application>`. A route's
binding at `ecn.out.<node>` has that very key, and so can only be used by nodes it may come from.
"""

from urllib.parse import quote

VHOST = "ecn"

UPSTREAM = "ecn.upstream"
DEAD = "ecn.dead"
PROXY = "ecn.proxy"


def node_user(node_id: str) -> str:
    """The broker's user of a node's agent."""
    return f"ecn-node-{node_id}"


def router_user(router_id: str) -> str:
    """The broker's user of an interior proxy."""
    return f"ecn-router-{router_id}"


def out_exchange(node_id: str) -> str:
    """Where a node's agent publishes."""
    return f"ecn.out.{node_id}"


def in_queue(microservice_id: str) -> str:
    """What waits for a microservice, wherever that is at the moment."""
    return f"ecn.in.{microservice_id}"


def route_key(route_id: str) -> str:
    """The routing key of a message that goes to another node, at its node's `out_exchange`."""
    return f"route.{route_id}"


def upstream_key(application: str, route: str) -> str:
    """The routing key of a message that goes upstream. Both are names."""
    return f"upstream.{word(application)}.{word(route)}"


def word(name: str) -> str:
    """A name as one word of a routing key: a dot is `%2E` there, and nothing in it a wildcard."""
    return quote(name, safe="").replace(".", "%2E")


def upstream_queue(application: str) -> str:
    """What waits for an operator's consumers."""
    return f"{UPSTREAM}.{application}"


def webhook_queue(route_id: str) -> str:
    """What waits to be posted."""
    return f"ecn.webhook.{route_id}"


def proxy_queue(node_id: str) -> str:
    """What interior proxies say to a node's edge proxy; the node's id is its key at PROXY."""
    return f"{PROXY}.{node_id}"


def proxy_exchange(node_id: str) -> str:
    """Where a node's edge proxy answers, with `router_key`."""
    return f"{PROXY}.out.{node_id}"


def router_queue(router_id: str, instance: str) -> str:
    """What edge proxies say to one running interior proxy."""
    return f"ecn.router.{router_id}.{instance}"


def router_key(router_id: str, instance: str) -> str:
    """The routing key that leads to that queue."""
    return f"router.{router_id}.{instance}"
