"""The Local API's REST, as ioFog's SDKs use it, and as others try to."""

import asyncio
import json

import pytest
from msgspec import Raw
from msgspec.structs import replace

from agent.contract import EdgeResource
from routing.iomessage import IoMessage
from routing.message import Message
from tests.agent.local_api.serving import ELSEWHERE, M1, M2, Serving, document, serving
from tests.agent.waiting import until_true


def message(number: int, publisher: str = "m2", body: bytes = b"x") -> Message:
    return Message(message_id=f"{number:032x}", created=number, publisher=publisher, body=body)


async def test_a_microservice_reads_its_configuration_as_a_text() -> None:
    async with serving() as it:
        answer = await it.ask("/v2/config/get", {"id": "m1"})
        assert (answer.status, answer.json) == (200, {"status": "okay", "config": '{"rate": 1}'})
        assert answer.headers["Content-Length"] == str(len(answer.text))
        assert answer.headers["Content-Type"].startswith("application/json")


async def test_a_message_is_answered_with_its_id_and_time_once_it_is_kept() -> None:
    async with serving() as it:
        answer = await it.ask("/v2/messages/new", document(tag="a tag", priority="7"))
        assert answer.json == {"status": "okay", "timestamp": 1001, "id": f"{1:032x}"}
        (kept,) = it.routing.published
        assert (kept.publisher, kept.body) == ("m1", b"\x01\x02")
        assert kept.properties == {
            "tag": "a tag",
            "priority": "7",
            "infotype": "t",
            "infoformat": "f",
        }


@pytest.mark.parametrize(
    ("without", "says"),
    [
        (name, f"Validation Error, Error: Missing input field {name} 400 Bad Request")
        for name in ("publisher", "version", "infotype", "infoformat", "contentdata")
    ],
)
async def test_what_is_missing_is_said_in_iofogs_words(without: str, says: str) -> None:
    async with serving() as it:
        body = {name: said for name, said in document().items() if name != without}
        answer = await it.ask("/v2/messages/new", body)
        assert (answer.status, answer.text) == (400, says)
        assert answer.headers["Connection"] == "close"
        assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"infotype": ""},
        {"infoformat": ""},
        {"version": "four"},
        {"priority": -1},
        {"sequencenumber": "one"},
        {"contentdata": "not base64!"},
        {"contextdata": 7},
        {"contentdata": "A" * 360_000},
    ],
)
async def test_what_is_wrong_is_said_in_iofogs_words(changes: dict[str, object]) -> None:
    async with serving() as it:
        answer = await it.ask("/v2/messages/new", document(**changes))
        assert answer.status == 400
        assert answer.text.startswith("Validation Error, Error: Invalid  value for ")
        assert it.routing.published == []


async def test_a_full_store_is_said_so_that_every_sdk_hears_it() -> None:
    async with serving() as it:
        it.routing.full = True
        answer = await it.ask("/v2/messages/new", document())
        assert answer.status == 400
        assert "full" in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        it.routing.full, it.routing.refuses = False, "nobody knows it"
        answer = await it.ask("/v2/messages/new", document())
        assert (answer.status, "nobody knows it" in answer.text) == (400, True)
        assert "Retry-After" not in answer.headers


async def test_what_waits_is_handed_out_once() -> None:
    async with serving() as it:
        for number in (1, 2):
            it.routing.put("m1", message(number))
        answer = await it.ask("/v2/messages/next", {"id": "m1"})
        said = answer.json
        assert said["count"] == 2
        messages = said["messages"]
        assert isinstance(messages, list)
        assert [each["id"] for each in messages] == [f"{1:032x}", f"{2:032x}"]
        assert messages[0].keys() == IoMessage().to_document().keys()
        assert IoMessage.from_document(messages[0]).contentdata == b"x"
        assert it.routing.inbox("m1").taken == [f"{1:032x}", f"{2:032x}"]
        assert (await it.ask("/v2/messages/next", {"id": "m1"})).json == {
            "status": "okay",
            "count": 0,
            "messages": [],
        }


async def test_an_answer_has_a_bound_and_the_rest_comes_with_the_next() -> None:
    async with serving() as it:
        for number in range(10):
            it.routing.put("m1", message(number, body=b"x" * 262_144))
        counts: list[object] = []
        while not counts or counts[-1]:
            counts.append((await it.ask("/v2/messages/next", {"id": "m1"})).json["count"])
        assert counts == [8, 2, 0]


