import numpy as np
import pytest

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


@pytest.mark.parametrize(("near", "far"), [(4, 6), (6, 9), (9, 12)])
@pytest.mark.parametrize("degrees", [0, 20])
def test_a_crack_of_6_mm_through_a_forward_camera(near: float, far: float, degrees: float) -> None:
    view = view_of(CAMERA, WIDTH, HEIGHT)
    assert view is not None
    angle = np.radians(degrees)
    middle, tangent = np.array([0.2, (near + far) / 2]), np.array([np.sin(angle), np.cos(angle)])
    length = (far - near) * 0.9
    ends = view.to_picture(middle + np.array([[-length / 2], [length / 2]]) * tangent)
    left, top = np.floor(ends.min(axis=0)).astype(int) - 12
    right, bottom = np.ceil(ends.max(axis=0)).astype(int) + 12
    fine = (np.arange(FINE) + 0.5) / FINE
    x, y = ((np.arange(a, b)[:, None] + fine).ravel() for a, b in ((left, right), (top, bottom)))
    road = view.to_road(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)) - middle
    inside = (np.abs(road @ tangent) <= length / 2) & (np.abs(road @ [tangent[1], -tangent[0]]) <= 0.003)
    coverage = inside.reshape(bottom - top, FINE, right - left, FINE).mean(axis=(1, 3))
    probability = np.zeros((HEIGHT, WIDTH), np.float32)
    probability[top:bottom, left:right] = coverage
    (crack,) = measure(probability, probability >= 0.5, MeasureSettings(), view)
    assert crack.width_mean_mm == pytest.approx(6, rel=0.10)  # worst 4.2 %, where a pixel is 5 mm
    assert crack.length_m == pytest.approx(length, rel=0.04)
