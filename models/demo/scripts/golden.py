"""Golden data, from transformers on the CPU in float32."""

from collections import defaultdict

import torch
import torch.nn.functional as F

import corpus
from configs import END_OF_TEXT, EXPERTS, FEATURE_LAYERS, HEAD_DIM, TOP_K, TURN_END
from held_out import encode, held_out
from layouts import load_draft, load_reference, load_target
from modeling import Target


def golden_candidates(tokenizer, directory, count=128):
    """For each of eight kinds of prompt, several texts to choose from."""
    from transformers import AutoTokenizer

    wrapped = AutoTokenizer.from_pretrained(directory)

    def sized(domain, low, high):
        documents = held_out(domain, 4000, 7 * 10**6)
        fitting = [d.prompt for d in documents if low <= len(encode(tokenizer, d.prompt)) <= high]
        return fitting[:count]

    def asked(question):
        return wrapped.apply_chat_template(
            [dict(role="user", content=question)], tokenize=False, add_generation_prompt=True
        )

    written = [domain for domain in corpus.DOMAINS if domain != "chat"]
    openings = {
        encode(tokenizer, document.text)[0]
        for domain in written
        for document in held_out(domain, 40, 7 * 10**6)
    }
    texts = {
        "one token": [
            tokenizer.decode([token], skip_special_tokens=False) for token in sorted(openings)
        ],
        "story": sized("story", 12, 60),
        "chat": [
            asked(f"{start} a story about {corpus.with_article(s)}.")
            for start in ("Tell me", "Write")
            for s in corpus.SPECIES
        ],
        "maths": sized("maths", 40, 90),
        "python": sized("python", 20, 60),
        "json": sized("json", 80, 140),
        "atlas": sized("atlas", 90, 160),
        "long chat": sized("chat", 170, 200),
    }
    texts["one token"] = [text for text in texts["one token"] if len(encode(tokenizer, text)) == 1]
    assert all(
        wrapped(t[0], add_special_tokens=False)["input_ids"] == encode(tokenizer, t[0])
        for t in texts.values()
    )
    return texts


@torch.no_grad()
def steadiest_first(target, tokenizer, texts, count):
    """Sorts the candidates of each kind by the least margin on their greedy way, best first."""
    flat = [
        (name, text, encode(tokenizer, text)) for name, group in texts.items() for text in group
    ]
    rows = target.generate(
        [ids for _, _, ids in flat], max(len(ids) for _, _, ids in flat) + count, torch.float32
    )
    best = torch.cat([target.logits(target(chunk)).topk(2).values for chunk in rows.split(64)])
    margins = (best[..., 0] - best[..., 1]).tolist()
    ranked = defaultdict(list)
    for (name, text, ids), row in zip(flat, margins):
        ranked[name].append((min(row[len(ids) - 1 : len(ids) - 1 + count]), text))
    return {
        name: [text for _, text in sorted(group, reverse=True)] for name, group in ranked.items()
    }


def top_margin(logits):
    """The gap between the best two logits."""
    best = logits.topk(2).values
    return (best[0] - best[1]).item()


@torch.no_grad()
def greedy(reference, ids, count):
    """(`count` greedy tokens, the logits after the prompt, the top-two margin at every step)."""
    output = reference(torch.tensor([ids]), use_cache=True)
    first, tokens, margins = output.logits[0, -1], [], []
    logits = first
    while True:
        tokens.append(int(logits.argmax()))
        margins.append(top_margin(logits))
        if len(tokens) == count:
            return tokens, first, margins
        output = reference(
            torch.tensor([[tokens[-1]]]), past_key_values=output.past_key_values, use_cache=True
        )
        logits = output.logits[0, -1]


@torch.no_grad()
def reference_features(reference, ids):
    """From transformers: what the draft reads, the last position's router scores, all logits."""
    output = reference(
        torch.tensor([ids]), output_hidden_states=True, output_router_logits=True, use_cache=False
    )
    features = torch.cat([output.hidden_states[layer] for layer in FEATURE_LAYERS], -1)
    scores = torch.stack([layer.reshape(-1, EXPERTS)[-1].float() for layer in output.router_logits])
    already_softmax = bool((scores >= 0).all()) and bool((scores.sum(-1) - 1).abs().max() < 1e-3)
    return features, scores if already_softmax else scores.softmax(-1), output.logits[0]


@torch.no_grad()
def draft_one_by_one(draft, embedding, features, ids, depth):
    """Plain sequential drafting with a growing cache, as an engine would do it.

    `features` cover tokens 0 .. n-2 and `ids` tokens 0 .. n-1, the last of which the
    target has not read yet.  Returns the proposed target ids and their draft logits.
    """
    rows = len(ids) - 1
    positions = torch.arange(rows)
    g = draft.fc(features[:, :rows])
    q, keys, values = draft.project(F.embedding(torch.tensor([ids[1:]]), embedding), g, positions)
    mixed = F.scaled_dot_product_attention(q, keys, values, is_causal=True)
    g = draft.finish(g, mixed)[:, -1:]
    proposed, all_logits = [], []
    while True:
        logits = draft.logits(g)[0, -1]
        proposed.append(int(draft.target_ids[logits.argmax()]))
        all_logits.append(logits)
        if len(proposed) == depth:
            return proposed, torch.stack(all_logits)
        embedded = F.embedding(torch.tensor([[proposed[-1]]]), embedding)
        q, k, v = draft.project(embedded, g, torch.tensor([rows + len(proposed) - 1]))
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        weights = (q @ keys.transpose(-1, -2) * HEAD_DIM**-0.5).softmax(-1)
        g = draft.finish(g, weights @ values)


