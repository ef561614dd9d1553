"""Bring a folder's store up to what lies on the disk; what has not changed is not read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fim_lsp.context.index import files, source
from fim_lsp.context.index.store import Store
from fim_lsp.languages import definitions, get, language_of
from fim_lsp.privacy.secrets import mask

BATCH = 32  # files between two looks at what is done


def update(root: Path, store: Store, most: int, patterns: Sequence[str] = ()) -> Iterator[tuple[int, int]]:
    """Read new and changed files and drop those that are gone; yields (files done, files to do)."""
    known = store.files()
    there = {found.path: found for found in files.walk(root, most, patterns)}
    for path in known.keys() - there.keys():
        store.drop(path)
    changed = [found for path, found in there.items() if known.get(path) != found]
    for done, found in enumerate(changed):
        if done % BATCH == 0:
            store.commit()
            yield done, len(changed)
        text = mask(source.read(root / found.path))
        store.put(found, definitions(text.encode(), get(language_of(found.path))) if text else ())
    store.commit()
    store.wipe()
    yield len(changed), len(changed)