async def test_what_a_lost_connection_took_is_handed_out_again() -> None:
    async with serving() as it:
        for number in range(8):
            it.routing.put("m1", message(number, body=b"x" * 262_144))
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port, local_addr=(M1, 0))
        writer.write(
            b"POST /v2/messages/next HTTP/1.1\r\nHost: iofog\r\nContent-Length: 11\r\n"
            b'Content-Type: application/json\r\n\r\n{"id":"m1"}'
        )
        await reader.readexactly(1000)  # and no more: the rest does not fit into the socket
        writer.transport.abort()
        await until_true(lambda: not it.routing.inbox("m1").out)
        assert (await it.ask("/v2/messages/next", {"id": "m1"})).json["count"] == 8


async def test_a_query_gives_what_publishers_sent_in_their_order() -> None:
    async with serving() as it:
        it.routing.archive = [message(5), message(9), message(7, "m1"), message(20)]
        asked = {"id": "m1", "timeframestart": 5, "timeframeend": 15, "publishers": ["m2", "m1"]}
        said = (await it.ask("/v2/messages/query", asked)).json
        messages = said["messages"]
        assert isinstance(messages, list)
        assert [each["timestamp"] for each in messages] == [5, 7, 9]
        assert (said["count"], said["timeframestart"], said["timeframeend"]) == (3, 5, 9)
        none = (await it.ask("/v2/messages/query", {**asked, "publishers": ["m3"]})).json
        assert (none["count"], none["timeframeend"]) == (0, 15)


async def test_a_long_query_is_cut_where_the_next_goes_on() -> None:
    async with serving() as it:
        it.routing.archive = [message(n, body=b"x" * 262_144) for n in range(1, 21)]
        begin, seen = 0, set[int]()
        while len(seen) < 20:
            said = (
                await it.ask(
                    "/v2/messages/query",
                    {"id": "m1", "timeframestart": begin, "timeframeend": 99, "publishers": ["m2"]},
                )
            ).json
            messages, end = said["messages"], said["timeframeend"]
            assert isinstance(messages, list)
            assert isinstance(end, int)
            assert end > begin
            seen |= {each["timestamp"] for each in messages}
            begin = end


