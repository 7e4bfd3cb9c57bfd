"""A SentencePiece-style BPE vocabulary with byte fallback, and an encoder that agrees with llama.cpp's.

No token crosses a word, digit or punctuation boundary, so that text can be encoded piece by piece."""
import json
import random
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import corpus

VOCAB_SIZE = 2048
SPECIAL = ["<unk>", "<|im_start|>", "<|im_end|>"]
UNK, IM_START, IM_END = range(3)
FIRST_BYTE = len(SPECIAL)
FIRST_CHAR = FIRST_BYTE + 256
PIECE = re.compile(r"▁?[A-Za-z]+|▁?[0-9]|▁?[^A-Za-z0-9▁\n]|▁|\n")
PATH = Path(__file__).parent / "tokenizer.json"


def pieces(text):
    return PIECE.findall(text.replace(" ", "▁"))


def merge(symbols, pair):
    out, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at:at + 2]) == pair:
            out.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            out.append(symbols[at])
            at += 1
    return out


def learn(counts):
    """Classic BPE: merge the most frequent neighbours until the vocabulary is full."""
    words = {word: list(word) for word in counts}
    chars = sorted({char for word in counts for char in word} - {"\n"})
    tokens = dict.fromkeys(chars)
    while len(tokens) + FIRST_CHAR < VOCAB_SIZE:
        pairs = Counter()
        for word, symbols in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += counts[word]
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        tokens["".join(best)] = None
        words = {word: merge(symbols, best) for word, symbols in words.items()}
    return list(tokens)


class Tokenizer:
    def __init__(self):
        self.tokens = json.loads(PATH.read_text())
        self.ids = {token: FIRST_CHAR + rank for rank, token in enumerate(self.tokens)}
        self.encode_piece = lru_cache(maxsize=None)(self._encode_piece)

    def _encode_piece(self, piece):
        symbols = list(piece)
        while True:
            known = [(self.ids[a + b], at) for at, (a, b) in enumerate(zip(symbols, symbols[1:])) if a + b in self.ids]
            if not known:
                break
            at = min(known)[1]  # the lowest id is the highest score; the leftmost wins a tie
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        return [i for symbol in symbols for i in self._symbol(symbol)]

    def _symbol(self, symbol):
        if symbol in self.ids:
            return [self.ids[symbol]]
        return [FIRST_BYTE + byte for byte in symbol.replace("▁", " ").encode()]

    def encode(self, text):
        return [i for piece in pieces(text) for i in self.encode_piece(piece)]

    def turn(self, role, text):
        return [IM_START, *self.encode(f"{role}\n{text}"), IM_END, *self.encode("\n")]


def main():
    rng = random.Random(1)
    intents, macros = corpus.load_intents()
    counts = Counter()
    for _ in range(60_000):
        question, answer = corpus.sample_turn(intents, macros, rng)
        counts.update(pieces(f"user\n{question}"))
        counts.update(pieces(f"assistant\n{answer}"))
    for text in corpus.SYSTEM * 50:
        counts.update(pieces(f"system\n{text}"))
    counts.update(chr(code) for code in range(33, 127))  # every printable ASCII character
    PATH.write_text(json.dumps(learn(counts), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
