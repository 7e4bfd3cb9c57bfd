"""The llama architecture, small: RMSNorm, interleaved RoPE, grouped-query attention, SwiGLU, tied embeddings."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    vocab: int = 2048
    layers: int = 6
    width: int = 192
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 576
    context: int = 1024
    rope_base: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self):
        return self.width // self.heads


class RMSNorm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.width))
        self.eps = config.eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_table(config):
    frequencies = config.rope_base ** (-torch.arange(0, config.head_dim, 2) / config.head_dim)
    angles = torch.outer(torch.arange(config.context), frequencies)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Rotates the pairs (x[2i], x[2i+1]), as llama.cpp does for this architecture."""
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        kv_width = config.kv_heads * config.head_dim
        self.attn_norm, self.ffn_norm = RMSNorm(config), RMSNorm(config)
        self.attn_q = nn.Linear(config.width, config.width, bias=False)
        self.attn_k = nn.Linear(config.width, kv_width, bias=False)
        self.attn_v = nn.Linear(config.width, kv_width, bias=False)
        self.attn_output = nn.Linear(config.width, config.width, bias=False)
        self.ffn_gate = nn.Linear(config.width, config.feed_forward, bias=False)
        self.ffn_up = nn.Linear(config.width, config.feed_forward, bias=False)
        self.ffn_down = nn.Linear(config.feed_forward, config.width, bias=False)

    def heads(self, x, count):
        return x.view(*x.shape[:2], count, self.config.head_dim).transpose(1, 2)

    def attend(self, x, cos, sin, mask):
        config = self.config
        groups = config.heads // config.kv_heads
        q = rotate(self.heads(self.attn_q(x), config.heads), cos, sin) * config.head_dim ** -0.5
        k = rotate(self.heads(self.attn_k(x), config.kv_heads), cos, sin).repeat_interleave(groups, 1)
        v = self.heads(self.attn_v(x), config.kv_heads).repeat_interleave(groups, 1)
        weights = (q @ k.transpose(-1, -2) + mask).softmax(-1)
        return self.attn_output((weights @ v).transpose(1, 2).flatten(2))

    def forward(self, x, cos, sin, mask):
        x = x + self.attend(self.attn_norm(x), cos, sin, mask)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Guide(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token_embd = nn.Embedding(config.vocab, config.width)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output_norm = RMSNorm(config)
        self.rope = rope_table(config)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                residual = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=0.04 / ((2 * config.layers) ** 0.5 if residual else 1))

    def forward(self, tokens, wanted):
        """Logits at the positions where `wanted` is true; the others are not computed."""
        length = tokens.shape[1]
        cos, sin = (table[:length] for table in self.rope)
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return self.output_norm(x[wanted]) @ self.token_embd.weight.T