@pytest.mark.parametrize(
    "changes",
    [
        {"timeframestart": "soon"},
        {"timeframeend": 1, "timeframestart": 2},
        {"publishers": "m2"},
        {"publishers": None},
        {"publishers": ["m2"] * 65},
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    async with serving() as it:
        asked = {"id": "m1", "timeframestart": 1, "timeframeend": 9, "publishers": [], **changes}
        assert (await it.ask("/v2/messages/query", asked)).status == 400


async def test_a_line_for_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving() as it:
        asked = {"id": "m1", "message": "too\nhot", "type": "severe"}
        assert (await it.ask("/v2/log", asked)).json == {"status": "okay"}
        assert (await it.ask("/v2/log", {"id": "m1", "type": "info"})).status == 400


async def test_the_position_is_what_operators_say_or_what_was_measured_since() -> None:
    async with serving() as it:
        nowhere = {"status": "okay", "timestamp": 77, "lat": "", "lon": ""}
        assert (await it.ask("/v2/gps", method="GET")).json == nowhere
        it.settled(latitude=1.5, longitude=2.5)
        said = (await it.ask("/v2/gps", method="GET")).json
        assert (said["lat"], said["lon"]) == ("1.5", "2.5")
        assert (await it.ask("/v2/gps", {"lat": "52.5", "lon": 13.25})).status == 200
        said = (await it.ask("/v2/gps", method="GET")).json
        assert (said["lat"], said["lon"]) == ("52.5", "13.25")
        it.settled(latitude=1.5, longitude=2.5)  # nothing new
        assert (await it.ask("/v2/gps", method="GET")).json["lat"] == "52.5"
        it.settled(latitude=3.0, longitude=2.5)
        assert (await it.ask("/v2/gps", method="GET")).json["lat"] == "3.0"


@pytest.mark.parametrize("lat", ["north", 90.5, True, None, "nan", [1]])
async def test_a_position_that_is_none_is_refused(lat: object) -> None:
    async with serving() as it:
        answer = await it.ask("/v2/gps", {"lat": lat, "lon": 1})
        if lat is True:
            assert answer.status == 200  # a number to Python, and one degree is somewhere
        else:
            assert answer.status == 400


async def test_edge_resources_are_a_text_in_a_document() -> None:
    async with serving() as it:
        camera = EdgeResource(
            edge_resource_id="er1",
            name="camera",
            version="1.0",
            endpoints=Raw(b'[{"name":"see","method":"GET","url":"/see","request_type":"none"}]'),
            display=Raw(b'{"name":"Camera","icon":"c","color":"red"}'),
            tags=["door"],
        )
        it.wish(edge_resources=[camera])
        text = (await it.ask("/v2/edgeResources", method="GET")).json["edgeResources"]
        assert isinstance(text, str)
        (shown,) = json.loads(text)
        assert (shown["id"], shown["interfaceProtocol"]) == ("er1", "https")
        assert shown["orchestrationTags"] == ["door"]
        assert shown["display"]["color"] == "red"
        (endpoint,) = shown["edgeInterface"]["endpoints"]
        assert (endpoint["name"], endpoint["requestType"]) == ("see", "none")
        assert endpoint["interfaceId"] == shown["edgeInterface"]["id"]


@pytest.mark.parametrize(
    ("path", "method", "status", "says"),
    [
        ("/v2/config/get", "GET", 405, "405 Method Not Allowed"),
        ("/v2/messages/next", "GET", 405, "405 Method Not Allowed"),
        ("/v2/edgeResources", "POST", 405, "405 Method Not Allowed"),
        ("/v3/what", "POST", 404, "404 Not Found"),
        ("/v2/commandline", "POST", 403, "ecn-agent"),
        ("/v2/provision", "POST", 403, "ecn-agent"),
        ("/v2/status", "GET", 403, "ecn-agent"),
        ("/v2/restblue/devices", "GET", 404, "Bluetooth"),
    ],
)
async def test_what_is_not_there(path: str, method: str, status: int, says: str) -> None:
    async with serving() as it:
        answer = await it.ask(path, {"id": "m1"}, method=method)
        assert (answer.status, says in answer.text) == (status, True)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_other_content_is_refused(content_type: str) -> None:
    async with serving() as it:
        answer = await it.ask("/v2/config/get", {"id": "m1"}, content_type=content_type)
        assert (answer.status, answer.text) == (400, "Incorrect content type 400 Bad Request")
    async with serving() as it:
        charset = "application/json; charset=utf-8"
        answer = await it.ask("/v2/config/get", {"id": "m1"}, content_type=charset)
        assert answer.status == 200


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"id": 7}', b'{"id": ""}', b"\xff", b"[" * 100_000]
)
async def test_a_body_that_is_none_is_refused(raw: bytes) -> None:
    async with serving() as it:
        for path in ("/v2/config/get", "/v2/messages/next", "/v2/messages/new", "/v2/log"):
            assert (await it.ask(path, raw=raw)).status == 400


async def test_a_body_beyond_all_bounds_is_refused() -> None:
    async with serving() as it:
        assert (await it.ask("/v2/messages/new", raw=b" " * 1_048_577)).status == 413


async def test_what_is_no_http_is_answered_and_shown_out() -> None:
    async with serving() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port, local_addr=(M1, 0))
        writer.write(b"hello there\r\n\r\n")
        assert b" 400 " in await reader.readline()
        await reader.read()
        writer.close()


# Who asks


async def test_who_asks_is_known_by_its_address() -> None:
    async with serving() as it:
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M2)).status == 200
        answer = await it.ask("/v2/config/get", {"id": "m2"}, address=M1)
        assert (answer.status, "'m2' is not the caller's own" in answer.text) == (400, True)
        answer = await it.ask("/v2/messages/new", document("m2"), address=M1)
        assert (answer.status, it.routing.published) == (400, [])
        answer = await it.ask("/v2/config/get", {"id": "m1"}, address=ELSEWHERE)
        assert (answer.status, "ECN_TOKEN" in answer.text) == (400, True)
        assert (await it.ask("/v2/gps", method="GET", address=ELSEWHERE)).status == 400


async def test_who_asks_is_known_by_its_token() -> None:
    async with serving() as it:
        token = it.tokens.of("m2")
        asked = {"id": "m2"}
        for address in (ELSEWHERE, M1):  # the token is the stronger word
            answer = await it.ask("/v2/config/get", asked, address=address, token=token)
            assert answer.status == 200
        answer = await it.ask("/v2/config/get", {"id": "m1"}, address=M1, token=token)
        assert answer.status == 400
        answer = await it.ask("/v2/config/get", asked, address=M2, token="0" * 64)
        assert answer.status == 401
        of_nobody_here = it.tokens.of("m9")
        assert (await it.ask("/v2/config/get", asked, token=of_nobody_here)).status == 401
        assert token not in repr(it.tokens)


