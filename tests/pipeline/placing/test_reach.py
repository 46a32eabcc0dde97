import cv2
import numpy as np
import pytest

from pipeline.measuring.crack import Crack
from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.camera_file import Camera
from pipeline.placing.road import view_of

WIDTH, HEIGHT, FINE = 4096, 2160, 5
CAMERA = Camera.model_validate(
    {
        "view": "forward",
        "size_px": (WIDTH, HEIGHT),
        "lens": {"focal_px": (4000, 4000), "centre_px": (WIDTH / 2, HEIGHT / 2)},
        "mounting": {"height_m": 2.0, "pitch_deg": 20},
        "region": ((0, HEIGHT), (0, 0), (WIDTH, 0), (WIDTH, HEIGHT)),
    }
)


VIEW = view_of(CAMERA, WIDTH, HEIGHT)


def seen(start: tuple[float, float], end: tuple[float, float], from_mm: float, to_mm: float) -> Crack:
    """What is measured of a straight crack of the road, m right and ahead, whose width grows evenly, mm."""
    assert VIEW is not None
    way = np.subtract(end, start)
    length = np.hypot(*way)
    tangent, middle = way / length, np.add(start, end) / 2
    ends = VIEW.to_picture(np.array([start, end]))
    left, top = np.floor(ends.min(axis=0)).astype(int) - 12
    right, bottom = np.ceil(ends.max(axis=0)).astype(int) + 12
    probability = np.zeros((HEIGHT, WIDTH), np.float32)
    fine = (np.arange(FINE) + 0.5) / FINE
    for row in range(top, bottom):  # one by one, for a long crack has many
        x, y = ((np.arange(a, b)[:, None] + fine).ravel() for a, b in ((left, right), (row, row + 1)))
        road = VIEW.to_road(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)) - middle
        along = road @ tangent / length
        half = (from_mm + (to_mm - from_mm) * (along + 0.5)) / 2000
        inside = (np.abs(along) <= 0.5) & (np.abs(road @ [tangent[1], -tangent[0]]) <= half)
        probability[row, left:right] = inside.reshape(FINE, right - left, FINE).mean(axis=(0, 2))
    (crack,) = measure(probability, probability >= 0.5, MeasureSettings(), VIEW)
    assert crack.length_m == pytest.approx(length, rel=0.04)
    return crack


@pytest.mark.parametrize(("near", "far"), [(4, 6), (6, 9), (9, 12)])
@pytest.mark.parametrize("degrees", [0, 20])
def test_a_crack_of_6_mm_through_a_forward_camera(near: float, far: float, degrees: float) -> None:
    angle = np.radians(degrees)
    middle, half = np.array([0.2, (near + far) / 2]), np.array([np.sin(angle), np.cos(angle)]) * (far - near) * 0.45
    crack = seen(tuple(middle - half), tuple(middle + half), 6, 6)
    assert crack.width_mean_mm == pytest.approx(6, rel=0.10)  # worst 2.7 %, where a pixel is 5 mm


@pytest.mark.parametrize("right", [0.2, 1.2])
def test_a_long_crack_is_as_wide_as_its_pieces(right: float) -> None:
    """Its pixels are fine near the camera, where it has most of them, and coarse far off."""
    crack = seen((right, 4), (right + 0.3, 14), 12, 12)
    assert crack.width_mean_mm == pytest.approx(12, rel=0.01)
    assert (crack.severity_astm, crack.severity_ltpp) == ("medium", None)  # a pixel is 2.3 to 2.6 mm wide


@pytest.mark.parametrize(("from_mm", "to_mm"), [(10, 20), (20, 10)])
def test_each_metre_of_a_crack_weighs_the_same(from_mm: float, to_mm: float) -> None:
    assert seen((0.2, 4), (0.3, 14), from_mm, to_mm).width_mean_mm == pytest.approx(15, rel=0.015)


def test_cracks_of_an_area_are_as_wide_far_off_as_near() -> None:
    assert VIEW is not None
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    along = [[(x - 0.01, 4), (x + 0.01, 4), (x + 0.01, 10), (x - 0.01, 10)] for x in np.arange(-0.6, 0.61, 0.2)]
    across = [[(-0.6, y - 0.01), (0.6, y - 0.01), (0.6, y + 0.01), (-0.6, y + 0.01)] for y in np.arange(4, 10.01, 0.2)]
    for corners in along + across:
        pixels = VIEW.to_picture(np.array(corners, float)) - 0.5
        cv2.fillConvexPoly(drawn, np.round(pixels * 16).astype(np.int32), 1, shift=4)
    found = measure(None, drawn > 0, MeasureSettings(), VIEW)
    (area,) = (crack for crack in found if crack.kind == "pattern")
    # OpenCV fills the outline too: half a pixel on either side.
    assert area.width_mean_mm == pytest.approx(20 + area.mm_per_px, rel=0.05)
