"""Addresses that fsspec knows: what is one, what lies below it, and what is a plain path in an address's clothes.

An address may be a chain, ``zip://DCIM::s3://roads/card.zip``: its path stands in the first link that has one.
"""

from __future__ import annotations

import re
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from models.errors import UsageError


def is_address(text: str) -> bool:
    """Whether `text` has a protocol; ``::`` alone may stand in the name of a folder.

    >>> is_address("s3://roads/2026"), is_address("/mnt/photos"), is_address("simplecache::http://host/")
    (True, False, True)
    >>> is_address("zip::card.zip"), is_address("A7::north/1.jpg")
    (True, False)
    """
    first, chained, _ = text.partition("::")
    return "://" in text or (bool(chained) and first in known_implementations)


def plain_place(text: str) -> str:
    """A place as the user wrote it, with ``~`` expanded; ``file://`` becomes the path that it is, with its checks.

    >>> plain_place("file:///mnt/A7/*.jpg"), plain_place("s3://roads/~"), plain_place("zip://::a.zip")[:9]
    ('/mnt/A7/*.jpg', 's3://roads/~', 'zip://::/')
    """
    if not is_address(text):
        return str(Path(text).expanduser()) if text.startswith("~") else text
    links = text.split("::")
    if re.match(r"(file|local)://", links[-1]) or (len(links) > 1 and "://" not in links[-1]):
        links[-1] = str(LocalFileSystem._strip_protocol(links[-1]))  # absolute
    return "::".join(links)


def below(address: str, name: str) -> str:
    """The address of what lies below one.

    >>> below("zip://DCIM::card.zip", "1.jpg"), below("simplecache::s3://roads", "1.jpg"), below("zip://::a.zip", "1")
    ('zip://DCIM/1.jpg::card.zip', 'simplecache::s3://roads/1.jpg', 'zip://1::a.zip')
    """
    links, at = chain(address)
    links[at] += name if links[at].endswith("/") else f"/{name}"
    return "::".join(links)


def parent(address: str) -> tuple[str, str]:
    """The address of the folder that something lies in, and its name there.

    >>> parent("zip://DCIM/1.jpg::card.zip"), parent("s3://roads/1.jpg"), parent("zip://1.jpg::card.zip")
    (('zip://DCIM::card.zip', '1.jpg'), ('s3://roads', '1.jpg'), ('zip://::card.zip', '1.jpg'))
    """
    links, at = chain(address)
    folder, _, name = links[at].rstrip("/").rpartition("/")
    links[at] = f"{folder}/" if folder.endswith(":/") else folder
    return "::".join(links), name


def chain(address: str) -> tuple[list[str], int]:
    """The links of a chain, each a file system that lies on the next, and which of them has the path."""
    links = address.split("::") if is_address(address) else [address]
    return links, next((number for number, link in enumerate(links) if "://" in link), len(links) - 1)


def no_address(given: object, name: str | None) -> object:
    """What is given for a path on this machine; ``file://`` becomes the path that it is.

    Raises:
        UsageError: it is another address, of whose name a path would make folders where one stands.
    """
    if not isinstance(given, str):
        return given
    place = plain_place(given)
    if not is_address(place):
        return place
    raise UsageError(f"--{name} is an address, and only photographs may lie at one.", "Give a path of this machine.")


def not_empty(given: object, name: str | None) -> object:
    """What is given for a path, unless it is empty text.

    An empty path is the folder one stands in: a variable that is not set would survey all that lies below it.

    Raises:
        UsageError: it is empty.
    """
    if isinstance(given, str) and not given.strip():
        option = "PHOTOS" if name == "photos" else f"--{name}"
        raise UsageError(f"{option} is empty.", "Give a path. Perhaps a variable in the command is not set.")
    return given
