from dataclasses import replace

import numpy as np
import torch
from torchvision import tv_tensors

from pipeline.training.augment import FULL, make_augmentation
from pipeline.training.cameras import OtherCamera


def picture():
    """Brown pavement with texture, and a dark crack 5 px wide down the middle."""
    pixels = np.random.default_rng(1).normal((150, 120, 90), 8, (96, 128, 3))
    pixels[:, 62:67] = (60, 50, 40)
    return tv_tensors.Image(torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).permute(2, 0, 1))


def changed(seed):
    torch.manual_seed(seed)
    return OtherCamera()(picture())


def test_some_are_grey_and_no_two_alike() -> None:
    pictures = [changed(seed) for seed in range(20)]
    grey = [int((each[0].int() - each[2]).abs().max()) <= 12 for each in pictures]
    assert 2 <= sum(grey) <= 14
    assert all(not torch.equal(pictures[0], other) for other in pictures[1:])
    assert all(each.dtype == torch.uint8 and each.shape == picture().shape for each in pictures)


def test_the_crack_stays_where_it_is() -> None:
    for seed in range(20):
        grey = changed(seed).float().mean(dim=(0, 1))  # along the crack: (W,)
        assert 62 <= int(grey.argmin()) <= 66


def test_the_same_seed_gives_the_same_picture_and_masks_are_left_alone() -> None:
    assert torch.equal(changed(3), changed(3))
    mask = tv_tensors.Mask(torch.ones(96, 128, dtype=torch.uint8))
    torch.manual_seed(3)
    _, after = OtherCamera()(picture(), mask)
    assert torch.equal(mask, after)


def test_an_augmentation_takes_it_along_where_it_is_asked_for() -> None:
    kinds = {type(step) for step in make_augmentation(FULL).transforms}
    assert OtherCamera not in kinds
    assert OtherCamera in {type(step) for step in make_augmentation(replace(FULL, other_cameras=True)).transforms}
