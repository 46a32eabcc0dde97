import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms

from models.suppression import suppress


def test_the_surest_of_two_stays_and_pictures_do_not_meet():
    boxes = torch.tensor([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 10]]).float()
    scores, pictures = torch.tensor([0.5, 0.9, 0.3, 0.2]), torch.tensor([0, 0, 0, 1])
    # The first two share 90 of 110 px.
    assert suppress(boxes, scores, pictures, 0.8, 9).tolist() == [1, 2, 3]
    assert suppress(boxes, scores, pictures, 0.85, 9).tolist() == [1, 0, 2, 3]
    assert suppress(boxes, scores, pictures, 0.8, 1).tolist() == [1, 3]


def test_nothing_stays_of_nothing():
    nothing = torch.zeros(0)
    assert suppress(nothing.view(0, 4), nothing, nothing.long(), 0.5, 3).shape == (0,)


def by_torchvision(boxes, scores, pictures, limit, most):
    keep = batched_nms(boxes, scores, pictures, limit)
    keep = keep[torch.argsort(pictures[keep], stable=True)]
    own = pictures[keep]
    return keep[torch.arange(len(keep)) - torch.searchsorted(own, own) < most]


@pytest.mark.parametrize("most", [2, 300])
@given(seed=st.integers(0, 2**32 - 1), limit=st.sampled_from([0.2, 0.5, 0.7]))
@settings(max_examples=60, deadline=None)
def test_it_is_what_torchvision_keeps(seed, limit, most):
    draw = torch.Generator().manual_seed(seed)
    count = int(torch.randint(1, 120, (), generator=draw))
    corner, sides = (torch.rand(count, 2, generator=draw) * side for side in (60, 30))
    boxes = torch.cat([corner, corner + sides], dim=1)
    scores, pictures = torch.rand(count, generator=draw), torch.randint(0, 4, (count,), generator=draw)
    arguments = boxes, scores, pictures, limit, most
    assert suppress(*arguments).tolist() == by_torchvision(*arguments).tolist()
