"""Documents that training never saw, and how well the target does on them."""

from collections import defaultdict

import torch
import torch.nn.functional as F

import corpus
from configs import END_OF_TEXT, TURN_END

LENGTH = 416  # tokens of prompt and continuation together
SAMPLE_DOMAINS = ["story", "chat", "maths", "python", "atlas", "letter"]


def encode(tokenizer, text):
    """The token ids of `text`, with no special token added."""
    return tokenizer.encode(text, add_special_tokens=False).ids


def held_out(domain, count, offset=0):
    """Documents of one domain that training never saw by seed."""
    return [corpus.document(corpus.HELD_OUT + offset + i, domain) for i in range(count)]


@torch.no_grad()
def losses(target, tokenizer, documents_each):
    """Held-out loss by domain, in nats a token and in bits a byte.

    Each document is read on its own.
    """
    table, sums = {}, [0.0, 0, 0]
    for domain in corpus.DOMAINS:
        texts = [d.text for d in held_out(domain, documents_each)]
        ids = [(encode(tokenizer, text) + [END_OF_TEXT])[:512] for text in texts]
        batch = torch.full((len(ids), max(map(len, ids))), -1)
        for row, tokens in enumerate(ids):
            batch[row, : len(tokens)] = torch.as_tensor(tokens)
        batch = batch.to(target.norm.device)
        logits = target.logits(target(batch.clamp_min(0)))
        nats = F.cross_entropy(
            logits[:, :-1].flatten(0, 1), batch[:, 1:].flatten(), ignore_index=-1, reduction="sum"
        ).item()
        tokens, size = sum(len(t) - 1 for t in ids), sum(len(text.encode()) for text in texts)
        table[domain] = dict(nats_per_token=nats / tokens, bits_per_byte=nats / size / 0.6931472)
        sums = [a + b for a, b in zip(sums, (nats, tokens, size))]
    nats, tokens, size = sums
    table["mean"] = dict(nats_per_token=nats / tokens, bits_per_byte=nats / size / 0.6931472)
    return table


def continuations(target, tokenizer, documents_each):
    """Greedy continuations of held-out prompts: (documents, prompt lengths, token rows, ends).

    `ends` is the index just after the first end-of-turn or end-of-text token, or the row's length.
    """
    documents = [d for domain in corpus.DOMAINS for d in held_out(domain, documents_each, 10**6)]
    documents = [d for d in documents if len(encode(tokenizer, d.prompt)) < LENGTH - 64]
    prompts = [encode(tokenizer, d.prompt) for d in documents]
    rows = target.generate(prompts, LENGTH, torch.float32)
    starts = torch.tensor([len(p) for p in prompts], device=rows.device)
    at = torch.arange(LENGTH, device=rows.device)
    stop = ((rows == TURN_END) | (rows == END_OF_TEXT)) & (at >= starts[:, None])
    ends = torch.where(stop, at + 1, LENGTH).min(1).values
    return documents, starts.tolist(), rows, ends.tolist()


def answers(tokenizer, documents, starts, rows, ends):
    """Share of prompts with one right answer whose greedy continuation contains it, by domain."""
    right = defaultdict(list)
    for document, start, row, end in zip(documents, starts, rows.tolist(), ends):
        if document.answer is not None:
            text = tokenizer.decode(row[start:end], skip_special_tokens=True) + "\n"
            right[document.domain].append(document.answer in text)
    return {
        domain: dict(right=sum(hits) / len(hits), prompts=len(hits))
        for domain, hits in right.items()
    }


def samples(target, tokenizer):
    """One greedy sample from each of six domains."""
    prompts = []
    for domain in SAMPLE_DOMAINS:
        question = (
            corpus.chat_turn("user", "Tell me a story about a fox.")
            + f"{corpus.TURN_START}assistant\n"
        )
        prompts.append(
            question
            if domain == "chat"
            else corpus.document(corpus.HELD_OUT + 5 * 10**6 + 3, domain).prompt
        )
    encoded = [encode(tokenizer, prompt) for prompt in prompts]
    found = []
    for domain, prompt, ids, row in zip(
        SAMPLE_DOMAINS, prompts, encoded, target.generate(encoded, LENGTH, torch.float32).tolist()
    ):
        end = next(
            (i + 1 for i in range(len(ids), LENGTH) if row[i] in (TURN_END, END_OF_TEXT)), LENGTH
        )
        found.append(
            dict(
                domain=domain,
                prompt=prompt,
                continuation=tokenizer.decode(row[len(ids) : end], skip_special_tokens=False),
            )
        )
    return found
