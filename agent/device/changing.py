"""A setting of the node, changed from its device: for `ecn-agent config set`.

The controller stays the one place where settings are: it decides whether the device may, keeps who
did it, and tells it back. A device that changed its own copy would be at odds with what operators
see, and lose it with the next desired state.
"""

import msgspec

from agent.contract import SettingsChange
from agent.errors import ControllerUnreachable, NotProvisioned, SettingRefused
from agent.link.controller_client import ControllerClient
from agent.storage.store import Folder


async def change_setting(folder: Folder, key: str, value: str) -> None:
    """Let it be so. Errors: NotProvisioned; SettingRefused; ControllerRefused."""
    identity = folder.identity()
    if identity is None:
        raise NotProvisioned(folder.path)
    change = setting(key, value)
    try:
        async with ControllerClient(
            identity.controller, credential=identity.credential, ca_pem=identity.ca_pem
        ) as client:
            await client.change_settings(change)
    except ControllerUnreachable as error:
        raise SettingRefused(
            f"{key} was not changed, as the controller keeps the settings and does not answer "
            f"({error}); try again when it does"
        ) from error


def setting(key: str, value: str) -> SettingsChange:
    """As somebody typed it. Errors: SettingRefused."""
    known = SettingsChange.__struct_fields__
    if key not in known:
        raise SettingRefused(f"{key!r} can't be set from here; these can: {', '.join(known)}")
    try:
        return msgspec.convert({key: value}, SettingsChange, strict=False)
    except msgspec.ValidationError as error:
        raise SettingRefused(f"{value!r} is no good for {key}: {error}") from error
