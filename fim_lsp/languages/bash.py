"""Bash, and what of other shells its grammar reads."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="bash",
    extensions=(".sh", ".bash"),
    grammar="tree_sitter_bash",
    ids=("shellscript", "sh"),
    modes=("sh-mode", "bash-ts-mode"),
    line_comments=("#",),
    block_comment=None,
    literals=r"\$\{?#|(?<=[^\s;])#|\\.",  # `$#`, `a#b` and `\"`
    brackets="[]{}",  # a case's `a)` closes nothing
    after_closer=";",
    word_chars="_$",
    strings=frozenset({"string", "raw_string", "ansi_c_string", "heredoc_body"}),
    interpolations=frozenset({"command_substitution", "expansion", "simple_expansion", "arithmetic_expansion"}),
    string_ends=frozenset({'"', "'"}),
    header=r".*\b(?:then|do|else)$|.*\{$|case\b.*\bin$|[^()]*\)$",
    openers=frozenset(),
    closers=("fi", "done", "esac", "}", ";;"),
    endings=("", "\n:\nfi", "\n:\ndone", "\nesac", "\n:\n}}", " {{\n:\n}}", "; then\n:\nfi", "; do\n:\ndone"),
    scope=r"function \w+|[\w-]+ ?\(\)",
    imports=frozenset({"command"}),
    import_text=r"(?:source|\.)\s",
    definitions=frozenset({"function_definition"}),
    holes={"variable_name": "identifier"}
    | dict.fromkeys(("command_substitution", "expansion", "string", "test_command"), "expression")
    | {"function_definition": "function_body"},
)
