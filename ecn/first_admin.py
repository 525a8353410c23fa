"""The first admin: made once per network, with a random password and token that are shown once.

They are written to `admin.json` (0600) in the data folder before the log hears of them, so that
no crash in between leaves a network that nobody can enter.
"""

import secrets

import msgspec
import structlog
from msgspec import Struct

from ecn.batch import Issued
from ecn.commands.user import CreateFirstAdmin
from ecn.data_folder import DataFolder
from ecn.passwords import Passwords
from ecn.vault import fresh_token, hash_of
from ecn.writer import Writer
from events.ids import CommandId, TokenId, UserId, new_id
from projections.live import Live

FILE = "admin.json"
NAME = "admin"

log = structlog.get_logger()


class AdminFile(Struct, frozen=True, kw_only=True):
    """What the file holds."""

    url: str
    name: str
    password: str
    token: str


async def ensure_admin(
    folder: DataFolder, live: Live, writer: Writer, passwords: Passwords, url: str
) -> None:
    """Make the first admin where there is no user at all. Errors: as Writer.execute."""
    if len(live.world.users):
        return
    kept = folder.read_secret(FILE)
    if kept is None:
        fresh = AdminFile(
            url=url, name=NAME, password=secrets.token_urlsafe(18), token=fresh_token()
        )
        kept = msgspec.json.format(msgspec.json.encode(fresh), indent=2)
        folder.write_secret(FILE, kept)
    admin = msgspec.json.decode(kept, type=AdminFile)
    command_id = CommandId(new_id())
    outcome = await writer.execute(
        Issued(
            command=CreateFirstAdmin(
                user_id=UserId(new_id()),
                name=admin.name,
                password_hash=await passwords.hash(admin.password),
                token_id=TokenId(new_id()),
                token_hash=hash_of(admin.token),
            ),
            actor="controller",
            command_id=command_id,
            correlation_id=command_id,
        )
    )
    if outcome.events:
        log.info("first_admin_made", name=admin.name, credentials=str(folder.path / FILE))
    else:
        # Another controller was faster: what stands in our file opens nothing.
        (folder.path / FILE).unlink()
