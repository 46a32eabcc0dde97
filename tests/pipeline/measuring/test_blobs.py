from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measuring.blobs import blobs_by_area
from pipeline.measuring.cracks import measure
from pipeline.measuring.scale import UniformScale
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import area, turned

SETTINGS = MeasureSettings()
SIZE, MM = (130, 130), 2.0

degrees = st.floats(0, 180)
places = st.tuples(st.floats(64.5, 65.5), st.floats(64.5, 65.5))


def ellipse(width, ratio, degrees, middle):
    def inside(x, y):
        along, beside = turned(x, y, middle, degrees)
        return (along / ratio) ** 2 + beside**2 <= (width / 2) ** 2

    return area(inside, SIZE) >= 0.5


def box(width, ratio, degrees, middle):
    def inside(x, y):
        along, beside = turned(x, y, middle, degrees)
        return (np.abs(along) <= ratio * width / 2) & (np.abs(beside) <= width / 2)

    return area(inside, SIZE) >= 0.5


def check_blob(mask, diameter):
    (found,) = measure(None, mask, SETTINGS, UniformScale(MM, "gsd"))
    assert (found.kind, found.severity_astm, found.severity_ltpp) == (None, None, None)
    assert found.area_px == mask.sum()
    assert found.area_m2 == pytest.approx(mask.sum() * (MM / 1000) ** 2, rel=1e-6)
    assert found.diameter_m == pytest.approx(diameter * MM / 1000, abs=2 * MM / 1000)
    (found,) = measure(None, mask, SETTINGS)
    assert found.kind is None
    assert np.isnan([found.area_m2, found.diameter_m]).all()


@settings(deadline=None)  # the first call compiles
@given(width=st.floats(6, 80), ratio=st.floats(1, 1.5), degrees=degrees, middle=places)
def test_a_round_blob_has_no_kind_but_an_area_and_a_diameter(width, ratio, degrees, middle):
    check_blob(ellipse(width, ratio, degrees, middle), ratio * width)


@settings(deadline=None)
@given(width=st.floats(6, 80), degrees=degrees, middle=places)
def test_nor_has_a_square_blob(width, degrees, middle):
    check_blob(box(width, 1.0, degrees, middle), np.sqrt(2) * width)


@settings(deadline=None)
@given(width=st.floats(6, 36), ratio=st.floats(3, 3.3), degrees=degrees, middle=places)
def test_a_bar_keeps_its_kind(width, ratio, degrees, middle):
    mask = box(width, ratio, degrees, middle)
    (found,) = measure(None, mask, SETTINGS, UniformScale(MM, "gsd"))
    assert found.kind is not None
    assert None not in (found.severity_astm, found.severity_ltpp)
    assert np.isnan([found.area_m2, found.diameter_m]).all()


def test_a_pothole_of_40_cm_is_in_no_class_of_cracks():
    y, x = np.mgrid[:400, :400] + 0.5
    mask = np.hypot(x - 200.3, y - 200.2) <= 100
    (found,) = measure(None, mask, SETTINGS, UniformScale(2.0, "gsd"))
    assert (found.kind, found.severity_astm, found.severity_ltpp) == (None, None, None)
    assert found.area_m2 == pytest.approx(np.pi * 0.2**2, rel=0.01)
    assert found.diameter_m == pytest.approx(0.4, abs=0.002)


class Ahead(UniformScale):
    """A picture that shows four times as much road a pixel up as across."""

    def _matrix(self):
        return np.array([[0.002, 0.0], [0.0, -0.008]])


def test_seen_from_a_flat_angle_a_pothole_is_round_on_the_road():
    mask = ellipse(25, 4, 90, (65, 65))
    (found,) = measure(None, mask, SETTINGS, Ahead(2.0, "camera"))
    assert (found.kind, found.severity_astm) == (None, None)
    assert found.diameter_m == pytest.approx(0.2, rel=0.05)
    assert found.area_m2 == pytest.approx(np.pi * 0.1**2, rel=0.03)
    (plain,) = measure(None, mask, SETTINGS)
    assert plain.kind == "transverse"


def test_what_is_not_alone_in_its_part_of_the_mask_tells_its_own_size_only():
    mask = box(30, 1.2, 90, (65, 65))
    scale = UniformScale(MM, "gsd")
    (crack,) = measure(None, mask, SETTINGS, scale)
    line = np.array([[50.0, 65.0], [65.0, 65.0]])
    part = replace(crack, line=line, length_px=15.0, length_m=0.03, area_px=15 * 30.0)
    (found,) = blobs_by_area([part], np.array([False]), mask, scale, True)
    assert found.area_m2 == pytest.approx(450 * 4e-6, rel=0.01)
    assert found.diameter_m == pytest.approx(part.width_mean_mm / 1000)
