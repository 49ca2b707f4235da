"""Byte-level BPE tokenizer of the demo pair, and packing of documents into training rows."""

import itertools
import json
import multiprocessing
import os
from collections import deque
from functools import lru_cache

import numpy as np
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

import corpus
from configs import VOCAB_SIZE

QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def build_tokenizer(documents=60_000):
    """Trains the BPE merges on the first documents of the corpus; special tokens get the last
    ids, as in Qwen.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(corpus.SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )

    def plain_texts():
        for seed in range(documents):
            text = corpus.document(seed).text
            for token in corpus.SPECIAL_TOKENS:
                text = text.replace(token, "")
            yield text

    tokenizer.train_from_iterator(plain_texts(), trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in corpus.SPECIAL_TOKENS]
    )
    assert tokenizer.get_vocab_size() == VOCAB_SIZE, tokenizer.get_vocab_size()
    return tokenizer


def save_tokenizer(tokenizer, directory):
    """Writes tokenizer.json, tokenizer_config.json and generation_config.json."""
    os.makedirs(directory, exist_ok=True)
    stored = json.loads(tokenizer.to_str())
    for part in (
        stored["pre_tokenizer"]["pretokenizers"][1],
        stored["post_processor"],
        stored["decoder"],
    ):
        part.update(
            add_prefix_space=False, trim_offsets=False, use_regex=False
        )  # as Qwen's files say
    write_json(os.path.join(directory, "tokenizer.json"), stored)
    ids = {token: tokenizer.token_to_id(token) for token in corpus.SPECIAL_TOKENS}
    flags = dict(lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
    config = dict(
        add_bos_token=False,
        add_prefix_space=False,
        added_tokens_decoder={
            str(index): dict(content=token, **flags) for token, index in ids.items()
        },
        additional_special_tokens=[corpus.TURN_START, corpus.TURN_END],
        bos_token=None,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        eos_token=corpus.TURN_END,
        errors="replace",
        model_max_length=4096,
        pad_token=corpus.END_OF_TEXT,
        split_special_tokens=False,
        tokenizer_class="Qwen2Tokenizer",
        unk_token=None,
    )
    write_json(os.path.join(directory, "tokenizer_config.json"), config)
    generation = dict(
        bos_token_id=ids[corpus.END_OF_TEXT],
        do_sample=False,
        eos_token_id=[ids[corpus.TURN_END], ids[corpus.END_OF_TEXT]],
        pad_token_id=ids[corpus.END_OF_TEXT],
        transformers_version="4.51.0",
    )
    write_json(os.path.join(directory, "generation_config.json"), generation)


def write_json(path, value):
    """Writes indented UTF-8 JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")


@lru_cache(maxsize=None)
def load_tokenizer(directory):
    """The tokenizer of a checkpoint folder; read once."""
    return Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))


def pack_rows(directory, first_seed, rows, length):
    """Fills `rows` rows of `length` tokens; each begins with a new document and cuts off its
    last one.
    """
    tokenizer = load_tokenizer(directory)
    end = tokenizer.token_to_id(corpus.END_OF_TEXT)
    packed = np.empty((rows, length), np.uint16)
    seeds = itertools.count(first_seed)
    row, filled = 0, 0
    while row < rows:
        texts = [corpus.document(seed).text for seed in itertools.islice(seeds, 512)]
        for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
            ids = encoding.ids + [end]
            take = min(len(ids), length - filled)
            packed[row, filled : filled + take] = ids[:take]
            filled += take
            if filled == length:
                row, filled = row + 1, 0
                if row == rows:
                    break
    return packed


def make_pool(workers):
    """Worker processes for `TokenStream`; call it before the GPU is first used."""
    single_threaded = ("TOKENIZERS_PARALLELISM", "false")
    return multiprocessing.get_context("fork").Pool(
        workers, os.environ.__setitem__, single_threaded
    )


class TokenStream:
    """Endless, reproducible training rows: shard `i` always holds the documents from seed `i`
    million on.
    """

    def __init__(self, pool, directory, rows=2048, length=513, first_shard=0, ahead=40):
        self.pool, self.arguments = pool, (directory, rows, length)
        self.next_shard, self.pending = first_shard, deque()
        for _ in range(ahead):
            self._submit()

    def _submit(self):
        directory, rows, length = self.arguments
        seed = 1_000_000 * (self.next_shard + 1)
        self.pending.append(self.pool.apply_async(pack_rows, (directory, seed, rows, length)))
        self.next_shard += 1

    def __iter__(self):
        return self

    def __next__(self):
        shard = self.pending.popleft().get()
        self._submit()
        return shard
