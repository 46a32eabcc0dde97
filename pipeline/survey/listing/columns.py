"""The columns of a manifest: the usual names of each, which of them are known, which are passed over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from models.errors import DataError
from pipeline.measuring.scale import COARSEST_MM, FINEST_MM


class Column(NamedTuple):
    """What a column holds.

    Attributes:
        field: of `pipeline.survey.listing.photographs.Photograph`, or ``path`` or ``date``.
        factor: by which its numbers are multiplied to have the field's unit.
    """

    field: str
    factor: float = 1.0


LIMITS = {
    "latitude_deg": (-90.0, 90.0),
    "longitude_deg": (-180.0, 180.0),
    "heading_deg": (-360.0, 360.0),
    "gsd_mm_per_px": (FINEST_MM, COARSEST_MM),
    "chainage_m": (-1e8, 1e8),
}
"""Lowest and highest number of each field: what lies beyond cannot be what the column says."""

KM, MILE, FOOT = 1000.0, 1609.344, 0.3048

NAMES: tuple[tuple[Column, str, str], ...] = (
    (
        Column("path"),
        "path",
        "file, file_name, file_path, image, image_name, image_path, image_file, img, img_path, photo, photo_path, "
        "photograph, picture, source_file, uri, url, name, datei, dateiname, foto, bild, archivo, fichero, imagen, "
        "ficheiro, arquivo, imagem, fichier",
    ),
    (
        Column("taken_at"),
        "time, taken_at",
        "timestamp, date_time, time_utc, utc, utc_time, utc_datetime, captured_at, capture_time, acquired_at, "
        "acquisition_time, taken, gps_time, gps_date_time, date_taken",
    ),
    (Column("date"), "date", "day, capture_date, gps_date, date_utc"),
    (Column("taken_local"), "taken_local", "local_time, time_local, date_time_original, create_date"),
    (
        Column("latitude_deg"),
        "latitude, latitude_deg",
        "lat, lat_deg, y, gps_latitude, gps_lat, lat_wgs84, latitude_wgs84, breitengrad, latitud",
    ),
    (
        Column("longitude_deg"),
        "longitude, longitude_deg",
        "lon, lng, long, lon_deg, long_deg, x, gps_longitude, gps_lon, gps_lng, gps_long, lon_wgs84, longitude_wgs84, "
        "längengrad, longitud",
    ),
    (Column("latitude_reference"), "latitude_reference", "gps_latitude_ref, latitude_ref, lat_ref"),
    (Column("longitude_reference"), "longitude_reference", "gps_longitude_ref, longitude_ref, lon_ref, long_ref"),
    (
        Column("heading_deg"),
        "heading, heading_deg",
        "bearing, azimuth, yaw, course, compass, gps_img_direction, camera_heading, heading_true",
    ),
    (Column("heading_reference"), "heading_reference", "gps_img_direction_ref, heading_ref"),
    (
        Column("chainage_m"),
        "chainage, chainage_m",
        "station, station_m, stationing, sta, odometer_m, pk_m",
    ),
    (Column("chainage_m", KM), "chainage_km", "km, station_km, odometer_km, pk, kp, kilometre, kilometer"),
    (
        Column("chainage_m", MILE),
        "chainage_mi",
        "mile, miles, milepost, mp, mile_point, odometer_mi",
    ),
    (Column("chainage_m", FOOT), "chainage_ft", "station_ft"),
    (
        Column("gsd_mm_per_px"),
        "gsd_mm_per_px",
        "gsd, gsd_mm, mm_per_px, mm_per_pixel, mm_px, gsd_mm_px, pixel_size_mm, scale_mm_per_px, resolution_mm",
    ),
    (Column("gsd_mm_per_px", 10.0), "gsd_cm_per_px", "gsd_cm, cm_per_px, cm_per_pixel, gsd_cm_px, pixel_size_cm"),
    (Column("gsd_mm_per_px", 1000.0), "gsd_m_per_px", "gsd_m, m_per_px, m_per_pixel, gsd_m_px, pixel_size_m"),
    (
        Column("route_id"),
        "route_id",
        "route, road, road_id, road_name, road_number, route_name, street, link_id, highway",
    ),
    (Column("direction"), "direction", "dir, carriageway, travel_direction, direction_of_travel"),
    (Column("lane"), "lane", "lane_id, lane_no, lane_number, lane_name"),
)
"""Column, its own names, the usual ones that others give it. A column with its own name wins over a usual
one; upper and lower case, spaces, signs and brackets make no difference. docs/manifests.md shows the same table."""

WEAK = "image, photo, picture, uri, url, name, x, y"
"""Usual names that hold something else as often: they count only where no other column holds their field."""

PATH_NAMES = (
    "path, and for more: time, latitude, longitude, heading, chainage, route_id, direction, lane, gsd_mm_per_px"
)


class Header(NamedTuple):
    """Columns of one manifest.

    Attributes:
        known: what each named column holds, by its name as written.
        passed_over: the names of all others.
    """

    known: dict[str, Column]
    passed_over: tuple[str, ...]

    @property
    def told(self) -> str:
        """The columns passed over, for a message."""
        return shown(self.passed_over)


def plain(name: str) -> str:
    """A column's name without what makes no difference.

    >>> plain("Chainage (km)"), plain(" GPS_Latitude [°]"), plain("dateTime")
    ('chainagekm', 'gpslatitude', 'datetime')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


