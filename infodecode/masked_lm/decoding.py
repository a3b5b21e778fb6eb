"""Decoding prompts: the one loop on a network, a batch of prompts at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from infodecode import _validation
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key, streams_of
from infodecode._typing import BoolArray
from infodecode.decoder import Decoder
from infodecode.masked_lm.model import MaskedLM
from infodecode.masked_lm.prompted import PromptedModel, rows_at_end
from infodecode.masked_lm.text_trace import TextTrace
from infodecode.simulate import sampled_rounds
from infodecode.state import State
from infodecode.trace import History


def decode_prompts(
    model: MaskedLM,
    decoder: Decoder,
    *,
    prompts: Sequence[str | Sequence[int]],
    length: int,
    samples: int = 1,
    seed: int = 0,
    max_rounds: int | None = None,
    guidance: float = 0.0,
    eos: str = "keep",
    as_shipped: bool = False,
    noise: str = "inversion",
    batch_size: int = 32,
    chat: bool | None = None,
    progress: bool | None = None,
) -> TextTrace:
    """Continue prompts with a network and keep what happened: see `infodecode.decode`."""
    if not isinstance(decoder, Decoder):
        raise TypeError(f"decoder must be a Decoder, got {_validation.shown(decoder)}")
    each = _validation.integer("samples", samples, minimum=1)
    given = [prompts] if isinstance(prompts, str) else _validation.iterate("prompts", prompts)
    repeated = [prompt for prompt in given for _ in range(each)]
    prompted = model.prompted(
        repeated,
        length,
        guidance=guidance,
        eos=eos,
        as_shipped=as_shipped,
        noise=noise,
        batch_size=batch_size,
        chat=chat,
    )
    return _decoded(model, prompted, decoder, len(repeated), seed, max_rounds, progress)


def _decoded(
    model: MaskedLM,
    prompted: PromptedModel,
    decoder: Decoder,
    rows: int,
    seed: int,
    max_rounds: int | None,
    progress: bool | None,
) -> TextTrace:
    canvas = np.full((rows, prompted.length), -1, np.int32)
    limit = decoder.round_limit(prompted.length, max_rounds)
    streams = streams_of(seed_key(seed), 0, rows)
    history = History(canvas)
    live = np.arange(rows)
    latency: list[float] = []

    def over(state: State) -> BoolArray:
        done = decoder.strategy.finished(state)
        if prompted.eos == "stop" and prompted.network.eos_id is not None:
            done = done | rows_at_end(state.canvas, prompted.network.eos_id)
        return done

    with progress_bar("tokens", rows * prompted.length, progress) as advance:
        before = time.perf_counter()
        rounds = sampled_rounds(canvas, streams, decoder, prompted, limit, record=True, over=over)
        for after in rounds:
            now = time.perf_counter()
            latency.append(now - before)
            before = now
            ended = over(after)
            filled = int((after.canvas >= 0).sum() - (history.canvas[live] >= 0).sum())
            history.add(live, after, ended)
            live = live[~ended]
            advance(max(0, filled))
    words = _Vocabulary(model)
    trace = history.trace((words,) * prompted.length, tuple(map(str, range(prompted.length))))
    return TextTrace(
        **{name: getattr(trace, name) for name in trace.__dataclass_fields__},
        model=model,
        decoder=decoder,
        prompts=tuple(tuple(int(v) for v in prompt) for prompt in prompted.prompts),
        latency=np.array(latency),
        seed=int(seed),
        options={
            "guidance": prompted.guidance,
            "eos": prompted.eos,
            "as_shipped": prompted.as_shipped,
            "noise": prompted.noise,
        },
    )


class _Vocabulary(Sequence[str]):
    """Tokens as a person would read them, looked up one by one."""

    def __init__(self, model: MaskedLM) -> None:
        self._model = model

    def __len__(self) -> int:
        return self._model.network.vocabulary_size

    def __getitem__(self, token):  # type: ignore[no-untyped-def]
        return self._model.token(int(token))
