"""resnet18 in training, batches of 64 pictures of 224 x 224: 11,689,512 parameters."""
import torch
from torch.nn import functional as F
from torchvision.models import resnet18

model = resnet18().cuda()
optimizer = torch.optim.AdamW(model.parameters())
for _ in range(5):
    pictures, labels = torch.randn(64, 3, 224, 224), torch.zeros(64, dtype=torch.long)
    F.cross_entropy(model(pictures.cuda()), labels.cuda()).backward()
    optimizer.step()
    optimizer.zero_grad()
print("PARAMETERS", sum(parameter.numel() for parameter in model.parameters()))
