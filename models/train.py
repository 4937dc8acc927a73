# Makes default.gguf from the seed, in one command: corpus, merges, vocabulary,
# token ids, training, GGUF. Writes training.log beside it, without dates, so
# that two runs can be compared.
import json
import math
import random
import subprocess

import torch
from torch.nn import functional as F

from bpe import byte_symbols, learn_merges, vocabulary
from model import Llama
from write_gguf import HERE, write_gguf

SEED = 1
DOCUMENTS = 60000
VOCAB_SIZE = 1024
SHAPE = dict(width=128, layers=4, heads=4, hidden=192, context=512, rope_base=10000.0, eps=1e-5)
# Most steps see short windows, which are quick; some in the middle see the whole
# context, so that late positions are trained too. (steps, window, batch)
PHASES = [(3000, 128, 8), (150, 512, 3), (2500, 128, 8)]
RATE, WARM_UP, DECAY, CLIP = 2.5e-3, 100, 0.01, 1.0
# A yes or no is one token among many of its text, and the hardest to get
# right: it counts more than the others.
JUDGED, JUDGED_WEIGHT = [" Yes", " No", "Yes", "No"], 6.0
LOG_EVERY = 100

BUILD = HERE / "build"
IGNORED = -100  # cross_entropy's own mark for a target that does not count


def make_documents():
    """The corpus as lists of token ids, and the merges of the tokenizer."""
    made = subprocess.run(["node", HERE / "corpus.mjs", str(SEED), str(DOCUMENTS)],
                          check=True, stdout=subprocess.PIPE).stdout
    texts = json.loads(made)
    merges = learn_merges(texts, VOCAB_SIZE)
    (BUILD / "corpus.json").write_bytes(made)
    write_gguf(BUILD / "vocabulary.gguf", merges, SHAPE)
    subprocess.run(["node", HERE / "encode.mjs", BUILD / "vocabulary.gguf",
                    BUILD / "corpus.json", BUILD / "ids.json"], check=True)
    tokens = vocabulary(merges)
    bos, eos = tokens.index("<|bos|>"), tokens.index("<|eos|>")
    documents = [[bos, *ids, eos] for ids in json.loads((BUILD / "ids.json").read_bytes())]
    return texts, merges, documents


def pack(documents, window, shuffle):
    """Whole documents, shuffled, into rows of window + 1 ids; what is left of
    a row is padding that no loss is taken on. Too long documents are left out."""
    documents = [ids for ids in documents if len(ids) <= window + 1]
    shuffle.shuffle(documents)
    rows, row = [], []
    for ids in documents:
        if len(row) + len(ids) > window + 1:
            rows.append(row)
            row = []
        row = row + ids
    rows.append(row)
    return torch.tensor([row + [IGNORED] * (window + 1 - len(row)) for row in rows])


def batches(documents, window, batch, shuffle):
    while True:
        rows = pack(documents, window, shuffle)
        for start in range(0, len(rows) - batch + 1, batch):
            yield rows[start:start + batch]


def judging_weights(merges):
    space = byte_symbols()[ord(" ")]
    tokens = vocabulary(merges)
    weights = torch.ones(len(tokens))
    for text in JUDGED:
        weights[tokens.index(text.replace(" ", space))] = JUDGED_WEIGHT
    return weights


def train(model, documents, weights, log):
    decayed = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    optimizer = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=DECAY), dict(params=others, weight_decay=0.0)],
        lr=RATE, betas=(0.9, 0.99))
    total = sum(steps for steps, _, _ in PHASES)
    shuffle = random.Random(SEED)
    step, recent, judged = 0, [], []
    for steps, window, batch in PHASES:
        log(f"phase: {steps} steps of {batch} windows of {window} tokens")
        for rows, _ in zip(batches(documents, window, batch, shuffle), range(steps)):
            cosine = 0.5 * (1 + math.cos(math.pi * step / total))
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / WARM_UP) * (0.02 + 0.98 * cosine)
            logits = model(rows[:, :-1].clamp(min=0))
            targets = rows[:, 1:].flatten()
            losses = F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=IGNORED,
                                     reduction="none")
            counts = targets != IGNORED
            weight = weights[targets.clamp(min=0)] * counts
            loss = (losses * weight).sum() / weight.sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            step += 1
            recent.append((losses.sum() / counts.sum()).item())
            judged.append(losses[weight > 1].mean().item())
            if step % LOG_EVERY == 0 or step == total:
                log(f"step {step:5d}  loss {sum(recent) / len(recent):.4f}"
                    f"  of yes and no {sum(judged) / len(judged):.4f}")
                recent, judged = [], []


def main():
    torch.manual_seed(SEED)
    BUILD.mkdir(exist_ok=True)
    with open(HERE / "training.log", "w") as file:
        def log(line):
            print(line, flush=True)
            print(line, file=file, flush=True)

        texts, merges, documents = make_documents()
        model = Llama(VOCAB_SIZE, SHAPE)
        log(f"seed {SEED}")
        log(f"corpus: {len(texts)} documents, {sum(map(len, texts))} characters, "
            f"{sum(map(len, documents))} tokens of a vocabulary of {VOCAB_SIZE}")
        log("shape: " + ", ".join(f"{key} {value}" for key, value in SHAPE.items()))
        log(f"parameters: {sum(p.numel() for p in model.parameters())}")
        log(f"AdamW: rate {RATE}, cosine, warm-up {WARM_UP} steps, decay {DECAY}, clip {CLIP}")
        train(model, documents, judging_weights(merges), log)
        path = HERE / "default.gguf"
        write_gguf(path, merges, SHAPE, model.tensors())
        log(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
