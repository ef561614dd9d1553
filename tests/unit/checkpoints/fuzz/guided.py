"""One reader of model files guided by coverage: `python -m tests.unit.checkpoints.fuzz.guided READER FOLDER [-runs=N]`.

Any bytes are read, or refused by a ModelError that names the file, within LIMIT_S of processor time and LIMIT_BYTES of
memory. The seeds come from small sound files; what follows FOLDER goes to libFuzzer. FOLDER/tried holds the last
input as the file it was, also where the process was killed over it.
"""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import atheris
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

with atheris.instrument_imports(include=["fim_lsp.checkpoints"]):
    from fim_lsp.backends.calibration import Calibration
    from fim_lsp.checkpoints import (
        adapters,
        arrays,
        config,
        files,
        formats,
        gguf,
        gguf_words,
        low_rank,
        special_tokens,
        tokenizer,
    )
    from fim_lsp.errors import ModelError
    from fim_lsp.routing.rule import RoutingTable
from tests.unit.checkpoints.fuzz import folders
from tests.unit.checkpoints.fuzz.mutate import EXTRA, KINDS, ODD, change_tensor, change_value

LIMIT_S, LIMIT_BYTES = 2, 1 << 29
LONGEST_INPUT, ROWS = 1 << 16, 300
HEAD, NAME = 10_000, re.compile(rb"[\w.]{6,}")  # bytes of a seed's head in GGUF, and what is named there
LIES = (0, 1, 2, 3, 8, 9, 31, 33, 255, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
BY_BYTES = 0.3  # of the mutations, where a file has a form that can be kept
SMALL = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
SMALL |= {"num_key_value_heads": 1, "head_dim": 16}
SAID = folders.LLAMA | SMALL | {"fim": folders.FIM}
SAFETENSORS = SAID | {"vocab_size": 8, "bos_token_id": 1, "eos_token_id": 1}
PART = {"decoder": "0" * 16, "rank": 1, "first_layer": 0, "matrices": "out down", "notes": {}, "workspace": "/a"}
TRUNK = {"model_type": "slots", "trunk": "../a", "rank": 2, "slots": {"passes": 2, "canvas": 4, "sure": 0.5}}

Read = Callable[[Path], Any]
Change = Callable[[bytes, random.Random], bytes]


class Reader(NamedTuple):
    """A file's name, sound ones, what reads it in a folder, and how it is changed so that its form stays."""

    name: str
    seeds: Callable[[Path], Iterable[bytes]]
    reads: tuple[Read, ...]
    change: Change


def _gguf(folder: Path) -> None:
    path = folder / "model.gguf"
    file = gguf.GgufFile(path)
    words, _ = gguf_words.read_words(file.head.values, path)
    for name in file.names:
        file.floats(name)
    file.one_vocabulary()
    (folder / "tokenizer.json").write_text(json.dumps(words), encoding="utf-8")
    _tokenizer(folder)


def _gguf_seeds(scratch: Path) -> Iterable[bytes]:
    stretched = {"rope_parameters": {"rope_theta": 5e5, "rope_type": "default", "factors": [1.0] * 8}}
    for n, more in enumerate(
        (SMALL, SMALL | stretched, SMALL | {"rope_parameters": {"rope_type": "linear", "factor": 2.0}})
    ):
        folders.write_gguf(scratch / str(n), ("a", "b"), **more)
        yield (scratch / str(n) / "model.gguf").read_bytes()


def _change_head(data: bytes, rng: random.Random) -> bytes:
    """Put a number that lies behind a key or a tensor's name of a GGUF file, or anywhere in its head."""
    form, odd = rng.choice(("<I", "<Q")), rng.choice(LIES)
    behind = [found.end() + rng.choice((0, 4, 8, 12, 16)) for found in NAME.finditer(data, 0, HEAD)]
    at = rng.choice([*behind, rng.randrange(64), rng.randrange(HEAD)])
    return data[:at] + struct.pack(form, odd % (1 << 8 * struct.calcsize(form))) + data[at + struct.calcsize(form) :]


def _tokenizer(folder: Path) -> None:
    found = tokenizer.Tokenizer.from_folder(folder, ROWS)
    formats.Format.read({}, found.sentinel)
    assert all(at < ROWS for at in found.beginning), found.beginning


def _tokenizer_seeds(scratch: Path) -> Iterable[bytes]:
    folders.write_tokenizer(scratch)
    yield (scratch / "tokenizer.json").read_bytes()
    words = {"a": 0, "b": 1, "ab": 2, "<unk>": 3, "##b": 4, "é": 5}
    for model in (
        models.BPE(words, [("a", "b")], unk_token="<unk>", byte_fallback=True, fuse_unk=True),
        models.WordPiece(words, unk_token="<unk>", max_input_chars_per_word=10),
        models.WordLevel(words, unk_token="<unk>"),
        models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], 0, False),
    ):
        inner = Tokenizer(model)
        inner.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip(),
             normalizers.Prepend("▁"), normalizers.Replace(Regex(" +"), "▁"), normalizers.BertNormalizer()]
        )  # fmt: skip
        inner.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(r"\p{L}+"), "isolated"), pre_tokenizers.Digits(True),
             pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace(), pre_tokenizers.CharDelimiterSplit("-")]
        )  # fmt: skip
        inner.decoder = decoders.Sequence(
            [decoders.ByteFallback(), decoders.Fuse(), decoders.Strip("_", 1, 1), decoders.Replace("▁", " "),
             decoders.WordPiece(), decoders.BPEDecoder(), decoders.CTC(), decoders.Metaspace()]
        )  # fmt: skip
        inner.post_processor = processors.Sequence(
            [processors.TemplateProcessing("<unk> $A", "$A $B", [("<unk>", 3)]), processors.ByteLevel()]
        )
        inner.add_special_tokens(list(folders.SPECIAL))
        inner.enable_padding()
        inner.enable_truncation(64)
        yield inner.to_str().encode()


