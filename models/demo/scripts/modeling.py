"""Compact PyTorch twins of the Qwen3-MoE target and its EAGLE-3 draft head.

The target computes every expert for every token and multiplies the unused ones
by zero: for so small a model that is faster than gathering tokens by expert,
and the result is the same.
"""

from collections import namedtuple

import torch
import torch.nn.functional as F
from torch import nn

from configs import (
    DRAFT_CONFIG,
    EPSILON,
    EXPERT_DIM,
    EXPERTS,
    FEATURE_LAYERS,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    KV_HEADS,
    LAYERS,
    ROPE_THETA,
    TOP_K,
    VOCAB_SIZE,
)


def rms_norm(x, weight):
    """Root mean square norm in float32."""
    x = x.float()
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON))


def rope_tables(positions):
    """Cosines and sines, each [positions, head_dim]."""
    exponents = torch.arange(0, HEAD_DIM, 2, device=positions.device).float() / HEAD_DIM
    angles = positions.float()[:, None] / ROPE_THETA**exponents
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, tables):
    """Rotary embedding in the half-split convention; x is [batch, heads, positions, head_dim]."""
    cos, sin = tables
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def split_heads(x, heads):
    """[.., positions, heads * head_dim] -> [.., heads, positions, head_dim]."""
    return x.unflatten(-1, (heads, HEAD_DIM)).transpose(1, 2)


def linear(inputs, outputs):
    """A linear layer without bias."""
    return nn.Linear(inputs, outputs, bias=False)


