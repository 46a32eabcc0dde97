"""Whether an address carries a password, key or signature: those belong in the environment, repeated nowhere."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from models.errors import UsageError

SECRET = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|credentials?|signature|sig|sign|sas|h?mac|auth(orization)?|bearer|jwt"
    r"|(j|php)?sess(ion)?(id)?|code|policy"
    r"|(api|auth|rl|access|account|private|secret|shared|subscription|aws)?keys?(id|name|pairid)?",
    re.IGNORECASE,
)
"""Names of parameters whose values are secrets, or the last words of such names joined."""

# Of these a user's name alone is a token, or nobody's business; elsewhere (sftp, abfs) it is only a name.
NAMES_ARE_TOKENS = ("http", "https", "s3", "s3a", "gs", "gcs", "github", "webdav", "webhdfs")
REMEDY = (
    "Leave it out of the address and set it in the environment of whoever reads there, such as AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY; docs/beyond-one-machine.md lists the variables under Secrets."
)


def carries_credentials(address: str) -> bool:
    """Whether an address, plain or chained with ``::``, holds a password, a token or a signature.

    >>> carries_credentials("s3://KEY:SECRET@roads/A7"), carries_credentials("https://host/1.jpg?X-Amz-Signature=0a")
    (True, True)
    >>> carries_credentials("https://host/1.jpg?rlkey=0a"), carries_credentials("https://host/a;jsessionid=0a")
    (True, True)
    >>> carries_credentials("sftp://survey@host/A7/1.jpg?page=2"), carries_credentials("photos/a:b@c.jpg")
    (False, False)
    """
    return any(_one(part) for part in address.split("::") if "://" in part)


def without_credentials(address: str) -> str:
    """An address fit to be shown: of one that carries credentials only the protocol, since a secret may hold any sign.

    >>> without_credentials("simplecache::https://admin:secret@roads.example/a"), without_credentials("s3://roads/A7")
    ('simplecache::https://…', 's3://roads/A7')
    """
    if not carries_credentials(address):
        return address
    return "::".join(re.sub(r"://.*", "://…", part, flags=re.DOTALL) for part in address.split("::"))


def refuse_credentials(address: str, what: str) -> None:
    """Refuse an address with a secret in it, without repeating the secret.

    Args:
        address: as the user gave it.
        what: which one it is, for the message.

    Raises:
        UsageError: it has one.
    """
    if carries_credentials(address):
        raise UsageError(f"{what} ({without_credentials(address)}) carries a password, key or signature.", REMEDY)


def find_credentials(settings: Any, place: str = "") -> str | None:
    """Where in nested settings an address with a secret in it stands, dotted; None where there is none.

    >>> find_credentials({"settings": {"photos": "s3://k:s@roads", "chunk": 3}})
    'settings.photos'
    """
    if isinstance(settings, str):
        return place if carries_credentials(settings) else None
    pairs: Any = ()
    if isinstance(settings, dict):
        pairs = settings.items()
    elif isinstance(settings, list | tuple):
        pairs = enumerate(settings)
    found = (find_credentials(value, f"{place}.{key}".lstrip(".")) for key, value in pairs)
    return next((one for one in found if one is not None), None)


def _one(address: str) -> bool:
    protocol, _, rest = address.partition("://")
    authority = unquote(re.split(r"[/?#]", rest, maxsplit=1)[0])
    user, at, _ = authority.rpartition("@")
    if at and (":" in user or protocol.lower() in NAMES_ARE_TOKENS):
        return True
    # Keys hold slashes: what looks like host and port, has no number for a port and an @ later, is user and password.
    if "@" in rest and re.fullmatch(r"[^:\[\]]*:\d*", authority) is None and ":" in authority and "[" not in authority:
        return True
    parameters = re.split(r"[?#&;]", rest)[1:]
    given = [pair for text in parameters for pair in parse_qsl(text)]
    return any(_is_secret(name) for name, _ in given)


def _is_secret(name: str) -> bool:
    words = [word for word in re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name) if word]
    return any(SECRET.fullmatch("".join(words[start:])) for start in range(len(words)))
