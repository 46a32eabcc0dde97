import numpy as np
import pytest

from models.errors import UsageError
from pipeline.measuring.scale import UniformScale
from pipeline.measuring.severity import ASTM, LTPP, severity
from pipeline.storage.schemas import SCHEMAS, SEVERITIES


@pytest.mark.parametrize(
    ("standard", "width", "wanted"),
    [
        *[(ASTM, 3, "low"), (ASTM, 9.9, "low"), (ASTM, 10, "medium"), (ASTM, 75, "medium"), (ASTM, 75.1, "high")],
        *[(LTPP, 6, "low"), (LTPP, 6.1, "moderate"), (LTPP, 19, "moderate"), (LTPP, 19.1, "high")],
    ],
)
def test_limits_are_those_of_the_standard(standard, width, wanted):
    assert severity(standard, width, 0.0, 1.0) == wanted


@pytest.mark.parametrize("standard", [ASTM, LTPP])
def test_near_a_limit_it_is_uncertain(standard):
    for limit in standard.limits_mm:
        assert severity(standard, limit - 0.4, 0.5, 1.0) == "uncertain"
        assert severity(standard, limit + 0.5, 0.5, 1.0) == "uncertain"
        assert severity(standard, limit + 0.6, 0.5, 1.0) != "uncertain"


def test_pixels_too_coarse_for_a_limit_tell_no_class():
    assert severity(LTPP, 30.0, 0.5, 2.1) is None
    assert severity(ASTM, 30.0, 0.5, 2.1) == "medium"
    assert severity(ASTM, 30.0, 0.5, 3.1) is None


def test_without_millimetres_there_is_no_class():
    assert severity(ASTM, np.nan, 0.5, 1.0) is None
    assert severity(ASTM, 5.0, np.nan, 1.0) is None
    assert severity(ASTM, 5.0, 0.5, np.nan) is None


def test_every_standard_says_where_it_stands_and_what_it_leaves_open():
    for standard in (ASTM, LTPP):
        assert standard.edition
        assert standard.clause
        assert standard.not_judged
        assert len(standard.classes) == len(standard.limits_mm) + 1 == len(standard.limit_is_wider) + 1


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError, match="mm a pixel"):
        UniformScale(wrong, "gsd")


def test_the_picture_and_the_road_are_each_others_inverse():
    scale = UniformScale(2.5, "gsd", axis_deg=90)
    points = np.array([[10.0, 20.0], [30.0, 5.0]])
    assert scale.to_picture(scale.to_road(points)) == pytest.approx(points)
    right_of_the_picture = scale.to_road(np.array([[1000.0, 0.0]]))  # which is ahead
    assert right_of_the_picture == pytest.approx(np.array([[0.0, 2.5]]), abs=1e-9)


def test_every_class_that_a_crack_can_have_is_summed() -> None:
    for standard, name in ((ASTM, "astm"), (LTPP, "ltpp")):
        widths = (limit + step for limit in standard.limits_mm for step in (-1, 1))
        classes = {severity(standard, width, 0.1, 1.0) for width in widths}
        assert classes == set(SEVERITIES[name])
        assert {f"{name}_transverse_{level}_m" for level in classes} <= set(SCHEMAS["sections"].names)
