"""Questions decoded by a network: what was said, and what it cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import infodecode
from infodecode.cli.options import DecodingOptions
from infodecode.masked_lm import MaskedLM
from infodecode.masked_lm.text_trace import TextTrace
from llm.tasks.question import Question, Task
from llm.tasks.records import Record

CHUNK = 32
"""Questions decoded together, and recorded together: always the same ones, so that neither the
batch size nor where a run was stopped changes a result."""


@dataclass(frozen=True)
class Settings:
    """How questions are decoded, beside the decoder; as `infodecode.decode` takes them.

    Attributes:
        seed: of the draws and of the generated questions.
        length: tokens to generate; None for the task's own number.
        eos, guidance, chat: as there.
        revision: of the model on the hub.
    """

    seed: int = 0
    length: int | None = None
    eos: str = "keep"
    guidance: float = 0.0
    chat: bool | None = None
    revision: str | None = None


def conversation(model: MaskedLM, turns: Sequence[str], *, chat: bool | None) -> tuple[int, ...]:
    """Token ids of a dialogue, the user's turn first and last, ready to be answered.

    In the tokenizer's chat template where `MaskedLM.encode` would use one, otherwise a turn after
    the other.
    """
    if len(turns) == 1:
        return model.encode(turns[0], chat=chat)
    template = getattr(model.tokenizer, "chat_template", None)
    if chat is None:
        chat = template is not None and "base" not in model.name.lower()
    if not chat or template is None:
        return model.encode("\n\n".join(turns) + "\n\n", chat=chat)
    messages = [
        {"role": ("user", "assistant")[k % 2], "content": turn} for k, turn in enumerate(turns)
    ]
    text = model.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return model.encode(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def identity(
    model: MaskedLM, decoding: DecodingOptions, settings: Settings, question: Question
) -> str:
    """16 hexadecimal digits: what was asked, of whom, and how; a new version starts afresh."""
    definition = [
        infodecode.__version__, model.name, str(model.network.dtype), _options(decoding),
        asdict(settings), question.task, question.number, question.turns, question.length,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:16]


def chunks(task: Task, samples: int) -> Iterator[list[Question]]:
    """The questions that are decoded together: of one chunk and of one length."""
    questions = task.questions(samples)
    for first in range(0, len(questions), CHUNK):
        chunk = questions[first : first + CHUNK]
        for length in sorted({question.length for question in chunk}):
            yield [question for question in chunk if question.length == length]


def decoded(
    model: MaskedLM,
    decoding: DecodingOptions,
    settings: Settings,
    task: Task,
    questions: Sequence[Question],
    *,
    batch_size: int,
) -> list[Record]:
    """Records of questions that one of `chunks` holds, scored."""
    first = questions[0]
    length = first.length if settings.length is None else settings.length
    place = f"{settings.seed}/{task.source}/{task.name}/{first.number // CHUNK}/{first.length}"
    trace = infodecode.decode(
        model,
        decoding.read_decoder(),
        prompts=[conversation(model, q.turns, chat=settings.chat) for q in questions],
        length=length,
        seed=int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big"),
        guidance=settings.guidance,
        eos=settings.eos,
        batch_size=batch_size,
        progress=False,
    )
    seconds = shares_of_time(trace)
    return [
        {
            "id": identity(model, decoding, settings, question),
            "model": model.name,
            "source": task.source,
            "task": task.name,
            "sample": question.number,
            "strategy": decoding.strategy,
            "decoder": repr(trace.decoder),
            "decoding": _options(decoding),
            "settings": asdict(settings),
            "prompt": list(question.turns),
            "example": question.example,
            **_outcome(trace, k, question),
            "seconds": seconds[k],
            "infodecode": infodecode.__version__,
        }
        for k, question in enumerate(questions)
    ]


def shares_of_time(trace: TextTrace) -> list[float]:
    """Seconds of each sample: a round's time is shared by those that were still decoded."""
    rounds = trace.rounds
    live = [(rounds > t).sum() for t in range(len(trace.latency))]
    each = np.concatenate([[0.0], np.cumsum(trace.latency / np.maximum(live, 1))])
    return [float(each[r]) for r in rounds]


def _options(decoding: DecodingOptions) -> dict[str, Any]:
    """The decoder in words; its model is the network."""
    return {name: value for name, value in asdict(decoding).items() if name != "model"}


def _outcome(trace: TextTrace, k: int, question: Question) -> dict[str, Any]:
    score = question.score(trace.texts[k])
    return {
        "output": trace.texts[k],
        "strict": score.strict,
        "lenient": score.lenient,
        "parts": dict(score.parts),
        "tokens": int((trace.sequences[k] >= 0).sum()),
        "rounds": int(trace.rounds[k]),
        "calls": int(trace.calls[:, k].sum()),
        "evaluated": int(trace.evaluated[:, k].sum()),
        "tokens_per_round": float(trace.tokens_per_round[k]),
        "finished": bool(trace.finished[k]),
    }
