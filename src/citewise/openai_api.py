"""A generator that speaks to any OpenAI-compatible endpoint.

Ollama, vLLM, LM Studio, llama.cpp's server and hosted APIs all offer ``POST /chat/completions``.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from typing import Any

import httpx

from citewise.errors import GeneratorError
from citewise.openai_endpoint import Endpoint, Limits, NoProbabilitiesError
from citewise.openai_failures import failed_request
from citewise.openai_replies import clean, piece_of, prompt_tokens_of, yes_log_odds_of
from citewise.protocols import Prompt

__all__ = ["Limits", "OpenAIGenerator", "neutralise", "offered_models"]

_CONTROL_TOKEN = re.compile(
    r"""[<＜](?=[|｜])                                    # <|im_start|>, <｜User｜>
      | [<＜](?=/?\w+[|｜][>＞])                        # <turn|>
      | <(?=/?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response
               |(?:start|end)_of_(?:turn|image))>)     # </s>, <end_of_turn>
      | <(?=</?SYS>>)                                   # <<SYS>>
      | \[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|BOS|EOS)\])
    """,
    re.VERBOSE | re.IGNORECASE,
)


def neutralise(text: str) -> str:
    """Open a visible gap in whatever a server could read as a control token of a chat template.

    Servers tokenise the finished template with its control tokens, so a document that holds
    ``<|im_end|>`` could end its own turn and speak as the system. ``<|im_end|>`` becomes
    ``< |im_end|>``. Lone surrogates, which cannot be sent, become U+FFFD.
    """
    return _CONTROL_TOKEN.sub(lambda match: match.group() + " ", clean(text))


class OpenAIGenerator:
    """A model behind an OpenAI-compatible endpoint; may be shared between threads.

    Args:
        base_url: address up to the version, such as ``http://127.0.0.1:11434/v1``.
        model: the model's name at that endpoint.
        api_key: sent as a bearer token to this endpoint alone.
        limits: time-outs and caps.
        cache_prompt: llama.cpp's field of that name; None: not sent, as others may refuse it.

    Raises:
        InputError: the address or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        limits: Limits | None = None,
        cache_prompt: bool | None = None,
    ) -> None:
        self.name = model
        self._limits = limits or Limits()
        self._endpoint = Endpoint(base_url, api_key or None, self._limits)
        self._extra = {} if cache_prompt is None else {"cache_prompt": cache_prompt}
        self._tells_probabilities = True

    @property
    def identity(self) -> str:
        """The address and the model's name there."""
        return f"{self._endpoint.where} {self.name}"

    def __repr__(self) -> str:
        return f"OpenAIGenerator({self._endpoint.where!r}, {self.name!r})"

    def close(self) -> None:
        """Close the connections; the generator cannot be used afterwards."""
        self._endpoint.close()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[str, None, int | None]:
        """Yield the reply piece by piece; closing the iterator closes the connection.

        Returns the number of tokens in the prompt, where the endpoint tells it.

        Raises:
            GeneratorError: unreachable, refused, timed out, broke off, endless, or empty.
        """
        # Without being asked, vLLM and OpenAI do not tell a stream's number of tokens.
        usage = {"include_usage": True}
        request = self._request(prompt, max_tokens=max_tokens, stream=True, stream_options=usage)
        written, visible, ended, tokens = 0, False, None, None
        with closing(self._endpoint.stream("/chat/completions", request)) as events:
            for event in events:
                text, end = piece_of(event)
                ended = end or ended
                tokens = prompt_tokens_of(event) or tokens
                written += len(text)
                visible = visible or bool(text.strip())
                if written > self._limits.characters:
                    raise self._endpoint.endless(f"{self._limits.characters:,} characters")
                if text:
                    yield text
        if ended is None:
            raise failed_request(httpx.ReadError(""), self._endpoint.where, begun=True)
        if not visible:
            raise GeneratorError(
                f"The language model {self.name!r} gave an empty reply (it ended with {ended!r}).",
                "Ask in other words, or use another model.",
            )
        return tokens

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """Natural-log odds of Yes against No as the first token; see ``yes_log_odds_of``.

        None if the endpoint does not tell probabilities (it is then not asked again), or if
        neither word is among the twenty most probable.

        Raises:
            GeneratorError: as for ``stream``.
        """
        if not self._tells_probabilities:
            return None
        request = self._request(prompt, max_tokens=1, logprobs=True, top_logprobs=20)
        try:
            reply = self._endpoint.post("/chat/completions", request)
        except NoProbabilitiesError:
            self._tells_probabilities = False
            return None
        piece_of(reply)
        self._tells_probabilities, odds = yes_log_odds_of(reply)
        return odds

    def _request(self, prompt: Prompt, **options: Any) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": [
                {"role": "system", "content": neutralise(prompt.system)},
                {"role": "user", "content": neutralise(prompt.user)},
            ],
            "temperature": 0,
            "seed": 0,
            **self._extra,
            **options,
        }


def offered_models(
    base_url: str, api_key: str | None = None, limits: Limits | None = None
) -> list[str]:
    """Names of the models that an endpoint offers at ``GET /models``, in its order.

    Raises:
        GeneratorError: unreachable, refused, timed out, or no JSON object.
        InputError: the address or the key cannot be used.
    """
    with closing(Endpoint(base_url, api_key or None, limits or Limits())) as endpoint:
        listed = endpoint.get("/models").get("data")
    entries = listed if isinstance(listed, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]
