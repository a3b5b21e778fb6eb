"""What a network that was just loaded must do: look both ways, split into trunk and head, pad."""

from __future__ import annotations

import torch

from infodecode.masked_lm.network import Network

_LENGTH = 8
_TOLERANCE = {
    torch.float64: 1e-9,
    torch.float32: 1e-4,
    torch.float16: 2e-2,
    torch.bfloat16: 1e-1,
}
"""Largest difference of two ways to compute the same, relative to the largest value."""


def check_bidirectional(network: Network) -> None:
    """Change the last token: the state of the first position must change with it.

    Raises:
        ValueError: it never does, so attention is causal; or states are not finite.
    """
    ids = _tokens(network)
    first = network.hidden(ids)[0, 0]
    if not torch.isfinite(first).all():
        raise ValueError(
            f"the network's states must be finite, got {first.flatten()[:3].tolist()} at the first "
            f"position in {network.dtype}; try another dtype, or load the weights afresh"
        )
    for step in range(1, 4):
        changed = ids.clone()
        changed[0, -1] = (changed[0, -1] + step * 7) % network.vocabulary_size
        if not torch.equal(network.hidden(changed)[0, 0], first):
            return
    raise ValueError(
        "the network must attend in both directions, got a causal one: changing the last token "
        "leaves the first position's state as it was. Masked decoding needs a masked language model"
    )


def check_head(network: Network) -> None:
    """The head of an encoder, given the trunk's states, must give the whole network's logits.

    Raises:
        ValueError: it does not, so the class does more than a head between the two.
    """
    ids = _tokens(network)
    kind = type(network.module).__name__
    try:
        apart = network.logits(network.hidden(ids)[0])
    except (TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise ValueError(f"the output head of {kind} cannot be run alone: {error}") from error
    whole = network.module(**network.inputs(ids)).logits[0]
    if not _close(apart, whole):
        raise ValueError(f"the output head of {kind} must give the network's logits, it does not")
    if apart.shape[1] < network.vocabulary_size:
        raise ValueError(
            f"{kind} must have a logit for each of {network.vocabulary_size} ids, "
            f"got {apart.shape[1]}"
        )


def check_positions(network: Network) -> None:
    """The position numbers of `Network.inputs` must be those an encoder gives by itself.

    Raises:
        ValueError: they are not.
    """
    ids = _tokens(network)
    if not _close(network.module(**network.inputs(ids)).logits, network.module(ids).logits):
        raise ValueError(
            f"{type(network.module).__name__} numbers its positions in a way that is not known: "
            f"numbers from {network.positions_from} on change its logits"
        )


def check_padding(network: Network) -> None:
    """See whether padding on the left changes the states of the rest.

    Where it does, `Network.takes_padding` becomes False and padding is refused.
    """
    if not network.takes_padding:
        return
    ids = _tokens(network)
    padded = torch.cat([ids[:, :3], ids], 1)
    attention = torch.ones_like(padded, dtype=torch.bool)
    attention[:, :3] = False
    network.takes_padding = _close(network.hidden(padded, attention)[:, 3:], network.hidden(ids))


def _tokens(network: Network) -> torch.Tensor:
    length = min(_LENGTH, (network.max_length or _LENGTH) - 3)
    spread = torch.arange(1, length + 1) * 7919 % network.vocabulary_size
    # RoBERTa gives the padding token no position of its own.
    spread[spread == (-1 if network.pad_id is None else network.pad_id)] = network.mask_id
    return spread[None].to(network.device)


def _close(left: torch.Tensor, right: torch.Tensor) -> bool:
    if left.shape != right.shape:
        return False
    scale = right.abs().max()
    return bool((left - right).abs().max() <= _TOLERANCE[right.dtype] * scale)
