"""HTML; what stands within its scripts and styles is of their languages."""

from __future__ import annotations

from fim_lsp.languages.language import Embedded, Language

VOID = "area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr"  # they hold nothing, so nothing closes them


def _element(name: str, language: str, type_: str = "") -> Embedded:
    """Return what a kind of element holds whose `type` or `lang` is this, "" for those that say none."""
    says = r"""[^>]*(?<![\w-])(?:type|lang)\s*=\s*["']?"""
    wanted = rf"(?={says}(?:{type_}))" if type_ else f"(?!{says})"
    return Embedded(
        nodes=frozenset({f"{name}_element", "ERROR"}),  # of one that is not closed yet the tree has loose tokens
        pattern=rf"(?is)<{name}\b{wanted}[^>]*>(?P<body>.*?)(?=</{name}|\Z)",
        ends=rf"(?i)\s*</{name}\b",
        language=language,
    )


LANGUAGE = Language(
    name="html",
    extensions=(".html", ".htm", ".xhtml"),
    ids=("xhtml",),
    grammar="tree_sitter_html",
    line_comments=(),
    block_comment=("<!--", "-->"),
    quotes='"',  # an apostrophe is more often one
    brackets="",  # of its text, where `:)` closes nothing
    word_chars="_-",
    after_closer=">",
    strings=frozenset({"quoted_attribute_value"}),
    header=rf"(?:<(?!(?:{VOID})\b)[A-Za-z](?:[^<>]*[^<>/])?>\s*)+$",
    openers=frozenset({">"}),
    closers=("</",),
    closer_rest=r"[\w:.-]*\s*>?",
    endings=("", ">"),
    scope=r"<(?:head|body|main|header|footer|nav|section|article|aside|form|table|template)\b",
    errors=frozenset({"erroneous_end_tag"}),
    embedded=(
        _element("script", "json", r"application/(?:[\w.]+\+)?json\b|importmap|speculationrules"),
        _element("script", "typescript", r"(?:text/)?(?:ts|typescript)\b"),
        _element("script", "javascript", r"module|(?:text|application)/(?:java|ecma)script|jsx?\b|text/babel"),
        _element("script", "javascript"),
        _element("style", "css", "text/css"),
        _element("style", "css"),
    ),
    holes={"tag_name": "identifier", "attribute_name": "identifier"}
    | dict.fromkeys(("attribute", "quoted_attribute_value", "element"), "expression"),
)