def draft_trace(reference, draft, prompt, continuation, depth=4):
    """Exact greedy drafting over a known greedy continuation, step by step."""
    embedding = reference.get_input_embeddings().weight.data
    ids = prompt + continuation
    features, _, logits = reference_features(reference, ids)
    best = logits.argmax(-1).tolist()
    assert (
        best[len(prompt) - 1 : len(ids) - 1] == continuation
    ), "the full pass and the cached pass disagree"
    known, steps, first_logits = len(prompt) + 1, [], None
    while known < len(ids):
        proposed, draft_logits = draft_one_by_one(draft, embedding, features, ids[:known], depth)
        first_logits = draft_logits if first_logits is None else first_logits
        truth = ids[known : known + depth]
        accepted = 0
        while accepted < min(depth, len(truth)) and proposed[accepted] == truth[accepted]:
            accepted += 1
        emitted = ids[known : known + accepted + 1]
        margin = round(min(top_margin(row) for row in draft_logits), 4)
        steps.append(
            dict(
                known_tokens=known,
                proposed=proposed,
                accepted=accepted,
                emitted=emitted,
                smallest_draft_margin=margin,
            )
        )
        known += accepted + 1
    twin, _ = draft.propose(features, torch.tensor([ids]), embedding, depth)
    assert all(
        twin[0, s["known_tokens"] - 2].tolist() == s["proposed"] for s in steps
    ), "parallel and sequential drafting disagree"
    return steps, first_logits


def last_position(reference, ids, index, own_features):
    """The golden tensors of prompt `index` that stand at its last position, logits aside."""
    features, scores, _ = reference_features(reference, ids)
    assert torch.allclose(features, own_features, atol=1e-3), "features disagree"
    weights, chosen = scores.topk(TOP_K, -1)
    return {
        f"features.{index}": features[0, -1].float().clone(),
        f"experts.{index}": chosen.to(torch.int32).clone(),
        f"expert_weights.{index}": (weights / weights.sum(-1, keepdim=True)).clone(),
    }


def golden(target, target_directory, draft_directory, tokenizer, count=96):
    """(golden.json's content, golden.safetensors' tensors).

    Of each kind of prompt the candidate whose greedy way has the widest margins is
    taken, so that rounding does not decide a token; for the two with a drafting
    trace, also the draft's own margins count.
    """
    torch.set_num_threads(4)
    reference, draft, twin = (
        load_reference(target_directory),
        load_draft(draft_directory),
        load_target(target_directory),
    )
    ranked = steadiest_first(
        target, tokenizer, golden_candidates(tokenizer, target_directory), count
    )
    entries, tensors = [], {}
    for index, (name, texts) in enumerate(ranked.items()):
        traced = name in ("story", "chat")
        tries = []
        for text in texts[: 4 if traced else 1]:
            ids = encode(tokenizer, text)
            tokens, logits, margins = greedy(reference, ids, count)
            steps, draft_logits = (
                draft_trace(reference, draft, ids, tokens) if traced else ([], None)
            )
            steadiness = min([min(margins)] + [step["smallest_draft_margin"] for step in steps])
            tries.append((steadiness, text, ids, tokens, logits, margins, steps, draft_logits))
        _, text, ids, tokens, logits, margins, steps, draft_logits = max(
            tries, key=lambda entry: entry[0]
        )
        assert 1 <= len(ids) <= 200
        own = Target.features(twin(torch.tensor([ids])))
        tensors[f"logits.{index}"] = logits.float().clone()
        tensors.update(last_position(reference, ids, index, own))
        entry = dict(
            name=name,
            prompt=text,
            prompt_ids=ids,
            continuation_ids=tokens,
            continuation=tokenizer.decode(tokens, skip_special_tokens=False),
            first_stop_index=next(
                (i for i, token in enumerate(tokens) if token in (TURN_END, END_OF_TEXT)), None
            ),
            margins=[round(margin, 4) for margin in margins],
        )
        if traced:
            entry["draft_trace"] = dict(
                depth=4,
                steps=steps,
                passes=len(steps),
                tokens_per_pass=round((count - 1) / len(steps), 3),
            )
            tensors[f"draft_logits.{index}"] = draft_logits.float().clone()
        entries.append(entry)
        print(
            f"golden: {name}, {len(ids)} prompt tokens, smallest margin {min(margins):.4f},"
            f" {len(steps)} drafting steps",
            flush=True,
        )
    return dict(dtype="float32", continuation_length=count, prompts=entries), tensors
