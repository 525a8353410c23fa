"""How a device becomes a node: it redeems a provisioning key for an identity.

Called by `cli.py`. The credential is made here and written down before the controller is asked, so
that a lost answer costs nothing: the same command again finds the pair and succeeds again.
"""

import asyncio
import secrets
from hashlib import sha256

from agent.contract import Provision, Provisioned
from agent.device.facts import device_facts
from agent.errors import (
    AlreadyProvisioned,
    ControllerRefused,
    ControllerUnreachable,
    CredentialRefused,
    NodeDeprovisioned,
    ProvisioningRefused,
)
from agent.link.controller_client import ControllerClient
from agent.storage.store import Folder, Identity, Pending

ATTEMPTS = 5
"""With a pause that doubles from a second: half a minute of a controller that just starts."""


async def provision(
    folder: Folder, *, controller: str, key: str, ca_pem: str = "", replace: bool = False
) -> tuple[Identity, Identity | None]:
    """The identity this device has now, and the one that it gave up. The folder is locked.

    Errors: AlreadyProvisioned without `replace`; ProvisioningRefused; ControllerUnreachable.
    """
    old = folder.identity()
    if old is not None and not replace:
        raise AlreadyProvisioned(old.name, old.controller)
    pending = _pending(folder, controller, key, ca_pem)
    async with ControllerClient(controller, ca_pem=ca_pem) as client:
        answer = await _asked(
            client,
            Provision(
                key=key,
                credential=pending.credential,
                facts=device_facts(engine=None, problem="", folder=folder.path),
            ),
        )
    identity = Identity(
        controller=controller,
        credential=pending.credential,
        node_id=answer.node_id,
        name=answer.name,
        ca_pem=ca_pem,
    )
    # What another node left behind means nothing to this one. Then identity before pending: cut
    # short anywhere, the same command again ends here.
    folder.forget_state()
    folder.keep_identity(identity)
    folder.forget_pending()
    return identity, old


def _pending(folder: Folder, controller: str, key: str, ca_pem: str) -> Pending:
    """The pair of this key and a credential, written down; the same as last time if it was cut."""
    digest = sha256(key.encode()).hexdigest()
    before = folder.pending()
    if before is not None and (before.controller, before.key_digest) == (controller, digest):
        return before
    pending = Pending(
        controller=controller, key_digest=digest, credential=secrets.token_urlsafe(32)
    )
    folder.keep_pending(pending)
    return pending


async def _asked(client: ControllerClient, document: Provision) -> Provisioned:
    wait = 1.0
    for _ in range(ATTEMPTS - 1):
        try:
            return await _once(client, document)
        except ControllerUnreachable:
            await asyncio.sleep(wait)
            wait *= 2
    return await _once(client, document)


async def _once(client: ControllerClient, document: Provision) -> Provisioned:
    try:
        return await client.provision(document)
    except (ControllerRefused, CredentialRefused, NodeDeprovisioned) as error:
        raise ProvisioningRefused(str(error)) from error