def _config_seeds(scratch: Path) -> Iterable[bytes]:
    raws = [{"model_type": name, **folders.SIZES} for name in config.ARCHITECTURES]
    for raw in raws:
        of = config.ARCHITECTURES[raw["model_type"]]
        raw |= {their: folders.SIZES[ours] for ours, their in of.fields.items() if ours in folders.SIZES and their}
        raw |= {"num_local_experts": 0, "layer_types": ["attention"], "shared_intermediate_size": 128, "n_inner": 128}
        raw |= {"fim": folders.FIM, "infill": folders.INFILL, "confidence": folders.CONFIDENCE, "tokenizer_from": "."}
        raw |= {"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_theta": 1e4}}  # fmt: skip
    return (json.dumps(raw).encode() for raw in [*raws, folders.QWEN2 | {"layout": config.LAYOUT}])


def _config(folder: Path) -> None:
    found = config.read_config(folder)
    assert len(found.rope_frequencies) == found.rotary // 2
    assert found.attention_factor and found.positions


def _safetensors_seeds(scratch: Path) -> Iterable[bytes]:
    for kind in ("floats", "rows"):
        save_file(folders.random_tensors(SAFETENSORS, kind), scratch / "a.safetensors", {"format": "pt"})
        yield (scratch / "a.safetensors").read_bytes()


def _mapped(folder: Path) -> None:
    for one in files.stored_in(folder).values():
        one.floats()


def _low_rank(folder: Path) -> None:
    low_rank.LowRank.from_folder(folder, config.read_config(folder), 1, low_rank.Where(0, ("out",)))


def _json_change(values: tuple[Any, ...] = ODD, extra: tuple[str, ...] = ()) -> Change:
    def change(data: bytes, rng: random.Random) -> bytes:
        raw = json.loads(data)
        for _ in range(rng.choice((1, 1, 2, 4))):
            change_value(raw, rng, extra if isinstance(raw, dict) else (), values)
        return json.dumps(raw, ensure_ascii=rng.random() < 0.9).encode("utf-8", "surrogatepass")

    return change


