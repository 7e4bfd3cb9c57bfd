"""Trains the guide on sampled chats. Resumes from its checkpoint; --help lists the options."""
import argparse
import math
import random
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import corpus
from model import Config, Guide
from tokenizer import Tokenizer

TOKENS_PER_STEP = 3072
LENGTHS = [40] * 6 + [96, 320]  # mostly a first question and how its answer starts, some long chats
WARMUP, PEAK, FLOOR = 100, 1.5e-3, 5e-5
EMA = 0.995  # the exported weights are a moving average, so that any checkpoint is usable


def chat_row(length, tokenizer, intents, macros, rng):
    """One packed chat, cut at `length` + 1 tokens, and which of its tokens count in the loss."""
    tokens, wanted = [], []

    def add(ids, learn):
        tokens.extend(ids)
        wanted.extend([learn] * len(ids))

    system = tokenizer.turn("system", rng.choice(corpus.SYSTEM))
    if rng.random() < corpus.SYSTEM_SHARE and len(system) < length // 2:
        add(system, False)
    head = len(tokenizer.turn("assistant", "")) - 2  # up to and with the line break after the role
    while len(tokens) <= length:
        question, answer = corpus.sample_turn(intents, macros, rng)
        add(tokenizer.turn("user", question), False)
        reply = tokenizer.turn("assistant", answer)
        add(reply[:head], False)
        add(reply[head:-1], True)
        add(reply[-1:], False)
    return tokens[:length + 1], wanted[1:length + 1]


def batch(tokenizer, intents, macros, rng):
    length = rng.choice(LENGTHS)
    rows = [chat_row(length, tokenizer, intents, macros, rng) for _ in range(TOKENS_PER_STEP // length)]
    tokens = torch.tensor([row for row, _ in rows])
    return tokens[:, :-1], tokens[:, 1:], torch.tensor([wanted for _, wanted in rows])


def learning_rate(step, steps):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return FLOOR + (PEAK - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1, step / steps)))


def optimizer_of(model):
    decayed = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.95))


def train_step(model, optimizer, data, rate):
    inputs, targets, wanted = data
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = F.cross_entropy(model(inputs, wanted), targets[wanted])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def update_average(average, model, step):
    decay = min(EMA, (step + 1) / (step + 10))
    for name, value in model.state_dict().items():
        average[name].lerp_(value, 1 - decay)


def save(path, **state):
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4600)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    parser.add_argument("--save-every", type=int, default=100)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)  # its own threads and OpenBLAS's spin against each other: leave the cores to OpenBLAS
    torch.manual_seed(1)
    tokenizer, (intents, macros) = Tokenizer(), corpus.load_intents()
    model = Guide(Config())
    optimizer = optimizer_of(model)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    first = 0
    if args.checkpoint.exists():
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, first = state["average"], state["step"]
    rng, started, smooth = random.Random(1000 + first), time.time(), None
    for step in range(first, args.steps):
        loss = train_step(model, optimizer, batch(tokenizer, intents, macros, rng), learning_rate(step, args.steps))
        update_average(average, model, step)
        smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss
        if (step + 1) % 20 == 0:
            print(f"step {step + 1} loss {smooth:.4f} {(time.time() - started) / (step + 1 - first):.2f} s/step", flush=True)
        if (step + 1) % args.save_every == 0 or step + 1 == args.steps:
            save(args.checkpoint, model=model.state_dict(), optimizer=optimizer.state_dict(), average=average, step=step + 1)


if __name__ == "__main__":
    main()
