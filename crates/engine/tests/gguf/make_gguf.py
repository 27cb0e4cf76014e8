"""Makes the GGUF files of the tests: python make_gguf.py (needs `gguf` 0.17 or newer and `numpy`).

blocks.gguf: a tensor of every supported block format, each with what gguf-py's own dequantiser makes of it, as an
F32 tensor `NAME.reference`. Formats that gguf-py can quantise hold random values; for the K formats, which it can
only dequantise, the bytes are random and the scales finite.

tiny-qwen2.gguf, tiny-llama.gguf: ../golden/qwen2 under the names of llama.cpp, and the same weights as `llama` (without
biases, heads interleaved as llama.cpp's converter does).
"""

import json
import struct
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, quants

here = Path(__file__).parent


def blocks():
    random = np.random.default_rng(5)
    writer = GGUFWriter(here / "blocks.gguf", "llama")
    for kind in [T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q8_0]:
        data = quants.quantize(random.standard_normal((3, 64), dtype=np.float32), kind)
        add(writer, kind, data)
    for kind, size, scales in [(T.Q4_K, 144, [0, 2]), (T.Q6_K, 210, [208])]:
        data = random.integers(0, 256, (2, 2 * size), dtype=np.uint8)
        for row in data:
            for block in range(2):
                for at in scales:
                    value = np.float16(random.uniform(-0.05, 0.05)).tobytes()
                    row[block * size + at : block * size + at + 2] = np.frombuffer(value, np.uint8)
        add(writer, kind, data)
    finish(writer)


def add(writer, kind, data):
    writer.add_tensor(kind.name, data, raw_dtype=kind)
    writer.add_tensor(f"{kind.name}.reference", quants.dequantize(data, kind).astype(np.float32))


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(path):
    """Names to bf16 values as uint16."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    found = {}
    for name, info in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            found[name] = np.frombuffer(data[8 + size :][begin:end], np.uint16).reshape(info["shape"])
    return found


NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def checkpoint(name, architecture):
    golden = here.parent / "golden/qwen2"
    config = json.loads((golden / "config.json").read_text())
    heads = {"self_attn.q_proj": config["num_attention_heads"], "self_attn.k_proj": config["num_key_value_heads"]}
    writer = GGUFWriter(here / name, architecture)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_eos_token_id(1)
    for source, bits in tensors(golden / "model.safetensors").items():
        values = (bits.astype(np.uint32) << 16).view(np.float32)
        if source in ("model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"):
            target = {"model.e": "token_embd.weight", "lm_head": "output.weight", "model.n": "output_norm.weight"}[source[:7]]
        else:
            _, _, layer, rest = source.split(".", 3)
            part, kind = rest.rsplit(".", 1)
            target = f"blk.{layer}.{NAMES[part]}.{kind}"
            if architecture == "llama" and kind == "bias":
                continue
            if architecture == "llama" and part in heads:
                # As `permute` of llama.cpp's convert_hf_to_gguf.py.
                count = heads[part]
                values = values.reshape(count, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        if values.ndim == 1:
            writer.add_tensor(target, values)
        else:
            writer.add_tensor(target, quants.quantize(np.ascontiguousarray(values), T.BF16), raw_dtype=T.BF16)
    finish(writer)


blocks()
checkpoint("tiny-qwen2.gguf", "qwen2")
checkpoint("tiny-llama.gguf", "llama")
