"""The generated sample: reproducible, exact in its masks, honest in its truth."""

import pickle

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from models.errors import DataError, UsageError
from pipeline.datasets.generated.crack_paths import crack_network
from pipeline.datasets.generated.crack_truth import CrackTruth, rasterise
from pipeline.datasets.generated.pavement import RECIPES, fractal_noise, lay_pavement
from pipeline.datasets.generated.sample import CLEAN_EVERY, GeneratedSample


@pytest.fixture(scope="module")
def sample():
    return GeneratedSample(count=12, seed=7)


def grey(sample):
    return cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def same(first, second):
    return np.array_equal(first.image, second.image) and np.array_equal(first.mask, second.mask)


def straight(angle, length, width, middle=(100.0, 100.0), count=40):
    along = np.linspace(-length / 2, length / 2, count)[:, None] * [np.cos(angle), np.sin(angle)]
    return CrackTruth(np.array(middle) + along, np.full(count, float(width)), np.ones(count))


# What a sample is


def test_the_usual_distance_is_the_default():
    assert same(GeneratedSample(count=3, seed=4).load("s001"), GeneratedSample(count=3, seed=4, closest=1).load("s001"))


@pytest.mark.parametrize(("width", "height"), [(480, 320), (64, 64)])
def test_from_nearer_cracks_are_wider_and_masks_as_true(width, height):
    far, near = (GeneratedSample(count=30, seed=5, width=width, height=height, closest=c) for c in (1, 8))
    widths = [[crack.mean_width_px for name in each.names for crack in each.truth(name)] for each in (far, near)]
    assert max(widths[0]) < 6 < 12 < max(widths[1]) < 6 * 8
    assert min(widths[1]) < 4  # some are from as far as ever
    for name in near.names:
        cracks = near.truth(name)
        points = np.concatenate([crack.points for crack in cracks]) if cracks else np.zeros((1, 2))
        assert (points >= 0).all()
        assert (points <= [width, height]).all()
        assert near.load(name).mask.any() == bool(cracks)


def test_nearness_is_part_of_what_a_sample_is():
    one, other = (GeneratedSample(count=3, closest=c).content_digest("s001") for c in (1, 8))
    assert one == GeneratedSample(count=3).content_digest("s001") != other


def test_shapes_and_types(sample):
    for one in sample:
        assert one.image.shape == (320, 480, 3)
        assert one.image.dtype == np.uint8
        assert one.mask.shape == (320, 480)
        assert one.mask.dtype == np.bool_
        assert one.group == one.name


def test_names_are_labelled_sorted_and_have_no_negatives(sample):
    assert sample.names == tuple(f"s{n:03d}" for n in range(12))
    assert sample.negative_names == ()
    assert len({sample.group(name) for name in sample.names}) == 12


@pytest.mark.parametrize(("width", "height"), [(64, 64), (200, 131), (640, 360)])
def test_other_sizes(width, height):
    sample = GeneratedSample(count=3, seed=1, width=width, height=height)
    for one in sample:
        assert one.image.shape == (height, width, 3)
        assert one.mask.shape == (height, width)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seed": -1}, {"width": 63}, {"height": 10}])
def test_impossible_settings_are_usage_errors(wrong):
    with pytest.raises(UsageError):
        GeneratedSample(**{"count": 2, "seed": 0, **wrong})


@pytest.mark.parametrize("name", ["s012", "s12", "000", ""])
@pytest.mark.parametrize("method", ["load", "truth", "content_digest"])
def test_unknown_name_is_a_data_error_that_names_it(sample, name, method):
    with pytest.raises(DataError, match=f"no picture {name!r}") as caught:
        getattr(sample, method)(name)
    assert "s000 … s011" in caught.value.remedy


# Reproducible


def test_order_and_number_of_other_samples_do_not_matter(sample):
    backwards = GeneratedSample(count=40, seed=7)
    for name in ("s007", "s002", "s000"):
        assert same(backwards.load(name), sample.load(name))


def test_seed_and_number_change_the_picture(sample):
    assert not same(sample.load("s000"), GeneratedSample(count=12, seed=8).load("s000"))
    assert not np.array_equal(sample.load("s000").image, sample.load("s001").image)


def test_a_caller_cannot_spoil_what_is_kept(sample):
    taken = sample.load("s003")
    before = taken.image.copy()
    taken.image[:] = 0
    taken.mask[:] = True
    again = sample.load("s003")
    assert np.array_equal(again.image, before)
    assert not again.mask.all()


def test_survives_pickling(sample):
    assert same(pickle.loads(pickle.dumps(sample)).load("s001"), sample.load("s001"))


