"""Ruby."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="ruby",
    extensions=(".rb", ".rake", ".gemspec"),
    grammar="tree_sitter_ruby",
    line_comments=("#",),
    block_comment=None,
    after_closer=":,{",
    word_chars="_@$",
    strings=frozenset({"string", "bare_string", "heredoc_body", "subshell", "regex", "string_array"}),
    interpolations=frozenset({"interpolation"}),
    string_ends=frozenset({'"', "'", "`", "/", ")", "heredoc_end"}),
    header=r"(?:(?:private |protected |public )?def|class|module|if|unless|while|until|for|case|when|in|else|elsif"
    r"|begin|rescue|ensure)\b(?!.*\bend$)(?!.*;)|.*\bdo(?: ?\|[^|]*\|)?$|.*= ?(?:if|case|begin)\b.*|.*\{ ?\|[^|]*\|$",
    openers=frozenset(),
    closers=("end", "}"),
    endings=("", "\nend", "\nwhen x\nend", "}}", " {{}}", ";"),
    scope=r"(?:class|module|def) ",
    imports=frozenset({"call"}),
    import_text=r"require(?:_relative)?\b",
    import_names=r"require(?:_relative)?(.*)",
    definitions=frozenset({"class", "module", "method", "singleton_method", "assignment"}),
    owners=frozenset({"class", "module"}),
    elided="",
    holes=dict.fromkeys(("identifier", "constant"), "identifier")
    | dict.fromkeys(("method_parameters",), "arguments")
    | dict.fromkeys(("array", "binary", "call", "conditional", "element_reference", "hash", "string"), "expression")
    | dict.fromkeys(("method", "singleton_method"), "function_body"),
)
