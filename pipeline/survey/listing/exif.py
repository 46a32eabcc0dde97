"""Time and place that a photograph's own EXIF tells; where a camera may mean something else, nothing is told."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from PIL import ExifTags
from PIL import Image as Pillow

from pipeline.survey.listing.photographs import Photograph

GPS, BASE = ExifTags.GPS, ExifTags.Base
NORTHS = {"T": "true", "M": "magnetic"}
# Clocks that nobody has set tell 1970 or 1980, and broken ones years far off.
EARLIEST, LATEST = datetime(1990, 1, 1), datetime(2100, 1, 1)
OTHER_DATUMS = ("TOKYO",)  # 450 m from WGS 84; all others in use differ by less than a fix is wrong


class Told(NamedTuple):
    """What EXIF tells; the same names as in `Photograph`.

    Attributes:
        taken_at: UTC, from a local time with its offset, or from the GPS.
        taken_local: ISO 8601 without zone, as the camera's clock had it.
        heading_deg: of the camera, 0 ≤ h < 360, clockwise from `heading_reference` (``true``, ``magnetic``, None).
    """

    taken_at: datetime | None = None
    taken_local: str | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    heading_deg: float | None = None
    heading_reference: str | None = None


def read_exif(content: bytes, formats: tuple[str, ...] | None = None) -> Told:
    """Time and place in a photograph's EXIF; nothing where it has none or is damaged.

    Args:
        content: the whole file; its pixels are not decoded.
        formats: Pillow's names of those that are opened.
    """
    try:
        with Pillow.open(io.BytesIO(content), formats=formats) as picture:
            exif = picture.getexif()
            return told_by(exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo))
    except Exception:  # whatever a parser stumbles over here costs no photograph its cracks
        return Told()


def told_by(camera: Mapping[int, Any], gps: Mapping[int, Any]) -> Told:
    """What the tags of the camera and those of the GPS tell together."""
    at, local = _clock(camera)
    latitude, longitude = _position(gps) or (None, None)
    heading, reference = _heading(gps)
    return Told(at or _gps_time(gps), local, latitude, longitude, heading, reference)


def fill_place(photograph: Photograph, told: Told) -> Photograph:
    """The photograph with EXIF's time, position and heading where its manifest tells none, or of the time the day."""
    new: dict[str, Any] = {}
    if photograph.taken_at is None and _is_on(photograph.taken_local, told):
        new |= {"taken_at": told.taken_at, "taken_local": told.taken_local}
    if photograph.latitude_deg is None:
        new |= {"latitude_deg": told.latitude_deg, "longitude_deg": told.longitude_deg}
    if photograph.heading_deg is None:
        new |= {"heading_deg": told.heading_deg, "heading_reference": told.heading_reference}
    return photograph._replace(**new)


def _is_on(local: str | None, told: Told) -> bool:
    """Whether EXIF's time may stand for what a list tells: nothing, or a day alone, on which it is."""
    if local is None:
        return True
    moment = told.taken_local or (None if told.taken_at is None else told.taken_at.isoformat())
    return len(local) == len("2026-05-31") and moment is not None and moment.startswith(local)


def _clock(camera: Mapping[int, Any]) -> tuple[datetime | None, str | None]:
    """Moment in UTC where the offset is told, and the local time."""
    for time, offset, fraction in (
        (BASE.DateTimeOriginal, BASE.OffsetTimeOriginal, BASE.SubsecTimeOriginal),
        (BASE.DateTimeDigitized, BASE.OffsetTimeDigitized, BASE.SubsecTimeDigitized),
    ):
        found = re.fullmatch(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)", _text(camera.get(time)))
        if found is None:
            continue
        try:
            local = datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:  # 0000:00:00, 24:00:00
            continue
        if not EARLIEST <= local < LATEST:
            continue
        if digits := re.match(r"\d+", _text(camera.get(fraction))):
            local += timedelta(seconds=float(f"0.{digits[0][:6]}"))
        zone = re.fullmatch(r"([+-])(\d\d):(\d\d)|Z", _text(camera.get(offset)))
        if zone is None:
            return None, local.isoformat()
        minutes = int(zone[2]) * 60 + int(zone[3]) if zone[1] else 0
        if minutes > 14 * 60:
            return None, local.isoformat()
        ahead = timedelta(minutes=minutes) * (-1 if zone[1] == "-" else 1)
        return (local - ahead).replace(tzinfo=UTC), local.isoformat()
    return None, None


def _gps_time(gps: Mapping[int, Any]) -> datetime | None:
    """The GPS's own date and time, which are UTC."""
    day = re.fullmatch(r"(\d{4})[:/-](\d\d)[:/-](\d\d)", _text(gps.get(GPS.GPSDateStamp)))
    parts = _numbers(gps.get(GPS.GPSTimeStamp))
    if day is None or parts is None or len(parts) != 3 or not (parts[0] < 24 and parts[1] < 60 and parts[2] < 61):
        return None
    try:
        midnight = datetime(*(int(part) for part in day.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    at = midnight + timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2])
    return at if EARLIEST <= at.replace(tzinfo=None) < LATEST else None


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Latitude and longitude, degrees; None without a fix, without references, at (0, 0) or on another datum."""
    if _text(gps.get(GPS.GPSStatus)).upper() == "V" or _text(gps.get(GPS.GPSMapDatum)).upper() in OTHER_DATUMS:
        return None
    latitude = _angle(gps.get(GPS.GPSLatitude), _text(gps.get(GPS.GPSLatitudeRef)), "NS", 90)
    longitude = _angle(gps.get(GPS.GPSLongitude), _text(gps.get(GPS.GPSLongitudeRef)), "EW", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    return latitude, longitude


def _angle(value: Any, reference: str, signs: str, most: float) -> float | None:
    parts = _numbers(value)
    side = reference.upper()[:1]
    if parts is None or not 1 <= len(parts) <= 3 or side == "" or side not in signs:
        return None
    if any(part < 0 for part in parts) or any(part > 60 for part in parts[1:]):
        return None
    degrees = sum(part / 60**power for power, part in enumerate(parts))
    return None if degrees > most else degrees * (-1 if side == signs[1] else 1)


def _heading(gps: Mapping[int, Any]) -> tuple[float | None, str | None]:
    parts = _numbers(gps.get(GPS.GPSImgDirection))
    if parts is None or len(parts) != 1 or not 0 <= parts[0] <= 360:
        return None, None
    return parts[0] % 360, NORTHS.get(_text(gps.get(GPS.GPSImgDirectionRef)).upper()[:1])


def _numbers(value: Any) -> list[float] | None:
    """Rationals as numbers; None where one has a zero denominator or is none."""
    try:
        numbers = [float(part) for part in (value if isinstance(value, tuple | list) else (value,))]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return numbers if numbers and all(math.isfinite(number) for number in numbers) else None


def _text(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return text.replace("\0", " ").strip()
