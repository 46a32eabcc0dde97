"""One file of every kind that goes wrong in the field, and of those that look wrong and are not."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from tests.pipeline.survey.conftest import SIDE

Maker = Callable[[Path], object]
RNG = np.random.default_rng(5)
PIXELS = RNG.integers(60, 200, (SIDE, SIDE, 3), dtype=np.uint8)


def encoded(kind: str, mode: str = "RGB", **options: object) -> bytes:
    target = io.BytesIO()
    Pillow.fromarray(PIXELS).convert(mode).save(target, kind, **options)
    return target.getvalue()


def png(width: int, height: int, data: bytes = b"", crc_off_by: int = 0) -> bytes:
    """A PNG that says what it is told to say."""

    def piece(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body))
            + kind
            + body
            + struct.pack(">I", (zlib.crc32(kind + body) + crc_off_by) % 2**32)
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", header) + piece(b"IDAT", zlib.compress(data)) + piece(b"IEND", b"")


def with_bytes(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def jpeg_of_size(width: int, height: int) -> bytes:
    content = encoded("JPEG")
    return with_bytes(content, content.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def animation(kind: str) -> bytes:
    target = io.BytesIO()
    frames = [Pillow.fromarray(np.roll(PIXELS, shift, axis=0)) for shift in (0, 9, 18)]
    frames[0].save(target, kind, save_all=True, append_images=frames[1:], duration=100)
    return target.getvalue()


def sixteen_bit_grey() -> bytes:
    target = io.BytesIO()
    Pillow.fromarray(PIXELS[..., 0].astype(np.uint16) * 257).save(target, "PNG")
    return target.getvalue()


def tiff_of_floats() -> bytes:
    target = io.BytesIO()
    Pillow.fromarray(PIXELS[..., 0].astype(np.float32)).save(target, "TIFF")
    return target.getvalue()


def tiff_pages() -> bytes:
    target = io.BytesIO()
    pages = [Pillow.fromarray(PIXELS), Pillow.fromarray(PIXELS[::2, ::2])]
    pages[0].save(target, "TIFF", save_all=True, append_images=pages[1:])
    return target.getvalue()


def tiff_whose_pages_loop() -> bytes:
    content = bytearray(encoded("TIFF"))
    first = struct.unpack("<I", content[4:8])[0]
    entries = struct.unpack("<H", content[first : first + 2])[0]
    content[first + 2 + 12 * entries :][:4] = struct.pack("<I", first)
    end = first + 2 + 12 * entries
    content[end : end + 4] = struct.pack("<I", first)
    return bytes(content)


def broken_exif() -> bytes:
    return encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\x99" * 30)


def turned() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    Pillow.fromarray(PIXELS[: SIDE // 2]).save(target, "JPEG", exif=exif.tobytes())
    return target.getvalue()


def long_text_chunk() -> bytes:
    """A PNG whose comment inflates to 80 MB."""
    body = b"Comment\0\0" + zlib.compress(b" " * 80_000_000)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = encoded("PNG")
    return plain[:33] + chunk + plain[33:]


def file(content: bytes) -> Maker:
    return lambda path: path.write_bytes(content)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def sparse(path: Path) -> None:
    with path.open("wb") as made:
        made.truncate(20 * 2**30)


def link(target: str) -> Maker:
    return lambda path: path.symlink_to(target)


GOOD: dict[str, Maker] = {
    "plain.jpg": file(encoded("JPEG")),
    "really_a_png.jpg": file(encoded("PNG")),
    "upper.JPG": file(encoded("JPEG")),
    "trailing.jpg": file(encoded("JPEG") + b"garbage" * 500),
    "exif.jpg": file(broken_exif()),
    "turned.jpg": file(turned()),
    "cmyk.jpg": file(encoded("JPEG", "CMYK")),
    "progressive.jpg": file(encoded("JPEG", progressive=True)),
    "grey.jpg": file(encoded("JPEG", "L")),
    "grey16.png": file(sixteen_bit_grey()),
    "alpha.png": file(encoded("PNG", "RGBA")),
    "palette.png": file(encoded("PNG", "P")),
    "bilevel.png": file(encoded("PNG", "1")),
    "deflated.tif": file(encoded("TIFF", compression="tiff_deflate")),
    "cmyk.tif": file(encoded("TIFF", "CMYK")),
    "pages.tif": file(tiff_pages()),
    "loop_of_pages.tif": file(tiff_whose_pages_loop()),
    "plain.webp": file(encoded("WEBP")),
    "alpha.webp": file(encoded("WEBP", "RGBA")),
    "plain.bmp": file(encoded("BMP")),
    "still.gif": file(encoded("GIF", "P")),
    "one_pixel.png": file(png(1, 1, b"\0\x80\x80\x80")),
    "thin.png": file(png(300, 1, b"\0" + b"\x80" * 900)),
    "<img src=x onerror=alert(1)>.jpg": file(encoded("JPEG")),
    "line\nbreak | `tick`.jpg": file(encoded("JPEG")),
    "Straße 4 ü.jpg": file(encoded("JPEG")),
    "n" * 251 + ".jpg": file(encoded("JPEG")),
    "linked.jpg": link("plain.jpg"),
}

# name → (how to make it, stage, kind)
BAD: dict[str, tuple[Maker, str, str]] = {
    "truncated.jpg": (file(encoded("JPEG")[:-300]), "decode", "truncated"),
    "truncated.png": (file(encoded("PNG")[:-2000]), "decode", "truncated"),
    "truncated.tif": (file(encoded("TIFF", compression="tiff_lzw")[:-900]), "decode", "damaged"),
    "truncated.webp": (file(encoded("WEBP")[:-200]), "decode", "damaged"),
    "truncated.bmp": (file(encoded("BMP")[:-200]), "decode", "truncated"),
    "empty.jpg": (file(b""), "read", "empty"),
    "text.jpg": (file(b"Dear colleague, the photographs are on the other disk."), "decode", "not a picture"),
    "zeros.jpg": (file(bytes(5000)), "decode", "not a picture"),
    "noise.png": (file(RNG.bytes(4000)), "decode", "not a picture"),
    "header_only.jpg": (file(encoded("JPEG")[:10]), "decode", "truncated"),
    "header_only.png": (file(encoded("PNG")[:33]), "decode", "damaged"),
    "no_width.png": (file(png(0, 40)), "decode", "damaged"),
    "no_height.jpg": (file(jpeg_of_size(40, 0)), "decode", "damaged"),
    "bad_header_sum.png": (file(png(8, 8, bytes(8 * 25), crc_off_by=1)), "decode", "damaged"),
    "bad_data_sum.png": (
        file(with_bytes(encoded("PNG"), encoded("PNG").index(b"IDAT") + 4000, b"\0\0\0\0")),
        "decode",
        "damaged",
    ),
    "bomb.png": (file(png(30_000, 30_000, bytes(1000))), "decode", "too large"),
    "claims.jpg": (file(jpeg_of_size(65_000, 65_000)), "decode", "too large"),
    "above_limit.png": (file(png(1200, 1000, bytes(3601 * 1000))), "decode", "too large"),
    "comment_bomb.png": (file(long_text_chunk()), "decode", "damaged"),
    "animated.gif": (file(animation("GIF")), "decode", "animated"),
    "animated.webp": (file(animation("WEBP")), "decode", "animated"),
    "animated.png": (file(animation("PNG")), "decode", "animated"),
    "phone.heic": (file(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)), "decode", "unsupported"),
    "camera.jpg": (file(b"\0\0\0\x18ftypcrx \0\0\0\1" + bytes(500)), "decode", "unsupported"),
    "scan.jpg": (file(b"%PDF-1.7\n" + bytes(500)), "decode", "unsupported"),
    "print.jpg": (file(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "decode", "unsupported"),
    "floats.tif": (file(tiff_of_floats()), "decode", "unsupported"),
    "folder.jpg": (Path.mkdir, "read", "a folder"),
    "pipe.jpg": (pipe, "read", "not a file"),
    "socket.jpg": (listening, "read", "not a file"),
    "dangling.jpg": (link("nowhere.jpg"), "read", "dangling link"),
    "itself.jpg": (link("itself.jpg"), "read", "link loop"),
    "device.jpg": (link("/dev/zero"), "read", "outside"),
    "outside.jpg": (link("../outside/secret.jpg"), "read", "outside"),
    "up": (link(".."), "list", "link loop"),
    "elsewhere": (link("../outside"), "list", "outside"),
    "here": (link("."), "list", "link loop"),
    "twice": (link("sub"), "list", "linked folder"),
    "sparse.jpg": (sparse, "read", "too large"),
}
