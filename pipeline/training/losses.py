"""What both heads that answer for pixels or cells learn from: binary cross-entropy and Dice."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def crack_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice over the batch, which balances the 2 % of pixels that are crack.

    Args:
        logits: ``(B, H, W)``.
        truth: ``(B, H, W)`` float, 0 or 1.
    """
    logits = logits.float()
    entropy = F.binary_cross_entropy_with_logits(logits, truth)
    probability = logits.sigmoid()
    overlap = 2 * (probability * truth).sum() + 1
    return entropy + 1 - overlap / (probability.sum() + truth.sum() + 1)