class TargetLayer(nn.Module):
    """One decoder layer: attention with per-head q/k norms, then 128 experts, 8 of them used."""

    def __init__(self):
        super().__init__()
        self.input_norm, self.post_norm = (nn.Parameter(torch.ones(HIDDEN)) for _ in range(2))
        self.q_norm, self.k_norm = (nn.Parameter(torch.ones(HEAD_DIM)) for _ in range(2))
        self.q, self.o = linear(HIDDEN, HEADS * HEAD_DIM), linear(HEADS * HEAD_DIM, HIDDEN)
        self.k, self.v = (linear(HIDDEN, KV_HEADS * HEAD_DIM) for _ in range(2))
        self.router = linear(HIDDEN, EXPERTS)
        self.gate, self.up = (linear(HIDDEN, EXPERTS * EXPERT_DIM) for _ in range(2))
        self.down = linear(EXPERTS * EXPERT_DIM, HIDDEN)

    def attention(self, x, tables, cache, start):
        """Grouped-query attention over the rows, and over `cache` where there is one."""
        v = split_heads(self.v(x), KV_HEADS)
        q = rotate(rms_norm(split_heads(self.q(x), HEADS), self.q_norm), tables).type_as(v)
        k = rotate(rms_norm(split_heads(self.k(x), KV_HEADS), self.k_norm), tables).type_as(v)
        length = x.shape[1]
        if cache is not None:
            cache[0][:, :, start : start + length], cache[1][:, :, start : start + length] = k, v
            k, v = (part[:, :, : start + length] for part in cache)
        k, v = (part.repeat_interleave(HEADS // KV_HEADS, 1) for part in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        return self.o(mixed.transpose(1, 2).flatten(2))

    def route(self, residual):
        """Router probabilities [.., 128] of a residual stream, in float32."""
        with torch.autocast(residual.device.type, enabled=False):
            return F.softmax(self.router(rms_norm(residual, self.post_norm)), -1)

    def experts(self, x, chosen, weights):
        """The weighted sum of the chosen experts."""
        mix = torch.zeros(*x.shape[:-1], EXPERTS, device=x.device).scatter(-1, chosen, weights)
        inner = F.silu(self.gate(x)) * self.up(x)
        inner = inner.unflatten(-1, (EXPERTS, EXPERT_DIM)) * mix.unsqueeze(-1).type_as(inner)
        return self.down(inner.flatten(-2))

    def forward(self, x, tables, cache=None, start=0):
        """The next residual stream, the one before the experts, and the routing."""
        middle = x + self.attention(rms_norm(x, self.input_norm), tables, cache, start)
        probabilities = self.route(middle)
        weights, chosen = probabilities.topk(TOP_K, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        out = middle + self.experts(rms_norm(middle, self.post_norm), chosen, weights)
        return out, middle, probabilities, chosen


# inputs, middles: residual streams before each layer and before its experts;
# last: the normed output
TargetOutput = namedtuple("TargetOutput", "last inputs middles probabilities chosen")


class Target(nn.Module):
    """The Qwen3-MoE target."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB_SIZE, HIDDEN)
        self.layers = nn.ModuleList(TargetLayer() for _ in range(LAYERS))
        self.norm = nn.Parameter(torch.ones(HIDDEN))
        self.head = linear(HIDDEN, VOCAB_SIZE)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(weight, std=0.05 / (2 * LAYERS) ** 0.5 if residual else 0.05)

    def forward(self, tokens, cache=None, start=0):
        """Reads `tokens` [batch, positions], which begin at position `start` of the cache."""
        tables = rope_tables(torch.arange(start, start + tokens.shape[1], device=tokens.device))
        x, collected = self.embed(tokens), []
        for index, layer in enumerate(self.layers):
            out, *rest = layer(x, tables, cache and cache[index], start)
            collected.append((x, *rest))
            x = out
        return TargetOutput(rms_norm(x, self.norm), *zip(*collected))

    def logits(self, output):
        """The logits of every position."""
        return self.head(output.last)

    @staticmethod
    def features(output):
        """The draft's input: three residual streams side by side, [.., 3 * hidden]."""
        return torch.cat([output.inputs[layer] for layer in FEATURE_LAYERS], -1)

    @torch.no_grad()
    def generate(self, prompts, length, dtype):
        """Greedy continuation of every prompt to `length` tokens, never stopping.

        `dtype` is the cache's.
        """
        device = self.norm.device
        tokens = torch.full((len(prompts), length), -1)
        for row, prompt in enumerate(prompts):
            tokens[row, : min(len(prompt), length)] = torch.as_tensor(prompt[:length])
        tokens = tokens.to(device)
        shape = (len(prompts), KV_HEADS, length, HEAD_DIM)
        cache = [
            [torch.empty(shape, device=device, dtype=dtype) for _ in range(2)] for _ in self.layers
        ]
        for at in range(length - 1):
            best = self.logits(self(tokens[:, at : at + 1], cache, at))[:, 0].argmax(-1)
            tokens[:, at + 1] = torch.where(tokens[:, at + 1] < 0, best, tokens[:, at + 1])
        return tokens


class Draft(nn.Module):
    """The EAGLE-3 head: one layer over [normed embedding; normed features], fed back on itself."""

    def __init__(
        self, vocab=DRAFT_CONFIG["draft_vocab_size"], inner=DRAFT_CONFIG["intermediate_size"]
    ):
        super().__init__()
        self.fc = linear(len(FEATURE_LAYERS) * HIDDEN, HIDDEN)
        self.input_norm, self.hidden_norm, self.post_norm, self.norm = (
            nn.Parameter(torch.ones(HIDDEN)) for _ in range(4)
        )
        self.q, self.o = linear(2 * HIDDEN, HEADS * HEAD_DIM), linear(HEADS * HEAD_DIM, HIDDEN)
        self.k, self.v = (linear(2 * HIDDEN, KV_HEADS * HEAD_DIM) for _ in range(2))
        self.gate, self.up = (linear(HIDDEN, inner) for _ in range(2))
        self.down = linear(inner, HIDDEN)
        self.head = linear(HIDDEN, vocab)
        # draft id -> target id
        self.register_buffer("target_ids", torch.zeros(vocab, dtype=torch.long))
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.05)

    def project(self, embedded, g, positions):
        """Queries, keys and values [batch, heads, rows, head_dim] at the given positions."""
        x = torch.cat([rms_norm(embedded, self.input_norm), rms_norm(g, self.hidden_norm)], -1)
        tables = rope_tables(positions)
        v = split_heads(self.v(x), KV_HEADS)
        q = rotate(split_heads(self.q(x), HEADS).float(), tables).type_as(v)
        k = rotate(split_heads(self.k(x), KV_HEADS).float(), tables).type_as(v)
        return q, *(part.repeat_interleave(HEADS // KV_HEADS, 1) for part in (k, v))

    def finish(self, g, mixed):
        """Everything after attention; the residual is the raw g."""
        hidden = g + self.o(mixed.transpose(1, 2).flatten(2))
        x = rms_norm(hidden, self.post_norm)
        return hidden + self.down(F.silu(self.gate(x)) * self.up(x))

    def logits(self, hidden):
        """Logits over the draft vocabulary."""
        return self.head(rms_norm(hidden, self.norm))

    def unroll(self, features, tokens, embedding, depth, forced):
        """Drafts `depth` steps from every position at once.

        Row t starts from the target's features at position t and from token t + 1.
        Its step k stands at position t + k; it sees the step-0 keys of rows 0..t and
        the later keys of its own row, just what a drafting run started at t would have
        cached.  With `forced`, step k reads the true token t + 1 + k (training), else
        the token that step k - 1 proposed.  Returns the hidden states of all steps.
        """
        rows = tokens.shape[1] - (depth if forced else 1)
        positions = torch.arange(rows, device=tokens.device)
        future = positions[None, :] > positions[:, None]
        g, token = self.fc(features[:, :rows]), tokens[:, 1 : 1 + rows]
        keys, values, hiddens = [], [], []
        for step in range(depth):
            if forced:
                token = tokens[:, 1 + step : 1 + step + rows]
            q, k, v = self.project(F.embedding(token, embedding), g, positions + step)
            q = q * HEAD_DIM**-0.5
            keys.append(k)
            values.append(v)
            scores = (q @ keys[0].transpose(-1, -2)).float().masked_fill(future, float("-inf"))
            own = [(q * key).sum(-1, keepdim=True).float() for key in keys[1:]]
            attention = torch.cat([scores, *own], -1).softmax(-1).type_as(v)
            mixed = attention[..., :rows] @ values[0]
            for i, value in enumerate(values[1:]):
                mixed = mixed + attention[..., rows + i, None] * value
            g = self.finish(g, mixed)
            hiddens.append(g)
            if not forced:
                token = self.target_ids[self.logits(g).argmax(-1)]
        return hiddens

    @torch.no_grad()
    def propose(self, features, tokens, embedding, depth):
        """Target ids [batch, rows, depth] proposed from every position, and hidden states."""
        hiddens = self.unroll(features, tokens, embedding, depth, forced=False)
        proposed = [self.target_ids[self.logits(h).argmax(-1)] for h in hiddens]
        return torch.stack(proposed, -1), hiddens
