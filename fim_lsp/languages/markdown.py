"""Markdown; what stands in its fences is of the language that they name."""

from __future__ import annotations

from fim_lsp.languages.language import Embedded, Language


def _metadata(mark: str, node: str, language: str) -> Embedded:
    """Return what stands between two such lines at a document's head."""
    return Embedded(
        nodes=frozenset({node}),
        pattern=rf"(?ms)\A{mark}[ \t\r]*\n(?P<body>.*?)(?:^{mark}[ \t\r]*\n?)?\Z",
        ends=rf"\n{mark}",
        language=language,
    )


LANGUAGE = Language(
    name="markdown",
    extensions=(".md", ".markdown"),
    grammar="tree_sitter_markdown",
    line_comments=(),
    block_comment=("<!--", "-->"),
    quotes="`",
    literals=r"(?m:^[ \t]*+\w{1,3}\))|[:;]-?[()]",  # `1)` in a list, and a smile
    brackets="()[]",
    is_prose=True,
    after_closer=".,:;",
    comments=frozenset(),
    strings=frozenset(),
    header=r"(?!)",  # it has no blocks
    openers=frozenset(),
    closers=(),
    embedded=(
        Embedded(
            nodes=frozenset({"fenced_code_block"}),
            # Within a quotation every line begins with a mark that is not the code's.
            pattern=r"(?ms)\A(?P<mark>`{3,}|~{3,})[ \t]*\{?\.?(?P<language>[\w+#-]*)[^\n]*\n"
            r"(?P<body>(?![ \t]*>).*?)(?:^[ \t]*(?P=mark)[`~]*[ \t\r]*\n?)?\Z",
            ends=r"(?m)(?:\n|^)[ \t]*(?:```|~~~)",
        ),
        Embedded(nodes=frozenset({"html_block"}), pattern=r"(?s)(?P<body>.+)", ends=r"\n\s*\n", language="html"),
        _metadata("---", "minus_metadata", "yaml"),
        _metadata(r"\+\+\+", "plus_metadata", "toml"),
    ),
    holes={"inline": "expression", "atx_heading": "expression", "list_item": "expression"},
)
