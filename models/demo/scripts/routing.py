"""Statistics of the routing: skew, locality, and how well experts can be predicted."""

from collections import OrderedDict, defaultdict

import torch
import torch.nn.functional as F

import corpus
from configs import END_OF_TEXT, EXPERTS, LAYERS, TOP_K, VOCAB_SIZE
from tokenization import pack_rows


def packed(directory, first_seed, count, device):
    """`count` packed rows of 512 tokens."""
    return torch.from_numpy(pack_rows(directory, first_seed, count, 512).astype("int64")).to(device)


def used_experts(chosen):
    """Multi-hot [.., 128] form of chosen expert ids [.., 8]."""
    return torch.zeros(*chosen.shape[:-1], EXPERTS, device=chosen.device).scatter(-1, chosen, 1.0)


def used_experts_of_best(scores, wanted):
    """Multi-hot form of the `wanted` best-scored experts."""
    best = scores.topk(wanted, -1).indices
    return torch.zeros_like(scores).scatter(-1, best, 1.0)


def lru_hit_rate(requests, slots):
    """Hit rate of one layer's least-recently-used cache over a list of 8-expert requests."""
    cache, hits = OrderedDict(), 0
    for experts in requests:
        hits += sum(expert in cache for expert in experts)
        for expert in experts:
            cache[expert] = True
            cache.move_to_end(expert)
        while len(cache) > slots:
            cache.popitem(last=False)
    return hits / (TOP_K * len(requests))


@torch.no_grad()
def skew_and_locality(text, used):
    """How uneven expert use is on held-out text, and how much neighbouring tokens share."""
    usage = used.mean((1, 2)) / TOP_K
    same_document = text[:, :-1] != END_OF_TEXT
    shared = (used[:, :, 1:] * used[:, :, :-1]).sum(-1)[:, same_document]
    length, unions = text.shape[1], {}
    for n in (2, 3, 4, 5, 6, 8):
        window = torch.stack([used[:, :, i : length - n + 1 + i] for i in range(n)]).amax(0)
        unions[n] = window.sum(-1).mean((1, 2)).tolist()
    return dict(
        usage_entropy_bits=(-(usage * usage.clamp_min(1e-9).log2()).sum(-1)).tolist(),
        usage_top8_share=usage.topk(8).values.sum(-1).tolist(),
        usage_least_expert_share=usage.min(-1).values.tolist(),
        consecutive_jaccard=(shared / (2 * TOP_K - shared)).mean(1).tolist(),
        consecutive_repeat_share=(shared.mean(1) / TOP_K).tolist(),
        union_of_consecutive_tokens_in_one_sequence=unions,
    )


@torch.no_grad()
def learn_tables(target, rows):
    """From training text: expert use by layer, by token id, and given experts one layer before."""
    pairs = torch.zeros(LAYERS - 1, EXPERTS, EXPERTS, device=rows.device)
    by_token = torch.zeros(LAYERS, VOCAB_SIZE, EXPERTS, device=rows.device)
    for chunk in rows.split(64):
        used = torch.stack([used_experts(c) for c in target(chunk).chosen]).flatten(1, 2)
        for layer in range(LAYERS):
            by_token[layer].index_add_(0, chunk.flatten(), used[layer])
            if layer:
                pairs[layer - 1] += used[layer - 1].T @ used[layer]
    popularity = by_token.sum(1)
    # Tokens never seen fall back on overall popularity; it breaks ties elsewhere.
    by_token += 1e-3 * (popularity / popularity.sum(-1, keepdim=True))[:, None]
    return popularity, by_token, pairs / pairs.sum(-1, keepdim=True).clamp_min(1)


@torch.no_grad()
def predictor_recall(target, text, output, used, tables):
    """Recall of each layer's experts by cheap predictors that fetch the 8, 12, 16 or 24 likeliest.

    Predictors that look at the layer before have one figure fewer: layers 1 and up.
    """
    popularity, by_token, by_pair = tables
    result = defaultdict(dict)
    for layer in range(LAYERS):
        prior = popularity[layer] / popularity[layer].sum()
        scores = dict(
            most_popular=prior.expand_as(used[layer]),
            token_id_table=by_token[layer][text],
            same_layer_previous_token=F.pad(used[layer][:, :-1], (0, 0, 1, 0)) + prior,
            this_router_on_layer_input=target.layers[layer].route(output.inputs[layer]),
        )
        if layer:
            scores["previous_layer_table"] = used[layer - 1] @ by_pair[layer - 1]
            scores["this_router_on_previous_layers_router_input"] = target.layers[layer].route(
                output.middles[layer - 1]
            )
        for name, score in scores.items():
            for wanted in (8, 12, 16, 24):
                hit = (used_experts_of_best(score, wanted) * used[layer]).sum() / used[layer].sum()
                result[name].setdefault(f"recall@{wanted}", []).append(hit.item())
    return dict(result)


