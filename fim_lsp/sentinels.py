"""The sentinels of published models that fill in the middle: the one table, each row as its publisher has it.

prefix first: <prefix> … <suffix> … <middle>        suffix first: <suffix> … <prefix> … <middle>
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sentinels:
    """What a family's prompt has around prefix and suffix, before another file, and what ends its answer."""

    prefix: str
    suffix: str
    middle: str = ""  # "": what comes last ends the prompt
    ends: tuple[str, ...] = ()
    is_suffix_first: bool = False
    is_spaced: bool = False  # a space inside each sentinel is no part of the text; SentencePiece's pieces begin with ▁
    file: str = ""  # stands before another file
    has_paths: bool = False  # a file's first line is its path, and the cursor's own file has that line, too


BARRED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")

PUBLISHED: Mapping[str, Sentinels] = {
    # github.com/QwenLM/Qwen2.5-Coder, examples/Qwen2.5-Coder.md, "Repository Level Code Infilling"
    "qwen": Sentinels(
        *BARRED,
        ends=("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>"),
        file="<|file_sep|>",
        has_paths=True,
    ),
    # huggingface.co/bigcode/starcoder, "Fill-in-the-middle"; StarCoder2: arXiv 2402.19173, section 5.1
    # the same: huggingface.co/stabilityai/stable-code-3b; ibm-granite/granite-3.3-8b-base, tokenizer_config.json
    "starcoder": Sentinels(*PLAIN, ends=("<|endoftext|>", "<file_sep>"), file="<file_sep>"),
    # github.com/deepseek-ai/DeepSeek-Coder, README.md, "Code Insertion"
    "deepseek": Sentinels(
        "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", ends=("<｜end▁of▁sentence｜>", "<|EOT|>")
    ),
    # github.com/facebookresearch/codellama, llama/generation.py, infilling_prompt_tokens; llama/tokenizer.py
    "codellama": Sentinels("<PRE>", "<SUF>", "<MID>", ends=("<EOT>", "</s>"), is_spaced=True),
    # ai.google.dev/gemma/docs/codegemma/prompt-structure
    "codegemma": Sentinels(*BARRED, ends=("<|file_separator|>", "<eos>"), file="<|file_separator|>"),
    # github.com/mistralai/mistral-common, tokens/tokenizers/instruct.py, encode_fim
    "codestral": Sentinels("[PREFIX]", "[SUFFIX]", ends=("</s>",), is_suffix_first=True),
    # ibm.com/granite/docs/use-cases/prompt-engineering, of Granite 4.0, "FIM"
    "granite": Sentinels(*BARRED, ends=("<|end_of_text|>",)),
    # huggingface.co/JetBrains/Mellum-4b-base, "Fill in the middle with additional files as context generation"
    "mellum": Sentinels(
        *PLAIN, ends=("<|endoftext|>", "<filename>"), is_suffix_first=True, file="<filename>", has_paths=True
    ),
    # the report of github.com/ByteDance-Seed/Seed-Coder: arXiv 2506.03524, on pretraining
    "seed-coder": Sentinels(
        "<[fim-prefix]>",
        "<[fim-suffix]>",
        "<[fim-middle]>",
        ends=("<[end▁of▁sentence]>",),
        is_suffix_first=True,
    ),
}
READ_ONLY = (  # what clients may send, though no server is asked so
    # github.com/THUDM/CodeGeeX4, guides/Infilling_guideline.md; GLM-4.5 has them, too
    Sentinels("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", is_suffix_first=True),
    Sentinels("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # huggingface.co/bigcode/santacoder
)
KNOWN = (*PUBLISHED.values(), *READ_ONLY)
