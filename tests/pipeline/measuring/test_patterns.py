import cv2
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
    assert areas[0].area_px == pytest.approx(192 * 192, rel=0.1)
    assert areas[0].severity_astm is None
    assert not len(areas[0].line)
    left, top = areas[0].outline.min(axis=0)
    right, bottom = areas[0].outline.max(axis=0)
    assert (left, top) >= (100, 80)
    assert (right, bottom) <= (293, 273)
    # Every metre counts once: what is in the area is no crack of its own.
    assert sum(one.length_px for one in found) == pytest.approx(2 * 9 * 192, rel=0.05)


def test_its_size_is_told_in_metres():
    (area,) = (
        one for one in measure(None, meshes(0), MeasureSettings(), UniformScale(8.0, "gsd")) if one.kind == "pattern"
    )
    assert area.area_m2 == pytest.approx((192 * 0.008) ** 2, rel=0.1)
    assert area.diameter_m == pytest.approx(192 * 0.008 * np.sqrt(2), rel=0.1)
    assert area.area_m2 == pytest.approx(area.area_px * 0.008**2, rel=1e-6)


def test_single_and_crossing_cracks_are_no_area():
    share = np.maximum(bar((10, 200), (490, 205), 4, SIZE), bar((250, 10), (255, 390), 4, SIZE))
    share = np.maximum(share, bar((250, 150), (400, 300), 3, SIZE))
    assert "pattern" not in {one.kind for one in measure(None, share >= 0.5, MeasureSettings())}


def test_area_and_diameter_of_a_rectangle():
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [0.0, 4.0]])
    assert area_of(corners) == 12
    assert diameter_of(corners) == 5


SCALE = UniformScale(2.5, "gsd")


def net(size, columns, rows, mesh, x=0, y=0):
    """Lines of 3 px every `mesh` px, from x, y on."""
    mask = np.zeros(size, bool)
    for k in range(columns + 1):
        mask[y : y + rows * mesh + 3, x + k * mesh : x + k * mesh + 3] = True
    for k in range(rows + 1):
        mask[y + k * mesh : y + k * mesh + 3, x : x + columns * mesh + 3] = True
    return mask


def turned(mask, degrees):
    middle = (mask.shape[1] / 2, mask.shape[0] / 2)
    return cv2.warpAffine(mask * np.uint8(255), cv2.getRotationMatrix2D(middle, degrees, 1), mask.shape[::-1]) >= 128


def areas(mask, scale=SCALE):
    return [one for one in measure(None, mask, MeasureSettings(), scale) if one.kind == "pattern"]


@pytest.mark.parametrize("degrees", [0, 30, 45])
@pytest.mark.parametrize(("columns", "rows"), [(6, 6), (3, 30)])
def test_an_area_is_as_large_as_its_net_whatever_else_there_is(columns, rows, degrees):
    mask = turned(net((1400, 1400), columns, rows, 40, 700 - 20 * columns, 700 - 20 * rows), degrees)
    (area,) = areas(mask)
    # Meshes of 0.1 m and half a crack of 7.5 mm on either side.
    assert area.area_m2 == pytest.approx((0.1 * columns + 0.0075) * (0.1 * rows + 0.0075), rel=0.1)
    for x, y in ((10, 10), (70, 80), (90, 30)):
        mask[y : y + 60, x : x + 3] = True
        assert areas(mask)[0].area_m2 == pytest.approx(area.area_m2, rel=1e-9)
        mask[y : y + 60, x : x + 3] = False


@pytest.mark.parametrize("first", [0, 20])  # its outer lines along the frame, or cut by it in the middle of meshes
def test_a_net_at_the_frame_ends_there(first):
    mask = net((300, 300), 6, 6, 40)[first:, first:]
    (area,) = areas(mask)
    assert area.outline.min() >= 0
    assert area.outline.min() <= 7
    assert area.area_px == pytest.approx((243 - first) ** 2, rel=0.14)  # what runs to the frame is rounded off there


def crossing(count, apart, size=900):
    """`count` cracks each way, 700 px long, `apart` px apart in the middle."""
    mask = np.zeros((size, size), bool)
    for k in range(count):
        at = size // 2 + int((k - (count - 1) / 2) * apart)
        mask[at : at + 3, 100:800] = mask[100:800, at : at + 3] = True
    return mask


def test_cracks_are_cut_where_they_leave_an_area_and_every_metre_counts_once():
    found = measure(None, crossing(5, 45), MeasureSettings(), SCALE)
    (area,) = (one for one in found if one.kind == "pattern")
    assert area.area_m2 == pytest.approx(0.4575**2, rel=0.1)
    assert area.length_m == pytest.approx(10 * 0.4575, rel=0.1)
    kinds = {kind: [one.length_m for one in found if one.kind == kind] for kind in ("longitudinal", "transverse")}
    # 1.75 m of each crack less 0.45 m, half of that on either side.
    assert all(len(metres) == 10 for metres in kinds.values())
    assert all(sum(metres) == pytest.approx(5 * 1.3, rel=0.05) for metres in kinds.values())
    assert sum(one.length_m for one in found) == pytest.approx(17.5, rel=0.01)


def test_a_crack_that_passes_through_an_area_goes_on_behind_it():
    mask = net((1000, 600), 6, 6, 40, 200, 400)
    mask[20:980, 320:323] = True
    found = measure(None, mask, MeasureSettings(), SCALE)
    (area,) = (one for one in found if one.kind == "pattern")
    assert area.area_px == pytest.approx(243**2, rel=0.1)
    beside = sorted(one.length_px for one in found if one.kind == "longitudinal")
    assert beside == pytest.approx([980 - 643, 380], abs=13)  # a pixel of the grid has 12.5
    assert sum(one.length_px for one in found) == pytest.approx(14 * 240 + 720, rel=0.01)


@pytest.mark.parametrize("mask", [crossing(1, 0), crossing(2, 100), net((900, 900), 8, 0, 20, 300, 300)])
def test_few_cracks_or_parallel_ones_are_no_area(mask):
    assert areas(mask) == []
    assert areas(turned(mask, 30)) == []
