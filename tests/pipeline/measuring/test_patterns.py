import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.patterns import area_of, diameter_of
from pipeline.measuring.scale import UniformScale
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import bar

SIZE = (400, 500)


def meshes(gap):
    """Alligator cracks 24 px apart in x 100–292, y 80–272, every line broken by `gap` px here and there."""
    share = np.zeros(SIZE, np.float32)
    for k in range(9):
        share = np.maximum(share, bar((100.5 + 24 * k, 80), (100.5 + 24 * k, 272), 3, SIZE))
        share = np.maximum(share, bar((100, 80.5 + 24 * k), (292, 80.5 + 24 * k), 3, SIZE))
    mask = share >= 0.5
    if gap:
        for k in range(8):
            mask[80:272, 112 + 24 * k : 112 + 24 * k + gap] = False  # no mesh is closed any more
    return mask


@pytest.mark.parametrize("gap", [0, 3])
def test_a_network_is_one_area_whether_its_meshes_are_closed_or_not(gap):
    found = measure(None, meshes(gap), MeasureSettings())
    areas = [one for one in found if one.kind == "pattern"]
    assert len(areas) == 1
    assert areas[0].area_px == pytest.approx(192 * 192, rel=0.35)
    assert areas[0].severity_astm is None
    assert not len(areas[0].line)
    left, top = areas[0].outline.min(axis=0)
    right, bottom = areas[0].outline.max(axis=0)
    assert left >= 50
    assert top >= 40
    assert right <= 350
    assert bottom <= 330
    # Every metre counts once: what is in the area is no crack of its own.
    assert sum(one.length_px for one in found) == pytest.approx(2 * 9 * 192, rel=0.05)


def test_its_size_is_told_in_metres():
    (area,) = (
        one for one in measure(None, meshes(0), MeasureSettings(), UniformScale(8.0, "gsd")) if one.kind == "pattern"
    )
    assert area.area_m2 == pytest.approx((192 * 0.008) ** 2, rel=0.4)
    assert area.diameter_m == pytest.approx(192 * 0.008 * np.sqrt(2), rel=0.4)
    assert area.area_m2 == pytest.approx(area.area_px * 0.008**2, rel=1e-6)


def test_single_and_crossing_cracks_are_no_area():
    share = np.maximum(bar((10, 200), (490, 205), 4, SIZE), bar((250, 10), (255, 390), 4, SIZE))
    share = np.maximum(share, bar((250, 150), (400, 300), 3, SIZE))
    assert "pattern" not in {one.kind for one in measure(None, share >= 0.5, MeasureSettings())}


def test_area_and_diameter_of_a_rectangle():
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [0.0, 4.0]])
    assert area_of(corners) == 12
    assert diameter_of(corners) == 5
