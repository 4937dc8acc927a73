# Learns the merges of the byte-level BPE and lays out the vocabulary. Training
# itself never uses this as a tokenizer: its ids come from llama.cpp's own.
import re
from collections import Counter

# How llama.cpp splits text under tokenizer.ggml.pre = llama-bpe, for ASCII
# text, which the corpus is.
PIECES = re.compile(
    r"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"
    r"|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]{1,3}"
    r"| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"]
# Every sum is one token: else 1 would be the beginning of 10 to 18, and, as a
# choice, never less probable than those.
FIRST_MERGES = [("1", digit) for digit in "012345678"]
SPECIAL_SPLIT = re.compile("|".join(map(re.escape, SPECIAL)))


def byte_symbols():
    """GPT-2's printable stand-in for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable},
            **{b: chr(256 + i) for i, b in enumerate(others)}}


def count_pieces(texts):
    counts = Counter()
    for text in texts:
        assert text.isascii(), text
        for part in SPECIAL_SPLIT.split(text):
            counts.update(PIECES.findall(part))
    return counts


def learn_merges(texts, vocab_size):
    """The merges that fill `vocab_size`. A piece counts by the square root of
    its frequency, so that the words of the facts, each rare beside those of
    the templates, become whole tokens too."""
    symbols = byte_symbols()
    words = [([symbols[b] for b in piece.encode()], count ** 0.5)
             for piece, count in sorted(count_pieces(texts).items())]
    merges = []
    while 256 + len(merges) + len(SPECIAL) < vocab_size:
        if len(merges) < len(FIRST_MERGES):
            pair = FIRST_MERGES[len(merges)]
        else:
            pair = most_weighty_pair(words)
        merges.append(pair)
        for parts, _ in words:
            merge(parts, *pair)
    return merges


def most_weighty_pair(words):
    pairs = Counter()
    for parts, weight in words:
        for pair in zip(parts, parts[1:]):
            pairs[pair] += weight
    return max(pairs, key=lambda pair: (pairs[pair], pair))


def merge(parts, left, right):
    i = 0
    while i + 1 < len(parts):
        if parts[i] == left and parts[i + 1] == right:
            parts[i:i + 2] = [left + right]
        i += 1


def vocabulary(merges):
    """Bytes, then merges, then the control tokens: a token's place is its id."""
    symbols = byte_symbols()
    merged = dict.fromkeys(left + right for left, right in merges)
    return [symbols[b] for b in range(256)] + list(merged) + SPECIAL
