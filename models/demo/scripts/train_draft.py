"""Trains the EAGLE-3 draft head of a saved target and saves it in the SpecForge layout.

    python train_draft.py --target ../target --out ../draft --seconds 100

Half of the training rows are corpus text, half are continuations that the target
wrote itself (greedily) from the beginnings of corpus documents.
"""

import argparse
import itertools
import math
import random
import time

import torch
import torch.nn.functional as F

import corpus
from configs import DRAFT_CONFIG, END_OF_TEXT, TURN_END, TURN_START, VOCAB_SIZE
from layouts import load_target, save_draft
from modeling import Draft
from tokenization import TokenStream, load_tokenizer, make_pool
from train_target import batches

DEPTH, STEP_WEIGHT = 5, 0.8
PEAK_RATE, FINAL_RATE, WARMUP_STEPS = 2e-3, 2e-5, 100
OWN_TEXT_SEED = 500_000_000_000  # documents whose beginnings the target continues


def own_text(target, directory, seconds, length=389, batch_rows=4096):
    """Rows of corpus beginnings with the target's greedy continuations, for about `seconds`.

    Rows end at the target's first end-of-text token; what it writes after that is cut to -1.
    """
    tokenizer, start, rows = load_tokenizer(directory), time.time(), []
    r, seeds = random.Random(0), itertools.count(OWN_TEXT_SEED)
    while not rows or time.time() - start < seconds:
        texts = [corpus.document(seed) for seed in itertools.islice(seeds, batch_rows)]
        prompts = []
        for document, encoding in zip(
            texts, tokenizer.encode_batch([d.text for d in texts], add_special_tokens=False)
        ):
            asked = len(tokenizer.encode(document.prompt, add_special_tokens=False).ids)
            cut = asked if r.random() < 0.5 else r.randint(1, max(1, len(encoding.ids) // 2))
            prompts.append(encoding.ids[: min(cut, length - 32)])
        with torch.autocast("cuda", torch.bfloat16):
            tokens = target.generate(prompts, length, torch.bfloat16)
        ended = (tokens == END_OF_TEXT).cumsum(1)
        rows.append(torch.where((ended > 1) | ((ended == 1) & (tokens != END_OF_TEXT)), -1, tokens))
    return torch.cat(rows)


def choose_vocabulary(counts, size):
    """The `size` most frequent tokens, special ones always among them, in order of id."""
    counts = counts.clone()
    counts[[END_OF_TEXT, TURN_START, TURN_END]] = counts.max() + 1
    return counts.topk(size).indices.sort().values


def teacher(target, tokens):
    """The target's features and logits on a batch of rows."""
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        output = target(tokens)
        return target.features(output), target.logits(output)


def draft_loss(draft, embedding, features, logits, tokens, valid, known):
    """Soft cross-entropy over the unrolled steps, and per step the share of right first choices.

    Step k of row t is scored against the target's distribution at position t + 1 + k,
    restricted to the draft vocabulary, where the target's own first choice is in it.
    """
    with torch.autocast("cuda", torch.bfloat16):
        hiddens = draft.unroll(features, tokens, embedding, DEPTH, forced=True)
        guesses = [draft.logits(hidden) for hidden in hiddens]
    rows = tokens.shape[1] - DEPTH
    wanted = F.softmax(logits[..., draft.target_ids].float(), -1)
    best = logits.argmax(-1)
    counted = known[best] & valid
    total, right = 0.0, []
    for step, guess in enumerate(guesses):
        part = slice(step + 1, step + 1 + rows)
        mask = counted[:, part].float()
        loss = -(wanted[:, part] * F.log_softmax(guess.float(), -1)).sum(-1)
        total = total + STEP_WEIGHT**step * (loss * mask).sum() / mask.sum()
        hit = (draft.target_ids[guess.argmax(-1)] == best[:, part]) & valid[:, part]
        right.append(hit.float().sum() / valid[:, part].float().sum())
    return total, torch.stack(right).detach()


def train(target, stream, own, seconds, batch_rows=64):
    """Trains the draft for about `seconds`; returns it and a summary."""
    torch.manual_seed(1)
    draft = Draft().cuda()
    text = itertools.cycle(batches([next(stream) for _ in range(24)], batch_rows))
    sample = [next(text) for _ in range(64)]
    counts = torch.bincount(
        torch.cat([t.flatten() for t in sample] + [own[own >= 0]]), minlength=VOCAB_SIZE
    )
    draft.target_ids.copy_(choose_vocabulary(counts, DRAFT_CONFIG["draft_vocab_size"]))
    known = torch.zeros(VOCAB_SIZE, dtype=torch.bool, device="cuda")
    known[draft.target_ids] = True
    coverage = (counts * known).sum().item() / counts.sum().item()
    with torch.no_grad():
        draft.head.weight.copy_(target.head.weight[draft.target_ids])
        draft.norm.copy_(target.norm)
    optimizer = torch.optim.AdamW(
        draft.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True
    )
    start, step, skipped, tokens_seen, progress, next_report = time.time(), 0, 0, 0, 0.0, 0.0
    while progress < 1:
        if step % 2:
            rows = own[torch.randint(len(own), (batch_rows,), device="cuda")]
        else:
            rows = next(text)[:, : own.shape[1]]
        valid = rows >= 0
        tokens = rows.clamp_min(0)
        progress = (time.time() - start) / seconds
        rate = FINAL_RATE + (PEAK_RATE - FINAL_RATE) * 0.5 * (
            1 + math.cos(math.pi * min(progress, 1))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARMUP_STEPS)
        features, logits = teacher(target, tokens)
        loss, right = draft_loss(draft, target.embed.weight, features, logits, tokens, valid, known)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(draft.parameters(), 1.0)
        if torch.isfinite(norm):
            optimizer.step()
        else:
            skipped += 1
        optimizer.zero_grad(set_to_none=True)
        step, tokens_seen = step + 1, tokens_seen + tokens.numel()
        if progress >= next_report:
            shares = " ".join(f"{share:.3f}" for share in right.tolist())
            kind = "own text" if step % 2 == 0 else "corpus"
            print(
                f"draft: {100 * progress:5.1f} %  step {step}  loss {loss.item():.4f}  norm"
                f" {norm.item():.2f}  skipped {skipped}  right on {kind}, by depth: {shares}",
                flush=True,
            )
            next_report = max(progress, 1e-6) + 0.07
    torch.cuda.synchronize()
    summary = dict(
        steps=step,
        tokens=tokens_seen,
        own_rows=len(own),
        seconds=round(time.time() - start),
        vocabulary_coverage=round(coverage, 4),
    )
    return draft, summary


def main(arguments=None, pool=None):
    """Trains and saves the draft."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="../target")
    parser.add_argument("--out", default="../draft")
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--workers", type=int, default=13)
    options = parser.parse_args(arguments)
    pool = pool or make_pool(options.workers)
    stream = TokenStream(pool, options.target, rows=1024, first_shard=100_000, ahead=8)
    target = load_target(options.target, "cuda")
    own = own_text(target, options.target, 0.2 * options.seconds)
    print(f"draft: {len(own)} rows of the target's own text", flush=True)
    draft, summary = train(target, stream, own, 0.8 * options.seconds)
    save_draft(draft, options.out)
    print("draft:", summary, flush=True)
    return summary


if __name__ == "__main__":
    main()
