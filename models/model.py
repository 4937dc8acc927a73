# The llama architecture in torch, with the names and the layouts llama.cpp
# gives its tensors, so that writing the GGUF is a plain copy.
import torch
from torch import nn
from torch.nn import functional as F


def rope_tables(context, head_size, base):
    frequencies = base ** (-torch.arange(0, head_size, 2).float() / head_size)
    angles = torch.arange(context).float()[:, None] * frequencies[None, :]
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """llama.cpp's rotary embedding for `llama`: the pairs are neighbours
    (2i, 2i + 1), not the two halves of the head."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, hidden = shape["width"], shape["hidden"]
        self.heads = shape["heads"]
        self.attn_norm = Norm(width, shape["eps"])
        self.attn_q = nn.Linear(width, width, bias=False)
        self.attn_k = nn.Linear(width, width, bias=False)
        self.attn_v = nn.Linear(width, width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = Norm(width, shape["eps"])
        self.ffn_gate = nn.Linear(width, hidden, bias=False)
        self.ffn_up = nn.Linear(width, hidden, bias=False)
        self.ffn_down = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin, mask):
        batch, length, width = x.shape

        def split(y):
            return y.view(batch, length, self.heads, -1).transpose(1, 2)

        h = self.attn_norm(x)
        q = rotate(split(self.attn_q(h)), cos, sin)
        k = rotate(split(self.attn_k(h)), cos, sin)
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5 + mask
        mixed = scores.softmax(-1) @ split(self.attn_v(h))
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(batch, length, width))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Llama(nn.Module):
    def __init__(self, vocab_size, shape):
        super().__init__()
        self.token_embd = nn.Embedding(vocab_size, shape["width"])
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape["layers"]))
        self.output_norm = Norm(shape["width"], shape["eps"])
        head_size = shape["width"] // shape["heads"]
        cos, sin = rope_tables(shape["context"], head_size, shape["rope_base"])
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                # The two matrices that write to the residual stream start smaller.
                residual = name.endswith(("attn_output.weight", "ffn_down.weight"))
                scale = (2 * shape["layers"]) ** -0.5 if residual else 1
                nn.init.normal_(weight, std=0.04 * scale)

    def forward(self, ids):
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, self.cos[:length], self.sin[:length], mask)
        return F.linear(self.output_norm(x), self.token_embd.weight)

    def tensors(self):
        """The weights under the names of the GGUF, which are those here."""
        return {name: weight.detach().numpy() for name, weight in self.named_parameters()}
