"""From packages to token shards.

    wheels ─ licence ─ refuse ─ contamination ─ copies ─▶ texts.jsonl.zst ─ windows, holes, tokens ─▶ shards

The same sources and settings give the same bytes. Work that was done is found again: a part for each package, and
each shard, is written under another name first and then renamed.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import zstandard

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.compare import holes
from fim_lsp.errors import ConfigError, InputError
from fim_lsp.lab.progress import StepProgress
from fim_lsp.lab.train import clean, shards, sources
from fim_lsp.lab.train.sources import Package
from fim_lsp.languages import DEFAULT, get, language_of

MANIFEST, RECIPE, TEXTS, PARTS = "manifest.json", "recipe.toml", "texts.jsonl.zst", "parts"
DENSEST = 2.5  # characters a token: below it a file is data or another language
ROW_CHARS = 3.6  # of text for each token of a row
ANSWER_TOKENS = 48
LICENCE_CHARS = 60  # of a package's in the recipe; the manifest has all of it
MOST_CHARS = 3_000_000  # of one package: no style should rule
MIX = {  # of the infiller's holes; docs/lab-log.md tells where it comes from
    "characters": 0.2,
    "identifier": 0.1,
    "arguments": 0.15,
    "expression": 0.15,
    "rest_of_line": 0.2,
    "whole_line": 0.1,
    "empty": 0.1,
}
MIX_GPT = {  # of the decoder's, which says longer things
    "characters": 0.45,
    "identifier": 0.05,
    "arguments": 0.1,
    "expression": 0.1,
    "rest_of_line": 0.1,
    "whole_line": 0.05,
    "block": 0.05,
    "function_body": 0.05,
    "empty": 0.05,
}


@dataclass(frozen=True)
class CorpusSettings:
    """How rows are cut: `tokens` of context, up to `holes` in each; `plain` of them have none."""

    tokens: int = 320
    holes: int = 10
    plain: float = 0.0
    epochs: int = 1
    seed: int = 1
    answer_tokens: int = ANSWER_TOKENS
    texts_a_shard: int = 200
    mix: Mapping[str, float] = field(default_factory=lambda: dict(MIX))


def collect(
    packages: Sequence[Package], held_out: frozenset[str], against: Sequence[Path], out: Path, tell: StepProgress
) -> dict[str, Any]:
    """Write the texts worth training on to `out`/texts.jsonl.zst and return the manifest; raises InputError."""
    (out / PARTS).mkdir(parents=True, exist_ok=True)
    contamination = clean.Contamination(against)
    stamp = hashlib.sha256(json.dumps([sorted(held_out), sorted(contamination.grams)]).encode()).hexdigest()
    allowed = [p for p in packages if p.is_permissive and sources.normal(p.name) not in held_out]
    work = partial(_part, out / PARTS, stamp, held_out, contamination)
    reasons: Counter[str] = Counter()
    rows, copies, kept = [], clean.Copies(), io.StringIO()
    with ProcessPoolExecutor() as pool:
        for done, (package, part) in enumerate(zip(allowed, pool.map(work, allowed), strict=True), 1):
            count = chars = 0
            reasons.update(part["refused"])
            for at, (path, text) in enumerate(part["texts"]):
                why = copies.add(f"{package.name}:{at}", clean.digest(text), clean.signature(text))
                if why:
                    reasons[why] += 1
                    continue
                count, chars = count + 1, chars + len(text)
                kept.write(json.dumps([package.name, path, text]) + "\n")
            record = {"name": package.name, "version": package.version, "licence": package.licence}
            rows.append(record | {"sha256": part["sha256"], "files": count, "chars": chars})
            tell("reading packages", done, len(allowed))
    if not any(row["files"] for row in rows):
        raise InputError("no file is left: no package has a permissive licence, or all were refused")
    data = kept.getvalue().encode()
    _write(out / TEXTS, zstandard.compress(data, 6))
    return {
        "packages": rows,
        "held_out": sorted(held_out),
        "against": [path.name for path in against],
        "files": sum(row["files"] for row in rows),
        "chars": sum(row["chars"] for row in rows),
        "left_out": dict(sorted(reasons.items())),
        "packages_left_out": sorted(p.name for p in packages if p not in allowed),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def build(
    out: Path, tokenizer: Path, settings: CorpusSettings, manifest: dict[str, Any], tell: StepProgress
) -> dict[str, Any]:
    """Cut the collected texts into shards and write the manifest; returns it; raises ConfigError."""
    stamp = {"settings": asdict(settings), "sha256": manifest["sha256"], "vocabulary": sources.checksum(tokenizer)}
    before = json.loads((out / MANIFEST).read_text(encoding="utf-8")) if (out / MANIFEST).is_file() else {}
    if before and {name: before.get(name) for name in stamp} != json.loads(json.dumps(stamp)):
        raise ConfigError(f"{out} holds shards of other texts or settings: give another --out, or remove it")
    _write(out / MANIFEST, json.dumps(stamp | manifest, indent=1).encode())
    texts = list(read_texts(out))
    random.Random(settings.seed).shuffle(texts)
    groups = [texts[at : at + settings.texts_a_shard] for at in range(0, len(texts), settings.texts_a_shard)]
    jobs = [(epoch, at) for epoch in range(settings.epochs) for at in range(len(groups))]
    work = partial(_shard, out, tokenizer.parent, settings)
    counts: list[dict[str, Any]] = []
    with ProcessPoolExecutor() as pool:
        numbers, seeds, parts = range(len(jobs)), [f"{e}:{g}" for e, g in jobs], [groups[g] for _, g in jobs]
        for done, count in enumerate(pool.map(work, numbers, seeds, parts), 1):
            counts.append(count)
            tell("cutting holes", done, len(jobs))
    _write(out / RECIPE, recipe(manifest).encode())
    total = stamp | manifest | {"shards": counts} | {k: sum(c[k] for c in counts) for k in ("rows", "tokens")}
    _write(out / MANIFEST, json.dumps(total, indent=1).encode())
    return total


def recipe(manifest: Mapping[str, Any]) -> str:
    """Return the [data] table that makes these texts again: packages with version and licence, and those kept apart."""
    rows = [
        [package["name"], package["version"], package["licence"][:LICENCE_CHARS].strip()]
        for package in manifest["packages"]
        if package["files"]
    ]
    lines = [f"  {json.dumps(row, ensure_ascii=False)}," for row in rows]
    held_out = json.dumps(manifest["held_out"])
    counts = f"files = {manifest['files']}\ncharacters = {manifest['chars']}\nsha256 = {json.dumps(manifest['sha256'])}"
    return "\n".join(["[data]", counts, f"held_out = {held_out}", "packages = [", *lines, "]", ""])


def read_texts(out: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (package, path, text) of what was collected; raises InputError."""
    if not (out / TEXTS).is_file():
        raise InputError(f"{out} holds no {TEXTS}: collect the texts first")
    with (out / TEXTS).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            package, path, text = json.loads(line)
            yield package, path, text


