import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import blur_effect

from pipeline.cascade.familiarity import LOOK_PX, Look, describe, distance, look_at, why_unfamiliar

ROAD = Look(120.0, 8.0, 0.18)


def road(height=320, width=480, seed=0):
    """Speckle and stains as of asphalt."""
    draw = np.random.default_rng(seed)
    speckle = draw.normal(120, 25, (height, width))
    stains = cv2.GaussianBlur(draw.normal(0, 300, (height, width)), (0, 0), 3)
    grey = (cv2.GaussianBlur(speckle, (0, 0), 0.6) + stains).clip(0, 255).astype(np.uint8)
    return np.dstack([grey] * 3)


def features(centre, count, seed, channels=12):
    draw = np.random.default_rng(seed)
    return [row.astype(np.float32) for row in draw.normal(centre, 1, (count, channels))]


@pytest.fixture(scope="module")
def familiar():
    looks = [look_at(road(seed=seed)) for seed in range(5)]
    return describe(features(0, 60, 1), features(0, 40, 2), looks)


def test_what_is_alike_is_familiar_and_what_is_not_is_not(familiar):
    alike = [distance(familiar, one) > familiar.farthest for one in features(0, 100, 3)]
    assert np.mean(alike) < 0.15
    assert all(distance(familiar, one) > familiar.farthest for one in features(6, 100, 4))
    assert why_unfamiliar(familiar, features(6, 1, 5)[0], look_at(road())) == "unlike"


def test_what_lies_beside_all_axes_is_unlike_too():
    flat = [row * np.array([1, 1, 0.01, 0.01], np.float32) for row in features(0, 60, 1, 4)]
    familiar = describe(flat[:40], flat[40:], [ROAD])
    assert familiar.axes.shape == (4, 2)
    assert distance(familiar, np.array([0, 0, 0, 0], np.float32)) <= familiar.farthest
    assert distance(familiar, np.array([0, 0, 3, 0], np.float32)) > familiar.farthest


def test_features_of_another_encoder_are_no_question(familiar):
    with pytest.raises(ValueError, match="another encoder"):
        distance(familiar, np.zeros(5, np.float32))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda image: image, None),
        (lambda image: np.ascontiguousarray(image[:, ::-1]), None),
        (lambda image: (image * 0.8).astype(np.uint8), None),
        (lambda image: (image * 0.2).astype(np.uint8), "dark"),
        (lambda image: np.zeros_like(image), "dark"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 3), "blurred"),
        (lambda image: cv2.blur(image, (15, 1)), "blurred"),
        (lambda image: np.full_like(image, 128), "no road"),
        (lambda image: np.full_like(image, 255), "no road"),
        (lambda image: np.linspace(120, 220, image.size).reshape(image.shape).astype(np.uint8), "no road"),
    ],
)
def test_the_reason_is_told(familiar, change, why):
    assert why_unfamiliar(familiar, np.zeros(12, np.float32), look_at(change(road()))) == why


@given(st.integers(1, 300), st.integers(1, 300))
def test_any_size_can_be_looked_at(height, width):
    look = look_at(np.full((height, width, 3), 100, np.uint8))
    assert look.brightness == pytest.approx(100)
    assert look.texture == pytest.approx(0, abs=1e-3)
    assert 0 <= look.blur <= 1


@pytest.mark.parametrize("sigma", [0, 1, 2, 4])
def test_blur_is_that_of_scikit_image(sigma):
    image = road(LOOK_PX, LOOK_PX)
    if sigma:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    assert look_at(image).blur == pytest.approx(blur_effect(image[..., 0]), abs=0.01)


def test_one_picture_can_be_described():
    familiar = describe(features(0, 1, 1), features(0, 1, 2), [ROAD])
    assert np.isfinite(distance(familiar, features(0, 1, 3)[0]))