def _change_header(data: bytes, rng: random.Random) -> bytes:
    """Change a tensor of a safetensors file, which stays sound, or a value in its header, whose length stays right."""
    end = 8 + int.from_bytes(data[:8], "little")
    what = rng.choice(("tensor", "empty", "value"))
    if what == "tensor":
        return change_tensor(data, rng)[0]
    if what == "empty":
        raw = json.loads(data[8:end])
        shape = [0, *rng.choices((1, 2, 2**31, 2**62, 2**63, 2**64 - 1), k=rng.choice((1, 2, 40, 70)))]
        rng.shuffle(shape)
        name = rng.choice(("a", "lm_head.x", "b.q_proj.weight", "layers.0.q.A.weight", "a.scale"))
        raw[name] = {"dtype": rng.choice(KINDS), "shape": shape, "data_offsets": [0, 0]}
        header = json.dumps(raw).encode()
    else:
        header = _json_change()(data[8:end], rng)
    return len(header).to_bytes(8, "little") + header + data[end:]


def _parts(raw: Any) -> list[Any]:
    inner = list(raw.values()) if isinstance(raw, dict) else raw if isinstance(raw, list) else []
    return [one for one in inner if isinstance(one, dict)] + [part for one in inner for part in _parts(one)]


def _change_words(data: bytes, rng: random.Random) -> bytes:
    """Change a tokenizer.json, also by other pieces of one."""
    return _json_change((*ODD, *_WORDS))(data, rng)


def _as_json(*raws: Any) -> Callable[[Path], Iterable[bytes]]:
    return lambda scratch: (json.dumps(raw).encode() for raw in raws)


_WORDS: list[Any] = []  # pieces of the sound tokenizer.json
TENSORS = folders.random_tensors(SAFETENSORS, "rows")
INDEX = {"metadata": {}, "weight_map": dict.fromkeys(TENSORS, "a.safetensors")}
READERS = {
    "gguf": Reader("model.gguf", _gguf_seeds, (_gguf,), _change_head),
    "tokenizer": Reader(
        "tokenizer.json",
        _tokenizer_seeds,
        (_tokenizer, lambda folder: special_tokens.kept_apart(folder / "tokenizer.json")),
        _change_words,
    ),
    "config": Reader(
        "config.json",
        _config_seeds,
        (_config, config.tokenizer_folder, Calibration.read, RoutingTable.read),
        _json_change(extra=EXTRA),
    ),
    "slots": Reader("config.json", _as_json(TRUNK), (low_rank.SlotConfig.read,), _json_change()),
    "adapter": Reader("adapter.json", _as_json(PART), (adapters.Adapter.read,), _json_change()),
    "index": Reader("model.safetensors.index.json", _as_json(INDEX), (files.held_in,), _json_change()),
    "safetensors": Reader("a.safetensors", _safetensors_seeds, (_mapped, arrays.read_model, _low_rank), _change_header),
}


def tried(reader: Reader, data: bytes, folder: Path) -> list[str]:
    """Read bytes as the file that a reader takes them for, and return what each reading said, "" where it was sound."""
    (folder / reader.name).write_bytes(data)
    said = []
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)  # which ends the process
    for read in reader.reads:
        try:
            read(folder)
            said.append("")
        except ModelError as told:
            assert str(folder) in str(told), f"names no file: {told}"
            said.append(str(told))
    signal.setitimer(signal.ITIMER_PROF, 0)
    return said


def main(name: str, root: Path, flags: list[str]) -> None:
    reader, folder, seeds = READERS[name], root / "tried", root / "seeds"
    for one in (folder, seeds, root / "scratch", root / "corpus"):
        one.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(SAFETENSORS))
    save_file(TENSORS, folder / "a.safetensors")
    for n, data in enumerate(reader.seeds(root / "scratch")):
        assert not tried(reader, data, folder)[0], tried(reader, data, folder)
        assert len(data) <= LONGEST_INPUT
        (seeds / str(n)).write_bytes(data)
        if name == "tokenizer":
            _WORDS.extend(_parts(json.loads(data)))

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() > BY_BYTES:
            try:
                return reader.change(data, rng)[:most]
            except Exception:
                pass  # its form is lost already
        return atheris.Mutate(data, most)

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + LIMIT_BYTES, size + LIMIT_BYTES))
    places = [
        f"-artifact_prefix={root}/",
        f"-max_len={LONGEST_INPUT}",
        "-keep_seed=1",
        "-reduce_inputs=0",
        str(root / "corpus"),
        str(seeds),
    ]
    atheris.Setup([name, *flags, *places], lambda data: tried(reader, data, folder) and None, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3:])
