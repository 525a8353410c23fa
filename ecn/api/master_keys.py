"""Which master keys wrap the secrets of this network, and which of them this controller has.

Ids alone: nothing here helps to open anything.
"""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.documents import MasterKeyDocument, MasterKeys
from ecn.api.endpoint import Endpoint
from ecn.api.keys import VAULT
from events.user import Role


async def list_master_keys(request: web.Request) -> web.Response:
    """The current one first, then those that will be, former ones, and those that are missing."""
    vault = request.app[VAULT]
    wraps = await vault.by_master_key()
    current, *former = vault.masters.ids
    waiting = vault.masters.waiting()
    missing = sorted(each for each in wraps if each not in {current, *former, *waiting})
    items = [
        MasterKeyDocument(id=key_id, role=role, wraps=wraps.get(key_id, 0))
        for role, ids in (
            ("current", [current]),
            ("waiting", waiting),
            ("former", former),
            ("missing", missing),
        )
        for key_id in ids
    ]
    return json_answer(MasterKeys(items=items))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/master-keys",
        handler=list_master_keys,
        access=Role.ADMIN,
        tag="secrets",
        summary="Which master keys are in use, by id; of this controller's file and the database",
        answer=MasterKeys,
    ),
)
