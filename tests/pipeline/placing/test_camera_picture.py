import numpy as np
import pytest

from pipeline.placing.camera_file import Camera
from pipeline.placing.camera_picture import draw_camera, extent, rectify
from pipeline.placing.road import view_of

CAMERA = Camera.model_validate(
    {
        "view": "forward",
        "size_px": (640, 480),
        "lens": {"focal_px": (500, 500), "centre_px": (320, 240)},
        "mounting": {"height_m": 1.5, "pitch_deg": 20},
        "region": ((0, 480), (200, 200), (440, 200), (640, 480)),
        "lane": {"left_m": -1, "right_m": 1},
    }
)


def test_a_square_on_the_road_is_a_square_from_above() -> None:
    view = view_of(CAMERA, 640, 480)
    assert view is not None
    image = np.zeros((480, 640, 3), np.uint8)
    rows, columns = np.mgrid[:480, :640]
    road = view.to_road(np.stack([columns + 0.5, rows + 0.5], -1).reshape(-1, 2)).reshape(480, 640, 2)
    with np.errstate(invalid="ignore"):
        image[(np.abs(road[..., 0]) < 0.5) & (np.abs(road[..., 1] - 4) < 0.5)] = 255
    low, high = extent(view)
    above, metre = rectify(view, image, low, high)
    lit = np.argwhere(above[..., 0] > 127)
    np.testing.assert_allclose(np.ptp(lit, axis=0) / metre, [1, 1], atol=0.03)
    np.testing.assert_allclose(high[1] - lit[:, 0].mean() / metre, 4, atol=0.03)
    np.testing.assert_allclose(low[0] + lit[:, 1].mean() / metre, 0, atol=0.03)


@pytest.mark.parametrize("camera", [CAMERA, Camera(view="down", scale_mm_per_px=0.7), Camera(view="forward")])
def test_every_camera_can_be_drawn(camera: Camera) -> None:
    drawn = draw_camera(camera, np.full((480, 640, 3), 90, np.uint8))
    assert drawn.dtype == np.uint8
    assert drawn.ndim == 3
    assert (drawn.shape[1] > 640) == camera.has_scale, "the road from above stands beside it"
