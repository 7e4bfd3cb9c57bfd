"""Writes the checkpoint's averaged weights as a GGUF v3 file: matrices in Q8_0, norms in F32."""
import argparse
import struct
from pathlib import Path

import numpy as np
import torch

from model import Config
from tokenizer import FIRST_BYTE, FIRST_CHAR, IM_END, IM_START, SPECIAL, UNK, Tokenizer

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
TENSOR_F32, TENSOR_Q8_0 = 0, 8
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


PACK = {U32: lambda v: struct.pack("<I", v), I32: lambda v: struct.pack("<i", v), F32: lambda v: struct.pack("<f", v),
        BOOL: lambda v: struct.pack("<?", v), STRING: text}


def entry(key, kind, value):
    if isinstance(value, list):
        body = struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(map(PACK[kind], value))
    else:
        body = struct.pack("<I", kind) + PACK[kind](value)
    return text(key) + body


def vocabulary():
    learnt = Tokenizer().tokens
    tokens = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)] + learnt
    types = [CONTROL] * FIRST_BYTE + [BYTE] * 256 + [NORMAL] * len(learnt)
    types[UNK] = UNKNOWN
    # llama.cpp merges the highest score first: the earlier learnt, the higher.
    scores = [0.0] * FIRST_CHAR + [-float(rank) for rank in range(1, len(learnt) + 1)]
    return [("tokenizer.ggml.model", STRING, "llama"), ("tokenizer.ggml.tokens", STRING, tokens),
            ("tokenizer.ggml.scores", F32, scores), ("tokenizer.ggml.token_type", I32, types),
            ("tokenizer.ggml.unknown_token_id", U32, UNK), ("tokenizer.ggml.bos_token_id", U32, IM_START),
            ("tokenizer.ggml.eos_token_id", U32, IM_END), ("tokenizer.ggml.add_bos_token", BOOL, False),
            ("tokenizer.ggml.add_eos_token", BOOL, False), ("tokenizer.ggml.add_space_prefix", BOOL, False),
            ("tokenizer.chat_template", STRING, CHAT_TEMPLATE)]


def metadata(config):
    return [("general.architecture", STRING, "llama"), ("general.name", STRING, "OmniNode Guide"),
            ("general.license", STRING, "MIT OR Apache-2.0"), ("general.file_type", U32, 7),
            ("general.alignment", U32, ALIGNMENT), ("general.quantization_version", U32, 2),
            ("llama.block_count", U32, config.layers), ("llama.context_length", U32, config.context),
            ("llama.embedding_length", U32, config.width), ("llama.feed_forward_length", U32, config.feed_forward),
            ("llama.attention.head_count", U32, config.heads), ("llama.attention.head_count_kv", U32, config.kv_heads),
            ("llama.attention.layer_norm_rms_epsilon", F32, config.eps), ("llama.rope.dimension_count", U32, config.head_dim),
            ("llama.rope.freq_base", F32, config.rope_base), ("llama.vocab_size", U32, config.vocab), *vocabulary()]


def q8_0(matrix):
    """Blocks of 32 weights: an F16 scale, then 32 signed bytes."""
    blocks = matrix.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    packed = np.empty(len(blocks), dtype=[("scale", "<f2"), ("weights", "i1", 32)])
    packed["scale"] = scale[:, 0]
    packed["weights"] = np.rint(blocks * inverse)
    return packed.tobytes()


def encode_tensor(value):
    array = value.numpy().astype(np.float32)
    return (TENSOR_Q8_0, q8_0(array)) if array.ndim == 2 else (TENSOR_F32, array.tobytes())


def padded(data):
    return data + b"\0" * (-len(data) % ALIGNMENT)


def gguf(weights, config):
    entries = [entry(*item) for item in metadata(config)]
    infos, body = [], b""
    for name, value in weights.items():
        kind, data = encode_tensor(value)
        shape = value.shape[::-1]  # GGUF names the fastest dimension first
        infos.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(body)))
        body += padded(data)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(entries))
    return padded(header + b"".join(entries) + b"".join(infos)) + body


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "omni-guide.gguf")
    args = parser.parse_args()
    state = torch.load(args.checkpoint)
    weights = state["average"]
    args.out.write_bytes(gguf(weights, Config()))
    count = sum(value.numel() for value in weights.values())
    print(f"{args.out}: {count:,} parameters, {args.out.stat().st_size:,} bytes, step {state['step']}")


if __name__ == "__main__":
    main()
