"""One-to-many: from a number, write as many letters of the alphabet, then stop."""

import torch
from torch import nn

from recurra import GRU, Stack
from recurra.data.batch import Paired
from recurra.decoding import greedy, sample
from recurra.topologies import Decoder, OneToMany

torch.manual_seed(0)
LETTERS, START, END = "abcdefgh", 8, 9
body = Stack(GRU(8 + 16, 32))  # embedding and context, told at every step
model = OneToMany(nn.Embedding(9, 16), Decoder(10, 8, body, context_size=16))


def numbers(rows: int) -> Paired:
    n = torch.randint(1, 9, (rows,))
    steps = torch.arange(9).expand(rows, 9)
    y = torch.where(steps < n[:, None], steps, END)
    x = torch.cat([torch.full((rows, 1), START), y[:, :-1]], dim=1)
    return Paired(n, x, y, lengths=n + 1)  # beyond a row's length nothing counts


optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(200):
    loss = model.loss(numbers(32))
    optimiser.zero_grad()
    (loss.total / loss.count).backward()
    optimiser.step()

model.eval()
asked = (torch.tensor([2, 5, 8]),)
for name, write in [("greedy", greedy), ("sampled", sample)]:
    written = write(model, asked, start=START, end=END, max_steps=12)
    print(name, *("".join(LETTERS[token] for token in one.tokens) for one in written))
