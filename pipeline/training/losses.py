"""The loss of masks, fine and coarse: binary cross-entropy and Dice."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def crack_loss(logits: Tensor, truth: Tensor, judged: Tensor | None = None) -> Tensor:
    """Binary cross-entropy plus soft Dice over the batch, which balances the 2 % of pixels that are crack.

    Args:
        logits: ``(B, H, W)``.
        truth: ``(B, H, W)`` float, 0 or 1.
        judged: ``(B, H, W)`` bool, False where the truth is not known; none: it is known everywhere.
    """
    logits = logits.float()
    if judged is not None:
        logits, truth = logits[judged], truth[judged]  # (pixels,)
        if not len(truth):
            return logits.sum()  # 0, and no gradient
    entropy = F.binary_cross_entropy_with_logits(logits, truth)
    probability = logits.sigmoid()
    overlap = 2 * (probability * truth).sum() + 1
    return entropy + 1 - overlap / (probability.sum() + truth.sum() + 1)
