"""What ioFog's clients say and hear of users. Pure."""

from msgspec import UNSET, Struct, UnsetType

from ecn.iofog.fields import Email, Password, PersonsName


class SignUp(Struct, frozen=True, rename="camel"):
    """Someone makes an account."""

    first_name: PersonsName
    last_name: PersonsName
    email: Email
    password: Password


class SignedUp(Struct, frozen=True, rename="camel"):
    """The account."""

    user_id: int
    first_name: str
    last_name: str
    email: str
    email_activated: bool


class Login(Struct, frozen=True):
    """Any user's name does for `email`."""

    email: str
    password: str


class LoginAnswer(Struct, frozen=True, rename="camel"):
    """A token, to be sent as it is in the header Authorization."""

    access_token: str


class Activate(Struct, frozen=True, rename="camel"):
    """A code that was in a mail."""

    activation_code: str


class ProfileAnswer(Struct, frozen=True, rename="camel"):
    """Who somebody is."""

    first_name: str
    last_name: str
    email: str


class ProfileChange(Struct, frozen=True, rename="camel"):
    """What is absent stays."""

    first_name: PersonsName | UnsetType = UNSET
    last_name: PersonsName | UnsetType = UNSET


class DeleteUser(Struct, frozen=True):
    """With `force` also while agents of theirs run."""

    force: bool = False


class PasswordChange(Struct, frozen=True, rename="camel"):
    """All tokens end with the old one."""

    old_password: str
    new_password: Password


class PasswordReset(Struct, frozen=True):
    """Whose."""

    email: Email