_OWN = {plain(name): column for column, own, _ in NAMES for name in own.split(", ")}
_ALL = {plain(name): column for column, _, usual in NAMES for name in usual.split(", ")}
_USUAL, _WEAK = ({name: _ALL[name] for name in _ALL if (name in WEAK.split(", ")) is weak} for weak in (False, True))


def names_photographs(names: Iterable[str]) -> bool:
    """Whether one of these is a name of the column ``path``."""
    return any((_OWN | _ALL).get(plain(name)) == Column("path") for name in names)


def read_header(names: Iterable[str], address: str) -> Header:
    """Tell known and other columns apart.

    Args:
        names: of the columns, as written.
        address: of the manifest, for messages.

    Raises:
        DataError: none names the photographs, or two columns hold the same.
    """
    listed = [name for name in names if name is not None]
    if any("\udc80" <= sign <= "\udcff" for name in listed for sign in name):
        raise DataError(f"The manifest {address} is not UTF-8.", "Save it as CSV UTF-8.")
    known: dict[str, Column] = {}
    for table in (_OWN, _USUAL, _WEAK):
        told = {column.field for column in known.values()}
        for name in listed:
            column = table.get(plain(name))
            if column is None or column.field in told or name in known:
                continue
            twin = next((other for other in known if known[other].field == column.field), None)
            if twin is not None:
                raise DataError(
                    f"The manifest {address} tells {column.field} twice, as {twin!r} and {name!r}.",
                    "Remove one of the columns, or name the right one as docs/manifests.md does.",
                )
            known[name] = column
    if len(set(listed) & set(known)) < sum(name in known for name in listed):
        raise DataError(f"The manifest {address} has two columns of one name.", "Remove one of them.")
    if not any(column.field == "path" for column in known.values()):
        raise DataError(
            f"The manifest {address} has no column 'path', only: {shown(listed) or 'nothing'}.",
            f"Name that of the photographs {PATH_NAMES}; docs/manifests.md lists other names that are known.",
        )
    return Header(known, tuple(name for name in listed if name.strip() and name not in known))


def shown(names: Iterable[str], most: int = 8) -> str:
    """The first few names of columns, none too long, for a message.

    >>> shown(["a", "b"]), shown(["x"] * 10, most=2)
    ("'a', 'b'", "'x', 'x' and 8 more")
    """
    listed = list(names)
    text = ", ".join(repr(name if len(name) <= 40 else f"{name[:39]}…") for name in listed[:most])
    return text + (f" and {len(listed) - most} more" if len(listed) > most else "")
