"""Masked language models with their tokenizers: text in, text out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infodecode import _validation
from infodecode.masked_lm.prompted import PromptedModel

if TYPE_CHECKING:
    from infodecode.masked_lm.network import Network


class MaskedLM:
    """A masked language model: a network, and the tokenizer of its vocabulary.

    Made by `infodecode.load_masked_lm`; `infodecode.decode` runs any `Decoder` on it.

    Attributes:
        network: maps token ids to states and states to logits.
        tokenizer: of the vocabulary; None where a checkpoint has none (give prompts as ids then).
        name: what was loaded.
    """

    def __init__(self, network: Network, tokenizer: Any = None, *, name: str = "") -> None:
        self.network, self.tokenizer, self.name = network, tokenizer, name

    def __repr__(self) -> str:
        net = self.network
        return (
            f"<{net.family} {self.name}: {net.vocabulary_size:,} tokens, {net.dtype} on "
            f"{net.device}>"
        )

    def encode(self, prompt: str | Sequence[int], *, chat: bool | None = None) -> tuple[int, ...]:
        """Token ids of a prompt.

        The separator that an encoder's tokenizer closes a text with is left out: the text goes on.

        Args:
            prompt: text, or ids, which are checked and kept as they are.
            chat: put the text into the tokenizer's chat template as a user's turn; by default
                where it has one and "base" is no word of the model's name.

        Raises:
            TypeError: neither.
            ValueError: text without a tokenizer; chat without a template; an id out of range.
        """
        if isinstance(prompt, str):
            template = getattr(self.tokenizer, "chat_template", None)
            if chat is None:
                words = re.findall("[a-z0-9]+", self.name.lower())
                chat = template is not None and "base" not in words
            if chat and template is None:
                raise ValueError(f"chat=True needs a chat template, {self.name} has none")
            if chat:
                turn = [{"role": "user", "content": prompt}]
                prompt = str(
                    self.tokenizer.apply_chat_template(
                        turn, add_generation_prompt=True, tokenize=False
                    )
                )
            return self._tokenized("prompts", prompt, special=not chat)
        if not hasattr(prompt, "__len__"):
            raise TypeError(
                f"prompts must be texts or sequences of token ids, got {_validation.shown(prompt)}"
            )
        most = self.network.vocabulary_size - 1
        ids = _validation.iterate("prompts", prompt)
        return tuple(_validation.integer("prompts", v, minimum=0, maximum=most) for v in ids)

    def _tokenized(self, name: str, text: str, *, special: bool) -> tuple[int, ...]:
        """Ids of an argument's text, with the tokenizer's special tokens around it or without."""
        known = self.name or "this model"
        if self.tokenizer is None:
            raise ValueError(f"{name} must be token ids: {known} has no tokenizer")
        try:
            found = list(self.tokenizer(text, add_special_tokens=special)["input_ids"])
        except Exception as error:  # tokenizers raise nothing more specific
            raise ValueError(
                f"{name} must be text that the tokenizer of {known} takes: {error}"
            ) from error
        if max(found, default=0) >= self.network.vocabulary_size:
            raise ValueError(
                f"{name} must be of the network's {self.network.vocabulary_size:,} tokens, the "
                f"tokenizer of {known} gave {max(found)}"
            )
        closing = getattr(self.tokenizer, "sep_token_id", None)
        if special and self.network.family == "encoder" and found and found[-1] == closing:
            found.pop()
        return tuple(found)

    def _token_of(self, value: object) -> int:
        """The id of one allowed token, given as itself or as its text."""
        if not isinstance(value, str):
            most = self.network.vocabulary_size - 1
            return _validation.integer("allowed", value, minimum=0, maximum=most)
        found = self._tokenized("allowed", value, special=False)
        if len(found) != 1:
            raise ValueError(
                f"allowed must name single tokens, got {value!r}, which are {len(found)}"
            )
        return found[0]

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids without special tokens; the ids themselves without a tokenizer."""
        plain = [int(v) for v in ids]
        if self.tokenizer is None:
            return " ".join(map(str, plain))
        return str(self.tokenizer.decode(plain, skip_special_tokens=True))

    def raw_text(self, ids: Sequence[int]) -> str:
        """The text of token ids with special tokens, as it stands."""
        if self.tokenizer is None:
            return "".join(f" {int(v)}" for v in ids)
        return str(self.tokenizer.decode([int(v) for v in ids]))

    def token(self, token: int) -> str:
        """One token as a person would read it; its id without a tokenizer."""
        if self.tokenizer is None:
            return str(token)
        return str(self.tokenizer.decode([int(token)]))

    def prompted(
        self,
        prompts: Sequence[str | Sequence[int]],
        length: int,
        *,
        guidance: float = 0.0,
        eos: str = "keep",
        as_shipped: bool = False,
        noise: str = "inversion",
        batch_size: int = 32,
        chat: bool | None = None,
        allowed: Sequence[Sequence[int | str]] | None = None,
    ) -> PromptedModel:
        """The model that continues these prompts by ``length`` tokens: see `PromptedModel`.

        Args:
            prompts, chat: see `encode`.
            length, guidance, eos, as_shipped, noise, batch_size: see `PromptedModel`.
            allowed: for each position, the tokens that can come there, as ids or as texts of one
                token. The canvas then has their numbers in these lists, as a distribution with
                these labels has, and `infodecode.exact` runs on the network.

        Example:
            >>> import infodecode
            >>> from infodecode import Decoder, distributions, strategies
            >>> law = distributions.permutations(3)
            >>> model = infodecode.load_masked_lm("tiny").prompted(
            ...     ["shuffle : A B C ="], length=3, allowed=law.labels
            ... )
            >>> pairs, one = Decoder(strategies.TopK(2)), Decoder(strategies.TopK(1))
            >>> round(infodecode.exact(law, one, model=model).kl, 1)  # the network's own error
            0.0
            >>> round(infodecode.exact(law, pairs, model=model).kl, 1)  # log2(3/2) more
            0.6
        """
        if isinstance(prompts, str) or not len(prompts):
            raise ValueError(f"prompts must be one or more, got {_validation.shown(prompts)}")
        table = None
        if allowed is not None:
            places = _validation.iterate("allowed", allowed)
            each = [_validation.iterate("allowed", tokens) for tokens in places]
            table = [[self._token_of(token) for token in tokens] for tokens in each]
        return PromptedModel(
            self.network,
            [self.encode(prompt, chat=chat) for prompt in prompts],
            length,
            guidance=guidance,
            eos=eos,
            as_shipped=as_shipped,
            noise=noise,
            batch_size=batch_size,
            allowed=table,
        )
