"""A transformer of 353,772,544 parameters in training, in bfloat16: 24 layers, batches of 4 x 512 words."""
import torch
from torch import nn
from torch.nn import functional as F

layer = nn.TransformerEncoderLayer(1024, 16, 4096, activation="gelu", batch_first=True, norm_first=True)
words = nn.Embedding(50257, 1024)
model = nn.Sequential(words, nn.TransformerEncoder(layer, 24, enable_nested_tensor=False)).cuda()
optimizer = torch.optim.AdamW(model.parameters())
for _ in range(5):
    ids = torch.randint(0, 50257, (4, 512), device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        loss = F.cross_entropy((model(ids) @ words.weight.T).flatten(0, 1), ids.flatten())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
print("PARAMETERS", sum(parameter.numel() for parameter in model.parameters()))
