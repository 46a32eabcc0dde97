import pytest
import torch
from torchvision import tv_tensors

from pipeline.training.augment import Augmentation, make_augmentation

NOTHING = dict.fromkeys(
    ["rotate_deg", "brightness", "contrast", "gamma", "blur", "noise", "shadow"], 0.0
) | {"flip": False, "scale_min": 1.0, "scale_max": 1.0}  # fmt: skip


def pair():
    """A dark cross on grey, with its mask."""
    mask = torch.zeros(60, 90, dtype=torch.uint8)
    mask[20:26, 10:80] = 1
    mask[5:55, 30:36] = 1
    image = (150 - 130 * mask).to(torch.uint8).expand(3, 60, 90).clone()
    return tv_tensors.Image(image), tv_tensors.Mask(mask)


def augmented(seed=0, **changes):
    torch.manual_seed(seed)
    return make_augmentation(Augmentation(**NOTHING | changes))(*pair())


def test_nothing_asked_nothing_changed():
    image, mask = augmented()
    assert torch.equal(image, pair()[0])
    assert torch.equal(mask, pair()[1])


@pytest.mark.parametrize(
    "changes", [{"flip": True}, {"rotate_deg": 20.0}, {"scale_min": 0.7, "scale_max": 1.4}], ids=str
)
def test_geometry_moves_picture_and_mask_together(changes):
    moved = False
    for seed in range(4):
        image, mask = augmented(seed, **changes)
        dark = image[0] < 85
        agreement = (dark == (mask > 0)).float().mean()
        assert agreement > 0.97
        moved |= not torch.equal(mask, pair()[1])
    assert moved


@pytest.mark.parametrize(
    "changes",
    [
        {"brightness": 0.3},
        {"contrast": 0.3},
        {"gamma": 0.5},
        {"blur": 1.0},
        {"noise": 0.1},
        {"shadow": 1.0},
    ],
    ids=str,
)
def test_light_changes_the_picture_and_never_the_mask(changes):
    image, mask = augmented(seed=1, **changes)
    assert image.dtype == torch.uint8
    assert not torch.equal(image, pair()[0])
    assert torch.equal(mask, pair()[1])


def test_turning_fills_with_pavement_rather_than_black():
    image, _ = augmented(rotate_deg=15.0)
    corners = image[0][[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners > 100).all()


def test_the_same_seed_gives_the_same_picture():
    settings = {"flip": True, "rotate_deg": 15.0, "noise": 0.05, "gamma": 0.2, "shadow": 0.5}
    assert torch.equal(augmented(3, **settings)[0], augmented(3, **settings)[0])
    assert not torch.equal(augmented(3, **settings)[0], augmented(4, **settings)[0])
