"""The RabbitMQ that other tests use."""

from tests.broker_fixtures import Vhost
from tests.private_broker import PrivateBroker


def test_each_test_has_an_empty_vhost(broker: Vhost) -> None:
    assert broker.broker.call("GET", f"/queues/{broker.name}") == []
    assert broker.url.startswith("amqp://127.0.0.1:")


def test_one_that_was_killed_comes_back_with_its_queues(own_broker: PrivateBroker) -> None:
    own_broker.make_vhost("v")
    own_broker.call("PUT", "/queues/v/q", {"durable": True})
    own_broker.kill9()
    own_broker.start()
    queues = own_broker.call("GET", "/queues/v?columns=name")
    assert queues == [{"name": "q"}]
