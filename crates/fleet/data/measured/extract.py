#!/usr/bin/env python3
"""Extracts the measured tables of the PyPI package aiconfigurator-core (Apache-2.0) as CSV.

    pip install aiconfigurator-core pandas pyarrow
    python3 extract.py --all /tmp/tables     every row that `cargo xtask fit --tables` can use
    python3 extract.py                       the sample beside this file

Values are unchanged but for the unit (ms to us), and where a table repeats a shape the lowest
latency is kept. The sample takes whole weight shapes at random (seeded).
"""

import argparse
import importlib.util
import pathlib

import pandas as pd

GEMM = [
    ("a100-80gb-sxm", "a100_sxm", "trtllm/1.0.0", {"bfloat16": "bf16", "sq": "int8", "int8_wo": "int8-weight", "int4_wo": "int4-weight"}),
    ("h100-sxm", "h100_sxm", "trtllm/1.3.0rc20", {"bfloat16": "bf16", "fp8": "fp8"}),
    ("h100-sxm", "h100_sxm", "sglang/0.5.6.post2", {"int8_wo": "int8-weight"}),
    ("h200-sxm", "h200_sxm", "trtllm/1.3.0rc20", {"bfloat16": "bf16", "fp8": "fp8"}),
    ("b200-sxm", "b200_sxm", "trtllm/1.3.0rc20", {"bfloat16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}),
    ("l40s", "l40s", "trtllm/1.3.0rc20", {"bfloat16": "bf16", "fp8": "fp8"}),
    ("rtx-pro-6000", "rtx_pro_6000_server", "trtllm/1.3.0rc20", {"bfloat16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}),
    ("arc-pro-b60", "b60", "vllm/0.20.0", {"bfloat16": "bf16"}),  # It has no FP8 rate.
]
ATTENTION = [
    ("a100-80gb-sxm", "a100_sxm", "vllm/0.14.0"),
    ("h100-sxm", "h100_sxm", "vllm/0.24.0"),
    ("h200-sxm", "h200_sxm", "vllm/0.24.0"),
    ("b200-sxm", "b200_sxm", "vllm/0.24.0"),
    ("l40s", "l40s", "vllm/0.24.0"),
    ("rtx-pro-6000", "rtx_pro_6000_server", "vllm/0.24.0"),
    ("arc-pro-b60", "b60", "vllm/0.20.0"),
]
MIXTURE = [
    ("a100-80gb-sxm", "a100_sxm", "vllm/0.14.0", "bfloat16", "bf16"),
    ("h100-sxm", "h100_sxm", "trtllm/1.3.0rc20", "bfloat16", "bf16"),
    ("h100-sxm", "h100_sxm", "trtllm/1.3.0rc20", "fp8", "fp8"),
]
ALL_REDUCE = [
    ("a100-80gb-sxm", "a100_sxm", "trtllm/1.0.0"),
    ("h100-sxm", "h100_sxm", "trtllm/1.3.0rc20"),
    ("l40s", "l40s", "trtllm/1.3.0rc20"),
]
SERVED = {
    "Qwen/Qwen3-32B": "qwen3-32b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "llama-3.1-8b",
}
CHIPS = {"h100_sxm": "h100-sxm", "h200_sxm": "h200-sxm"}
ROWS = [1, 2, 4, 8, 16, 17, 32, 48, 64, 65, 96, 128, 129, 192, 256, 384, 512, 1024, 2048, 4096, 8192]


def sample(table, keys, count, seed=20261124):
    groups = table[keys].drop_duplicates()
    if len(groups) > count:
        groups = groups.sample(count, random_state=seed)
    return table.merge(groups, on=keys)


def gemm(root, every):
    parts = []
    for chip, system, version, names in GEMM:
        table = pd.read_parquet(root / "data" / system / "gemm" / version / "gemm_perf.parquet")
        table = table[(table.n >= 512) & (table.k >= 512) & (table.m <= 8192)]
        for theirs, ours in names.items():
            rows = table[table.gemm_dtype == theirs]
            rows = rows.groupby(["m", "n", "k"], as_index=False).latency.min()
            if not every:
                rows = sample(rows[rows.m.isin(ROWS)], ["n", "k"], 40)
            parts.append(rows.assign(chip=chip, precision=ours, us=(rows.latency * 1e3).round(3)))
    return pd.concat(parts)[["chip", "precision", "m", "n", "k", "us"]]


def attention(root, every):
    parts = []
    for chip, system, version in ATTENTION:
        base = root / "data" / system / "attention" / version
        for phase, name in [("prefill", "context"), ("decode", "generation")]:
            rows = pd.read_parquet(base / f"{name}_attention_perf.parquet")
            rows = rows[rows.head_dim == 128]
            if "window_size" in rows:
                rows = rows[rows.window_size == 0]
            rows = rows[(rows.kv_cache_dtype == "bfloat16") & (rows.attn_dtype == "bfloat16")]
            kv = rows.num_key_value_heads.where(rows.num_key_value_heads > 0, rows.num_heads)
            rows = rows.assign(
                chip=chip, phase=phase, kv_heads=kv, heads=rows.num_heads, batch=rows.batch_size,
                tokens=rows.isl if phase == "prefill" else rows.step + rows.isl,
            )
            keys = ["chip", "phase", "batch", "tokens", "heads", "kv_heads"]
            rows = rows.groupby(keys, as_index=False).latency.min()
            if not every:
                rows = rows.sample(min(len(rows), 700), random_state=20261124).sort_values(keys)
            parts.append(rows.assign(us=(rows.latency * 1e3).round(3)))
    return pd.concat(parts)[["chip", "phase", "batch", "tokens", "heads", "kv_heads", "us"]]


def mixture(root, every):
    parts = []
    for chip, system, version, theirs, ours in MIXTURE:
        rows = pd.read_parquet(root / "data" / system / "moe" / version / "moe_perf.parquet")
        rows = rows[(rows.moe_dtype == theirs) & (rows.moe_ep_size == 1)]
    
        rows = rows.assign(width=rows.inter_size // rows.moe_tp_size)
        keys = ["num_tokens", "hidden_size", "width", "topk", "num_experts"]
        rows = rows.groupby(keys, as_index=False).latency.min()
        if not every:
            rows = sample(rows, keys[1:], 18)
        rows = rows.set_axis(["tokens", "hidden", "intermediate", "used", "experts", "latency"], axis=1)
        parts.append(rows.assign(chip=chip, precision=ours, us=(rows.latency * 1e3).round(3)))
    return pd.concat(parts)[["chip", "precision", "tokens", "hidden", "intermediate", "experts", "used", "us"]]


def all_reduce(root):
    parts = []
    for chip, system, version in ALL_REDUCE:
        rows = pd.read_parquet(root / "data" / system / "comm" / version / "custom_allreduce_perf.parquet")
        rows = rows[rows.allreduce_dtype.isin(["bfloat16", "half"])]
        rows = rows.groupby(["num_gpus", "message_size"], as_index=False).latency.min()
        # A message is counted in elements of two bytes.
        rows = rows.assign(chip=chip, chips=rows.num_gpus, bytes=rows.message_size * 2, us=(rows.latency * 1e3).round(3))
        parts.append(rows)
    return pd.concat(parts)[["chip", "chips", "bytes", "us"]]


def served(root):
    rows = pd.read_csv(root / "silicon_sample.csv")
    rows = rows[(rows["mode"] == "agg") & rows.model_path.isin(list(SERVED)) & rows.system.isin(list(CHIPS))]
    rows = rows[rows.pp_size.fillna(1) == 1]
    rows = rows.assign(
        model=rows.model_path.map(SERVED), chip=rows.system.map(CHIPS), precision=rows.precision.fillna(""),
        batch=rows.batch_size.astype(int), tensor=rows.tp_size.astype(int),
        ttft_ms=rows.silicon_ttft_ms.round(3), tpot_ms=rows.silicon_tpot_ms.round(4),
    )
    columns = ["model", "chip", "backend", "precision", "isl", "osl", "batch", "tensor", "ttft_ms", "tpot_ms"]
    return rows[columns].drop_duplicates()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="DIRECTORY", help="write every row there, not the sample here")
    arguments = parser.parse_args()
    spec = importlib.util.find_spec("aiconfigurator_core")
    root = pathlib.Path(spec.submodule_search_locations[0]) / "systems"
    every = arguments.all is not None
    out = pathlib.Path(arguments.all or pathlib.Path(__file__).parent)
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "gemm": gemm(root, every),
        "attention": attention(root, every),
        "mixture": mixture(root, every),
        "all_reduce": all_reduce(root),
        "served": served(root),
    }
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False)
        print(name, len(table))


if __name__ == "__main__":
    main()