def test_digest_names_the_recipe_without_generating(monkeypatch):
    monkeypatch.setattr(GeneratedSample, "_generate", lambda *_: pytest.fail("generated a picture"))
    make = GeneratedSample
    digests = [
        make(4, 7).content_digest("s001"),
        make(4, 8).content_digest("s001"),
        make(4, 7).content_digest("s002"),
        make(4, 7, width=481).content_digest("s001"),
        make(4, 7, height=321).content_digest("s001"),
    ]
    monkeypatch.setattr(GeneratedSample, "VERSION", GeneratedSample.VERSION + 1)
    digests.append(make(4, 7).content_digest("s001"))
    assert len(set(digests)) == len(digests)
    monkeypatch.undo()
    assert make(9, 7).content_digest("s001") == digests[0]
    assert make(4, 7).fingerprint() != make(5, 7).fingerprint()


# Masks


@given(seed=st.integers(0, 2**32), block=st.integers(0, 5))
@settings(max_examples=10, deadline=None)
def test_one_in_six_is_clean(seed, block):
    sample = GeneratedSample(count=CLEAN_EVERY * 6, seed=seed)
    names = sample.names[CLEAN_EVERY * block : CLEAN_EVERY * (block + 1)]
    assert sum(not sample.truth(name) for name in names) == 1


def test_mask_is_the_raster_of_the_truth_and_empty_without(sample):
    for one in sample:
        truth = sample.truth(one.name)
        assert one.mask.any() == bool(truth)
        assert np.array_equal(one.mask, rasterise(truth, 480, 320)[0] >= 0.5)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=6, deadline=None)
def test_cracks_are_darker_than_what_surrounds_them(seed):
    sample = GeneratedSample(count=6, seed=seed)
    name = next(name for name in sample.names if sample.truth(name))
    one = sample.load(name)
    # Against the local mean, so that a crack in the light is not compared with a shadow.
    near = ndimage.binary_dilation(one.mask, iterations=8)
    ring = near & ~ndimage.binary_dilation(one.mask, iterations=3)
    weight = np.maximum(cv2.GaussianBlur(ring.astype(np.float32), (0, 0), 5), 1e-6)
    around = cv2.GaussianBlur(np.where(ring, grey(one), 0), (0, 0), 5) / weight
    assert (around - grey(one))[one.mask].mean() > 4


def test_the_dark_ridge_lies_on_the_centre_line(sample):
    across = np.linspace(-4, 4, 33)
    found = []
    for one in sample:
        for crack in sample.truth(one.name):
            if crack.length_px < 30:
                continue
            along = np.gradient(crack.points, axis=0)
            along /= np.hypot(*along.T)[:, None] + 1e-9
            normal = np.stack([-along[:, 1], along[:, 0]], 1)
            at = (crack.points[:, None] + across[:, None] * normal[:, None] - 0.5).astype(np.float32)
            profile = cv2.remap(grey(one), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            found.append(across[profile.mean(axis=0).argmin()])
    assert len(found) > 20
    assert abs(np.mean(found)) < 0.2
    assert np.percentile(np.abs(found), 90) <= 0.75


def test_share_and_width_are_those_of_real_masks():
    networks = [crack_network(np.random.default_rng(seed), 480, 320) for seed in range(40)]
    shares = [(rasterise(cracks, 480, 320)[0] >= 0.5).mean() for cracks in networks]
    widths = np.concatenate([crack.widths for cracks in networks for crack in cracks])
    assert 0.01 < np.median(shares) < 0.025
    assert min(shares) > 0.004
    assert max(shares) < 0.06
    assert 1.3 < np.median(widths) < 2.4
    assert widths.min() >= 1
    assert widths.max() <= 6


def test_recipes_share_all_pictures():
    assert sum(recipe.weight for recipe in RECIPES.values()) == pytest.approx(1)


def test_pavement_has_texture_at_every_scale():
    tones = []
    for seed in range(20):
        surface = lay_pavement(np.random.default_rng(seed), 160, 120)
        assert surface.albedo.shape == (120, 160, 3)
        assert surface.albedo.dtype == surface.relief.dtype == np.float32
        value = surface.albedo.mean(axis=2)
        for sigma in (1.0, 4.0):
            finer = value - cv2.GaussianBlur(value, (0, 0), sigma)
            assert finer.std() > 0.008
        tones.append(value.mean())
    assert max(tones) - min(tones) > 0.2


@pytest.mark.parametrize(("finest", "coarsest"), [(1.0, 1.0), (1.5, 40.0), (24.0, 480.0)])
def test_noise_is_standardised(finest, coarsest):
    field = fractal_noise(np.random.default_rng(0), (90, 130), finest, coarsest, 0.5)
    assert field.shape == (90, 130)
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-3)
