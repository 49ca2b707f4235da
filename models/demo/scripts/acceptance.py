"""Acceptance of exact greedy chain drafting."""

from collections import defaultdict

import torch
import torch.nn.functional as F

from modeling import Target

DEEPEST = 6  # the longest draft chain measured


@torch.no_grad()
def proposals(target, draft, rows):
    """Draft proposals [rows, positions, DEEPEST] from every position, and its hidden states."""
    parts, hiddens = [], []
    for chunk in rows.split(64):
        output = target(chunk)
        part, hidden = draft.propose(Target.features(output), chunk, target.embed.weight, DEEPEST)
        parts.append(part)
        hiddens.append(torch.stack(hidden, 2))
    return torch.cat(parts), torch.cat(hiddens)


def accepted_from_every_position(proposed, rows):
    """How many proposals in a row equal the target's greedy tokens, from every position."""
    length = rows.shape[1]
    padded = F.pad(rows, (0, DEEPEST + 1), value=-1)
    truth = torch.stack([padded[:, 2 + k : 1 + k + length] for k in range(DEEPEST)], -1)
    return (proposed == truth).cumprod(-1).sum(-1)


def chain_lengths(accepted, starts, ends, depth):
    """Replays drafting with chains of `depth`: (tokens emitted, target passes) of every row.

    The prompt's own pass yields the first token; every later pass verifies one
    chain and emits the accepted proposals and one token of the target's own.
    """
    result = []
    for row, start, end in zip(accepted, starts, ends):
        # Tokens so far; the draft starts from the features of token known - 2.
        known, passes = start + 1, 0
        while known < end:
            known += min(row[known - 2], depth) + 1
            passes += 1
        result.append((end - start - 1, passes))
    return result


def acceptance(target, draft, documents, starts, rows, ends):
    """Mean tokens per target pass for K = 1..6, overall and by domain, and acceptance by depth."""
    proposed, hiddens = proposals(target, draft, rows)
    accepted = accepted_from_every_position(proposed, rows).tolist()
    table = {}
    for depth in range(1, DEEPEST + 1):
        sums = defaultdict(lambda: [0, 0])
        for document, (emitted, passes) in zip(
            documents, chain_lengths(accepted, starts, ends, depth)
        ):
            for key in (document.domain, "overall"):
                sums[key][0] += emitted
                sums[key][1] += passes
        table[f"K={depth}"] = {
            key: emitted / max(passes, 1) for key, (emitted, passes) in sums.items()
        }
    counts = [0] * (DEEPEST + 1)
    for row, start, end in zip(accepted, starts, ends):
        for at in range(start - 1, end - 2):
            counts[row[at]] += 1
    at_least = [sum(counts[k:]) for k in range(DEEPEST + 1)]
    by_depth = [at_least[k] / max(at_least[k - 1], 1) for k in range(1, DEEPEST + 1)]
    return dict(tokens_per_pass=table, conditional_acceptance_by_depth=by_depth), hiddens