def rows_of(
    text: str, tokenizer: Tokenizer, settings: CorpusSettings, rng: random.Random, language: str = DEFAULT
) -> Iterator[tuple[shards.TokenRow, list[int]]]:
    """Yield (row, kinds of its holes) for each window of a text."""
    cutter, width = holes.Cutter(text, get(language)), int(settings.tokens * ROW_CHARS)
    at = -rng.randrange(width)
    while at < len(text):
        window = (max(at, 0), min(at + width, len(text)))
        at += width
        if window[1] - window[0] < width // 4:
            continue
        count = 0 if rng.random() < settings.plain else rng.randint((settings.holes + 1) // 2, settings.holes)
        most = int(settings.answer_tokens * ROW_CHARS)
        spans = cutter.spans(rng, settings.mix, count, window, most)
        row = [tokenizer.encode(piece) for piece in holes.pieces(text, spans, window)]
        if len(spans) == count and all(len(fill) <= settings.answer_tokens for fill in row[1::2]):
            yield row, [holes.KINDS.index(span.kind) for span in spans]


def _part(
    folder: Path, stamp: str, held_out: frozenset[str], contamination: clean.Contamination, package: Package
) -> Any:
    """Return what one package gives, from its part file when that was made under the same rules."""
    checksum = sources.checksum(package.path)
    part = folder / f"{sources.normal(package.name)}.json.zst"
    if part.is_file() and checksum:
        known = json.loads(zstandard.decompress(part.read_bytes()))
        if (known["sha256"], known["stamp"]) == (checksum, stamp):
            return known
    texts, refused, chars = [], Counter[str](), 0
    for path, text in sorted(package.files(), key=lambda file: clean.digest(file[0])):  # a cap cuts no one corner
        why = clean.refuse(path, text)
        if sources.is_held_out(package.name, path, held_out):
            why = "held out"
        elif not why and contamination.touches(text):
            why = "contaminated"
        elif not why and chars > MOST_CHARS:
            why = "package is large"
        if why:
            refused[why] += 1
        else:
            texts.append((path, text))
            chars += len(text)
    made = {"sha256": checksum, "stamp": stamp, "texts": texts, "refused": dict(refused)}
    _write(part, zstandard.compress(json.dumps(made).encode(), 3))
    return made


def _shard(
    out: Path, vocabulary: Path, settings: CorpusSettings, number: int, seed: str, texts: list[tuple[str, str, str]]
) -> Any:
    """Write one shard unless it is there, and return its name, counts and hash."""
    path = out / f"{number:05}.safetensors.zst"
    if not path.is_file():
        tokenizer = Tokenizer.from_folder(vocabulary)
        made: list[tuple[shards.TokenRow, list[int]]] = []
        for package, name, text in texts:
            if len(text) >= DENSEST * len(tokenizer.encode(text)):
                rng = random.Random(f"{settings.seed}:{seed}:{package}:{name}")
                made.extend(rows_of(text, tokenizer, settings, rng, language_of(name) or DEFAULT))
        random.Random(f"{settings.seed}:{seed}").shuffle(made)
        temporary = path.with_suffix(".part")
        shards.write(temporary, [row for row, _ in made], [kind for _, kinds in made for kind in kinds])
        temporary.replace(path)
    lengths = shards.lengths(path)
    return {"file": path.name, "sha256": sources.checksum(path), **lengths}


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_bytes(data)
    temporary.replace(path)