async def test_an_address_that_has_changed_hands_says_who_has_it_now() -> None:
    async with serving() as it:
        assert (await it.ask("/v2/config/get", {"id": "m1"}, address=M1)).status == 200
        it.engine.who = {M1: "m2"}  # m1 is gone, and m2 was started anew
        it.api.something_happened()
        assert (await it.ask("/v2/config/get", {"id": "m1"}, address=M1)).status == 400
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M1)).status == 200
        it.engine.who = {}  # and a container that is not ours came
        it.api.something_happened()
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M1)).status == 400


async def test_an_address_is_not_believed_for_what_it_was_when_the_engine_is_away() -> None:
    async with serving() as it:
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 200
        it.engine.down = True
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 200
        it.api.something_happened()
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 400
        token = it.tokens.of("m1")
        assert (await it.ask("/v2/config/get", {"id": "m1"}, token=token)).status == 200


async def test_many_who_are_nobody_do_not_make_the_engine_work() -> None:
    async with serving() as it:
        asked = it.engine.count("addresses")
        answers = await asyncio.gather(
            *(it.ask("/v2/config/get", {"id": "m1"}, address=ELSEWHERE) for _ in range(20))
        )
        assert {each.status for each in answers} == {400}
        assert it.engine.count("addresses") - asked <= 2


async def test_where_operators_allow_it_callers_are_believed() -> None:
    async with serving(local_api="open") as it:
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=M1)).status == 200
        assert (await it.ask("/v2/config/get", {"id": "m2"}, address=ELSEWHERE)).status == 200
        answer = await it.ask("/v2/config/get", {"id": "m9"}, address=ELSEWHERE)
        says = "No configuration found for the id m9 400 Bad Request"
        assert (answer.status, answer.text) == (400, says)
        answer = await it.ask("/v2/messages/new", document("m9"), address=ELSEWHERE)
        assert (answer.status, it.routing.published) == (400, [])
        # Whoever shows who it is, is that.
        answer = await it.ask("/v2/config/get", {"id": "m2"}, token=it.tokens.of("m1"))
        assert answer.status == 400


# Where it listens


async def test_off_is_not_listening() -> None:
    async with serving(local_api="off") as it:
        await asyncio.sleep(0.1)
        assert it.api.addresses == []
        it.settled(local_api="own")
        await until_true(lambda: bool(it.api.addresses))
        assert (await it.ask("/v2/config/get", {"id": "m1"})).status == 200
        it.settled(local_api="off")
        await until_true(lambda: not it.api.addresses)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", it.port)


async def test_it_listens_where_a_network_comes_and_no_more_where_it_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.local_api.local_api.LOOK_AGAIN", 0.05)
    async with serving() as it:
        (bridge,) = it.engine.bridged
        it.engine.bridged = [replace(bridge, gateway="127.0.0.3")]
        await until_true(lambda: it.api.addresses == ["127.0.0.1", "127.0.0.3"])
        it.engine.down = True
        await asyncio.sleep(0.2)
        assert it.api.addresses == ["127.0.0.1", "127.0.0.3"]


async def test_an_engine_that_comes_late_is_soon_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.local_api.local_api.LOOK_SOON", 0.05)
    it = Serving()
    it.engine.down = True
    it.settled()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.api.run())
        await until_true(lambda: it.api.addresses == ["127.0.0.1"])
        it.engine.down = False
        await until_true(lambda: it.api.addresses == ["127.0.0.1", "127.0.0.2"], 2)
        running.cancel()


async def test_a_port_that_is_taken_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.local_api.local_api.LOOK_AGAIN", 0.05)
    monkeypatch.setattr("agent.local_api.local_api.LOOK_SOON", 0.05)
    async with serving() as it:
        taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.3", it.port)
        it.engine.bridged = [replace(it.engine.bridged[0], gateway="127.0.0.3")]
        await until_true(lambda: bool(it.api.problem))
        assert f"127.0.0.3:{it.port}" in it.api.problem
        assert it.api.addresses == ["127.0.0.1"]
        taken.close()
        await taken.wait_closed()
        await until_true(lambda: not it.api.problem)
        assert it.api.addresses == ["127.0.0.1", "127.0.0.3"]