@torch.no_grad()
def ahead_of_verification(target, rows, starts, ends, chosen, hiddens, by_token):
    """Recall@8 on decode steps from what drafting knows.

    That is the draft's recurrent state, or the token ids alone.
    """
    at = torch.arange(rows.shape[1], device=rows.device)
    starts, ends = (torch.tensor(x, device=rows.device)[:, None] for x in (starts, ends))
    decoded = (at >= starts) & (at < ends - 1)
    result = {f"router_on_draft_state_{step + 1}_ahead": [] for step in range(4)}
    result["token_id_table"] = []
    for layer in range(LAYERS):
        truth = used_experts(chosen[layer].long().to(rows.device)) * decoded[..., None]
        guess = used_experts_of_best(by_token[layer][rows], TOP_K)
        result["token_id_table"].append(((guess * truth).sum() / truth.sum()).item())
        for step in range(4):
            # Step `step` of draft row t stands for the residual stream at position t + 1 + step.
            reached = slice(1 + step, None)
            known = (at[reached] - 1 - step >= starts - 1)[..., None]
            guess = used_experts_of_best(
                target.layers[layer].route(hiddens[:, : rows.shape[1] - 1 - step, step]), TOP_K
            )
            wanted = truth[:, reached] * known
            result[f"router_on_draft_state_{step + 1}_ahead"].append(
                ((guess * wanted).sum() / wanted.sum()).item()
            )
    return result


def decode_locality(chosen, starts, ends, trials=400, sequences=256):
    """LRU hit rates of batch-1 decoding and unions of experts over concurrent sequences."""
    generator = torch.Generator().manual_seed(0)
    able = [row for row in range(len(starts)) if ends[row] - 1 > starts[row]]
    order = [able[i] for i in torch.randperm(len(able), generator=generator).tolist()]
    requests = [
        [
            experts
            for row in order[:sequences]
            for experts in chosen[layer, row, starts[row] : ends[row] - 1].tolist()
        ]
        for layer in range(LAYERS)
    ]
    hits = {
        f"{percent}%": [lru_hit_rate(r, round(EXPERTS * percent / 100)) for r in requests]
        for percent in (20, 40, 60)
    }
    unions = {}
    for n in (1, 2, 4, 8, 16, 32, 64):
        total = torch.zeros(LAYERS)
        for _ in range(trials):
            picked = [able[i] for i in torch.randperm(len(able), generator=generator)[:n].tolist()]
            at = [
                starts[row]
                + int(torch.randint(ends[row] - 1 - starts[row], (1,), generator=generator))
                for row in picked
            ]
            total += used_experts(chosen[:, picked, at].long()).amax(1).sum(-1)
        expected = EXPERTS * (1 - (1 - TOP_K / EXPERTS) ** n)
        unions[n] = dict(
            per_layer=(total / trials).tolist(),
            mean=(total / trials).mean().item(),
            independent_uniform=expected,
        )
    return dict(
        lru_hit_rate_batch_1=hits,
        lru_decode_steps=len(requests[0]),
        union_of_concurrent_sequences=unions,
    )


@torch.no_grad()
def routing(target, directory, rows, starts, ends, hiddens, training_row_count):
    """All routing statistics."""
    text = packed(directory, corpus.HELD_OUT + 2 * 10**6, 192, rows.device)
    output = target(text)
    # [layers, rows, positions, experts]
    used = torch.stack([used_experts(c) for c in output.chosen])
    stats = skew_and_locality(text, used)
    training_rows = packed(directory, 1_000_000, training_row_count, rows.device)
    tables = learn_tables(target, training_rows)
    stats["predicting_experts"] = predictor_recall(target, text, output, used, tables)
    chosen = target_choices(target, rows)
    stats["predicting_decode_steps_recall@8"] = ahead_of_verification(
        target, rows, starts, ends, chosen, hiddens, tables[1]
    )
    stats.update(decode_locality(chosen, starts, ends))
    return stats


@torch.no_grad()
def target_choices(target, rows):
    """Chosen experts [layers, rows, positions, 8] as small integers on the CPU."""
    parts = [torch.stack(target(chunk).chosen).to(torch.uint8).cpu() for chunk in rows.split(64)]
    return torch.cat(parts, 1)
