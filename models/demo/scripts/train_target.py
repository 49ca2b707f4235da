"""Trains the Qwen3-MoE target on the synthetic corpus and saves it in the Hugging Face layout.

    python train_target.py --out ../target --seconds 200

Two small losses shape the router besides the language-model loss: the usual
balance loss, and a loss on how much the router's distribution changes from one
token to the next.  Their weights are steered so that expert use ends up neither
collapsed nor uniform and neighbouring tokens share experts about as much as
they do in large models of this family.
"""

import argparse
import math
import os
import time

import torch
import torch.nn.functional as F

from configs import EXPERTS, LAYERS, TARGET_CONFIG, TOP_K, VOCAB_SIZE
from layouts import load_reference, load_target, save_target
from modeling import Target
from tokenization import TokenStream, build_tokenizer, make_pool, save_tokenizer

USAGE_BITS_GOAL, REPEAT_GOAL = 6.6, 0.4  # of 7 bits; share of experts the next token uses again
PEAK_RATE, FINAL_RATE, WARMUP_STEPS, WEIGHT_DECAY = 3e-3, 3e-5, 200, 0.05


def learning_rate(step, progress):
    """Linear warm-up, a plateau, then a cosine decay over the last 70 % of the time."""
    decay = max(0.0, (progress - 0.3) / 0.7)
    rate = FINAL_RATE + (PEAK_RATE - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * decay))
    return rate * min(1.0, (step + 1) / WARMUP_STEPS)


class Dial:
    """A loss weight that goes up while a measured value is under its goal and down while it is
    over.
    """

    def __init__(self, weight, goal, low, high):
        self.weight, self.goal, self.low, self.high = weight, goal, low, high

    def turn(self, value):
        """Moves the weight one step towards what the goal asks."""
        factor = 1.02 if value < self.goal else 1 / 1.02
        self.weight = min(max(self.weight * factor, self.low), self.high)


def losses_and_routing(model, rows):
    """Cross-entropy, balance loss (8 when even, as in transformers), change loss, and what was
    measured.

    Measured are the expert usage [layers, experts] and each layer's share of
    experts that the next token uses again.
    """
    with torch.autocast("cuda", torch.bfloat16):
        output = model(rows[:, :-1])
        logits = model.logits(output)
    loss = F.cross_entropy(logits.flatten(0, 1).float(), rows[:, 1:].flatten())
    balance, change, usage, repeats = 0.0, 0.0, [], []
    for probabilities, chosen in zip(output.probabilities, output.chosen):
        used = torch.zeros_like(probabilities).scatter(-1, chosen, 1.0)
        usage.append(used.mean((0, 1)))
        repeats.append((used[:, 1:] * used[:, :-1]).sum(-1).mean() / TOP_K)
        balance = balance + EXPERTS * (usage[-1] * probabilities.mean((0, 1))).sum() / LAYERS
        change = (
            change
            + (1 - F.cosine_similarity(probabilities[:, 1:], probabilities[:, :-1], -1).mean())
            / LAYERS
        )
    return loss, balance, change, torch.stack(usage).detach(), torch.stack(repeats).detach()


def make_optimizer(model, rate):
    """AdamW that leaves embeddings and norms undecayed."""
    decayed = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    plain = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    groups = [dict(params=decayed, weight_decay=WEIGHT_DECAY), dict(params=plain, weight_decay=0.0)]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)


def batches(stream, batch_rows):
    """Cuts the shards of `stream` into GPU batches of token ids."""
    for shard in stream:
        for start in range(0, len(shard), batch_rows):
            rows = torch.from_numpy(shard[start : start + batch_rows].astype("int64"))
            yield rows.pin_memory().to("cuda", non_blocking=True)


def entropy_bits(usage):
    """Entropy of each layer's expert usage, at most 7 bits for 128 experts."""
    share = usage / TOP_K
    return -(share * share.clamp_min(1e-9).log2()).sum(-1)


def train(stream, seconds, batch_rows=128):
    """Trains for about `seconds` after compilation; returns the model and a summary."""
    torch.manual_seed(0)
    model = Target().cuda()
    optimizer = make_optimizer(model, PEAK_RATE)
    compiled = torch.compile(losses_and_routing)
    balance_dial = Dial(TARGET_CONFIG["router_aux_loss_coef"], USAGE_BITS_GOAL, 1e-5, 2e-3)
    change_dial = Dial(1e-3, REPEAT_GOAL, 1e-4, 2e-2)
    start, step, tokens, progress, next_report = time.time(), 0, 0, 0.0, 0.0
    for rows in batches(stream, batch_rows):
        if step == 3:  # compilation is over
            torch.cuda.synchronize()
            print(f"target: compiled in {time.time() - start:.0f} s", flush=True)
            start = time.time()
        if step > 3:
            progress = (time.time() - start) / seconds
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, progress)
        loss, balance, change, usage, repeats = compiled(model, rows)
        (loss + balance_dial.weight * balance + change_dial.weight * change).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, tokens = step + 1, tokens + rows.shape[0] * (rows.shape[1] - 1)
        if step > 300 and step % 10 == 0:
            balance_dial.turn(entropy_bits(usage).mean().item())
            change_dial.turn(repeats.mean().item())
        if progress >= next_report:
            bits = " ".join(f"{x:.2f}" for x in entropy_bits(usage).tolist())
            shared = " ".join(f"{x:.2f}" for x in repeats.tolist())
            print(
                f"target: {100 * progress:5.1f} %  step {step}  {tokens / 1e6:.0f} M tokens  loss"
                f" {loss.item():.4f}  balance {balance.item():.2f} x {balance_dial.weight:.1e} "
                f" change {change.item():.2f} x {change_dial.weight:.1e}  usage bits {bits} "
                f" repeats {shared}  {tokens / max(time.time() - start, 1e-3) / 1e6:.2f} M"
                " tokens/s",
                flush=True,
            )
            next_report = max(progress, 1e-6) + 0.04
        if progress >= 1:
            break
    torch.cuda.synchronize()
    weights = dict(final_balance_weight=balance_dial.weight, final_change_weight=change_dial.weight)
    return model, dict(
        steps=step,
        tokens=tokens,
        batch_tokens=batch_rows * 512,
        seconds=round(time.time() - start),
        **weights,
    )


def check_against_transformers(directory):
    """Largest logit difference between the compact twin and transformers, both in float32, on
    random tokens.
    """
    reference, twin = load_reference(directory), load_target(directory)
    tokens = torch.randint(0, VOCAB_SIZE, (2, 96), generator=torch.Generator().manual_seed(1))
    return (reference(tokens).logits - twin.logits(twin(tokens))).abs().max().item()


def main(arguments=None, pool=None):
    """Trains and saves the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="../target")
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--workers", type=int, default=13)
    options = parser.parse_args(arguments)
    pool = pool or make_pool(options.workers)
    if not os.path.exists(os.path.join(options.out, "tokenizer.json")):
        save_tokenizer(build_tokenizer(), options.out)
    model, summary = train(TokenStream(pool, options.out), options.seconds)
    save_target(model, options.out)
    summary["largest_logit_difference"] = check_against_transformers(options.out)
    print("target:", summary, flush=True)
    return summary


if __name__ == "__main__":
    main()
