"""Speed of a GGUF model on the simulated chip and in llama.cpp, on this machine, in turns.

    python benches/llama_cpp.py --weft target/release/weft MODEL.gguf

needs `xllamacpp` (llama.cpp as a wheel). Both run on the same number of threads, with the same lengths of prompt and
answer, one after the other, `--rounds` times. Printed are medians of tokens per second of wall time and their ratio,
and how far the spread of each goes. A machine that does other things makes all of it worthless: look at the spread.
"""

import argparse
import json
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

import xllamacpp


def llama_cpp(arguments, prompt):
    params = xllamacpp.CommonParams()
    params.model.path = arguments.model
    params.n_ctx = arguments.prompt + arguments.decode + 64
    params.n_parallel = 1
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.warmup = True
    params.verbosity = 0
    server = xllamacpp.Server(params)

    def measure():
        request = {
            "prompt": prompt,
            "n_predict": arguments.decode,
            "temperature": 0.0,
            "ignore_eos": True,
            "cache_prompt": False,
        }
        timings = server.handle_completions(request)["timings"]
        return timings["prompt_per_second"], timings["predicted_per_second"]

    return measure


def weft(arguments):
    def measure():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "figures.json"
            command = [arguments.weft, "bench", "llm", arguments.model, "--quant", arguments.quant]
            command += ["--prompt", str(arguments.prompt), "--decode", str(arguments.decode)]
            command += ["--host-threads", str(arguments.threads), "--json", str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            figures = json.loads(path.read_text())
        return figures["host_prompt_tps"], figures["host_decode_tps"]

    return measure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--weft", default="target/release/weft")
    parser.add_argument("--quant", default="int8")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    source = random.Random(1)
    prompt = [source.randrange(1000, 40000) for _ in range(arguments.prompt)]
    runners = {"llama.cpp": llama_cpp(arguments, prompt), "weft": weft(arguments)}
    found = {name: [] for name in runners}
    for _ in range(arguments.rounds):
        for name, measure in runners.items():
            found[name].append(measure())
    for index, phase in enumerate(["prompt", "decode"]):
        medians = {}
        for name, runs in found.items():
            values = [run[index] for run in runs]
            medians[name] = statistics.median(values)
            print(f"{phase} {name:9} {medians[name]:9.2f} tokens/s, {min(values):.2f} to {max(values):.2f}")
        print(f"{phase} ratio     {medians['weft'] / medians['llama.cpp']:9.3f}")


main()
