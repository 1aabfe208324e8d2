"""A small transformer trained on made-up text: something to rehearse.

    unfrag rehearse --gpu rtx4090 examples/train.py --batch 64
"""

import argparse

import torch
from torch import nn

options = argparse.ArgumentParser()
options.add_argument("--batch", type=int, default=16)
options.add_argument("--length", type=int, default=512)
options.add_argument("--layers", type=int, default=12)
options.add_argument("--width", type=int, default=768)
options.add_argument("--steps", type=int, default=3)
args = options.parse_args()

VOCABULARY = 32_000


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, args.width)
        layer = nn.TransformerEncoderLayer(args.width, args.width // 64, 4 * args.width, dropout=0.0, batch_first=True,
                                           norm_first=True)
        self.layers = nn.TransformerEncoder(layer, args.layers, enable_nested_tensor=False)
        self.head = nn.Linear(args.width, VOCABULARY)

    def forward(self, tokens):
        return self.head(self.layers(self.embed(tokens)))


model = Model().cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
for step in range(args.steps):
    tokens = torch.randint(VOCABULARY, (args.batch, args.length + 1)).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        logits = model(tokens[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
