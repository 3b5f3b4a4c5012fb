"""
The head: the last row of weights and the bias of a cross-encoder, where a scale can be folded in.

In:  a CrossEncoder with one logit, a `ScoreScale`
Out: the same model, whose logits are scaled
"""

from typing import Any

from nearmiss.training.score_scale import ScoreScale


def head_of(model: Any) -> Any | None:
    """The last linear layer, where it gives the logit; None for a model that reads its logit from a vocabulary."""
    from torch import nn

    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear and linear[-1].out_features == 1 else None


def fold(head: Any, scale: ScoreScale) -> None:
    """Multiply the head's weights and bias by the slope, and add the shift to its bias (0 where it has none)."""
    import torch

    with torch.no_grad():
        head.weight.mul_(scale.slope)
        if head.bias is not None:
            head.bias.mul_(scale.slope).add_(scale.shift)
