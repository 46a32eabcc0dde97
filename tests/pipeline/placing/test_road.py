import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.placing.camera_file import Camera
from pipeline.placing.road import WrongSizeError, polygon_mask, view_of

LENS = {"focal_px": (1000, 1000), "centre_px": (640, 480), "distortion": (-0.12, 0.03, 0.001, -0.0005)}
REGION = ((0, 960), (400, 420), (880, 420), (1280, 960))


def mounted(
    height: float = 1.5, pitch: float = 15, roll: float = 0, axis: float = 0, lens: dict[str, object] = LENS
) -> Camera:
    return Camera.model_validate(
        {
            "view": "forward",
            "size_px": (1280, 960),
            "lens": lens,
            "mounting": {"height_m": height, "pitch_deg": pitch, "roll_deg": roll},
            "region": REGION,
            "lane": {"axis_deg": axis},
        }
    )


def test_the_optical_axis_meets_the_road_where_trigonometry_says() -> None:
    view = view_of(mounted(height=1.5, pitch=30), 1280, 960)
    assert view is not None
    # The middle of pixel (640, 480), which `centre_px` names, is half a pixel from the corner that pixels count from.
    np.testing.assert_allclose(view.to_road(np.array([[640.5, 480.5]])), [[0, 1.5 / np.tan(np.radians(30))]], atol=1e-9)
    right = view.to_road(np.array([[740.5, 480.5]]))[0]
    # On the axis' row a px across is (distance along the axis) / focal length.
    assert right[0] == pytest.approx(0.1 * 1.5 / np.sin(np.radians(30)), rel=0.01)


@pytest.mark.parametrize("distortion", [(), LENS["distortion"]])
@pytest.mark.parametrize("size", [(1280, 960), (640, 480)])
def test_a_lens_means_what_opencv_means_by_it(distortion: tuple[float, ...], size: tuple[int, int]) -> None:
    view = view_of(mounted(height=1.5, pitch=10, lens=LENS | {"distortion": distortion}), *size)
    assert view is not None
    road = np.array([[0.0, 12.0], [1.5, 12.0], [-1.2, 4.0], [0.4, 8.0]])
    matrix = np.array([[1000.0, 0, 640], [0, 1000.0, 480], [0, 0, 1]])
    seen = np.column_stack([road[:, 0], np.full(4, 1.5), road[:, 1]])  # right, down and ahead of a camera held level
    centres, _ = cv2.projectPoints(
        seen, np.radians([10.0, 0, 0]), np.zeros(3), matrix, np.array(distortion or [0.0] * 4)
    )
    # OpenCV has pixel centres at whole numbers, lines and masks here pixel corners.
    pixels = (centres.reshape(-1, 2) + 0.5) * size[0] / 1280
    np.testing.assert_allclose(view.to_picture(road), pixels, atol=1e-6)
    np.testing.assert_allclose(view.to_road(pixels), road, atol=1e-5)


def test_roll_clockwise_raises_the_road_on_the_left_of_the_picture() -> None:
    plain = {**LENS, "distortion": ()}
    view = view_of(mounted(roll=5, lens=plain), 1280, 960)
    assert view is not None
    left, right = view.to_picture(np.array([[-1.0, 6.0], [1.0, 6.0]]))
    assert left[1] > right[1], "a head leant to the right sees the left side of the road lower down"


@given(
    st.floats(0.8, 3),
    st.floats(12, 80),
    st.floats(-10, 10),
    st.floats(-30, 30),
    st.lists(st.tuples(st.floats(350, 900), st.floats(500, 900)), min_size=1, max_size=5),
)
def test_there_and_back(
    height: float, pitch: float, roll: float, axis: float, pixels: list[tuple[float, float]]
) -> None:
    view = view_of(mounted(height, pitch, roll, axis), 1280, 960)
    assert view is not None
    points = np.array(pixels)
    road = view.to_road(points)
    seen = np.isfinite(road).all(axis=1)
    np.testing.assert_allclose(view.to_picture(road[seen]), points[seen], atol=1e-3)


def test_the_jacobian_is_the_change_of_place() -> None:
    view = view_of(mounted(), 1280, 960)
    assert view is not None
    at = np.array([[700.0, 600.0]])
    step = np.array([0.01, -0.02])
    np.testing.assert_allclose(
        view.jacobians(at)[0] @ step, (view.to_road(at + step) - view.to_road(at))[0], rtol=1e-3, atol=1e-9
    )


def test_a_scale_looks_down_on_the_middle_of_the_picture() -> None:
    view = view_of(Camera(view="down", scale_mm_per_px=2), 100, 60)
    assert view is not None
    np.testing.assert_allclose(view.to_road(np.array([[50, 30], [100, 0]])), [[0, 0], [0.1, 0.06]])
    np.testing.assert_allclose(view.footprint().min(axis=0), [-0.1, -0.06])


def test_the_lane_axis_turns_the_road() -> None:
    view = view_of(Camera.model_validate({"view": "down", "scale_mm_per_px": 1, "lane": {"axis_deg": 90}}), 100, 100)
    assert view is not None
    # Travel goes to the picture's right: a px further right lies ahead, one further down lies to the right.
    np.testing.assert_allclose(view.to_road(np.array([[150.0, 50.0], [50.0, 150.0]])), [[0, 0.1], [0.1, 0]], atol=1e-12)


def test_a_smaller_copy_of_a_photograph_shows_the_same_road() -> None:
    whole, half = view_of(mounted(), 1280, 960), view_of(mounted(), 640, 480)
    assert whole is not None
    assert half is not None
    at = np.array([[700.0, 600.0]])
    np.testing.assert_allclose(half.to_road(at / 2), whole.to_road(at))
    np.testing.assert_allclose(half.region, whole.region / 2)
    scaled = Camera(view="down", size_px=(200, 100), scale_mm_per_px=1)
    small = view_of(scaled, 100, 50)
    assert small is not None
    assert small.jacobians(np.array([[50.0, 25.0]]))[0, 0, 0] == pytest.approx(0.002)


def test_a_photograph_of_another_shape_is_no_photograph_of_this_camera() -> None:
    with pytest.raises(WrongSizeError, match="1000×1000"):
        view_of(mounted(), 1000, 1000)


def test_without_a_scale_there_is_no_view_but_a_region() -> None:
    oblique = Camera(view="forward", size_px=(1280, 960), region=REGION)
    assert view_of(oblique, 1280, 960) is None
    assert view_of(oblique, 1280, 960, mm_per_px=2.0) is None, "no single scale holds for a view ahead"
    told = view_of(Camera(view="down"), 100, 50, mm_per_px=2.0)
    assert told is not None
    assert told.jacobians(np.array([[1.0, 1.0]]))[0, 0, 0] == pytest.approx(0.002)


def test_a_polygon_as_a_mask() -> None:
    mask = polygon_mask(np.array([(2.0, 2.0), (8.0, 2.0), (8.0, 6.0), (2.0, 6.0)]), 8, 10)
    assert mask.shape == (8, 10)
    assert mask[4, 5]
    assert not mask[0, 0]
    assert not mask[7, 9]
