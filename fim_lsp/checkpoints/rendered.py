"""The prompts of published models as text, for a server that has no parameter for what stands right of the cursor.

Each is as its publisher's model card gives it; docs/remote.md names the cards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fim_lsp.domain import FimRequest

MARK = re.compile(r"<[^<>{}\s]+>|\[[A-Z]+\]")


@dataclass(frozen=True)
class RenderedFormat:
    """Where prefix and suffix go, what stands before another file's text, and what ends an answer."""

    template: str
    ends: tuple[str, ...]
    file: str = ""  # "": other files are left out

    def render(self, request: FimRequest) -> str:
        """Return the prompt; what looks like a sentinel in the text itself is left out of it."""
        prefix, suffix = request.segments
        files = ""
        if self.file and request.snippets:
            for snippet in request.snippets:
                files += self.file.format(path=self._clean(snippet.path), text=self._clean(snippet.text))
            files += self.file.format(path=self._clean(request.path), text="").rstrip("\n") + "\n"
        return files + self.template.format(prefix=self._clean(prefix), suffix=self._clean(suffix))

    def _clean(self, text: str) -> str:
        for mark in {*MARK.findall(self.template + self.file), *self.ends}:
            text = text.replace(mark, "")
        return text


RENDERED: Mapping[str, RenderedFormat] = {
    "qwen": RenderedFormat(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        ("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>"),
        "<|file_sep|>{path}\n{text}\n",
    ),
    "starcoder": RenderedFormat(
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>", ("<|endoftext|>", "<file_sep>")
    ),
    "deepseek": RenderedFormat(
        "<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>", ("<｜end▁of▁sentence｜>", "<|EOT|>")
    ),
    "codellama": RenderedFormat("<PRE> {prefix} <SUF>{suffix} <MID>", ("<EOT>", "</s>")),
    "codegemma": RenderedFormat(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>", ("<|file_separator|>", "<eos>")
    ),
    "codestral": RenderedFormat("[SUFFIX]{suffix}[PREFIX]{prefix}", ("</s>",)),
    "granite": RenderedFormat("<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>", ("<|end_of_text|>",)),
    "mellum": RenderedFormat(
        "<fim_suffix>{suffix}<fim_prefix>{prefix}<fim_middle>",
        ("<|endoftext|>", "<filename>"),
        "<filename>{path}\n{text}\n",
    ),
    "seed-coder": RenderedFormat(
        "<[fim-suffix]>{suffix}<[fim-prefix]>{prefix}<[fim-middle]>", ("<[end▁of▁sentence]>",)
    ),
}
