"""
The head: the last row of weights and the bias of a cross-encoder, where a scale can be folded in.

In:  a CrossEncoder with one logit, a `Scale`
Out: the same model, whose logits are scaled
"""

from typing import Any

from mining.teaching.scale import Scale


def fold(model: Any, scale: Scale) -> bool | None:
    """
    Multiply the head's weights by the slope and add the shift to its bias.

    Whether the head has a bias to shift; None where there is no head of one output, and nothing was changed.
    """
    import torch
    from torch import nn

    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear or linear[-1].out_features != 1:
        return None
    head = linear[-1]
    with torch.no_grad():
        head.weight.mul_(scale.slope)
        if head.bias is not None:
            head.bias.mul_(scale.slope).add_(scale.shift)
    return head.bias is not None
