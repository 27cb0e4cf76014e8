"""Writes a CUDA program of random kernels that checks itself against the CPU.

`python random_programs.py SEED [FUNCTIONS] > random.cu`, then build it like the example programs. Every
function is compiled for the host and for the device from the same text, uses unsigned integers only (no
undefined behaviour, no rounding), and mixes what compilers of divergent control flow get wrong: loops left
by break, continue and return, switches with fall-through, short-circuit conditions, values that live across
joins, dynamically indexed arrays, and 64-bit values.
"""

import random
import sys

HEADER = """\
// Random kernels, seed {seed}.
#include "check.cuh"

#define BOTH __host__ __device__
"""

KERNEL = """
extern "C" __global__ void kernel_{k}(const unsigned *input, unsigned *output, int n) {{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) output[i] = function_{k}(input[i], static_cast<unsigned>(i), input);
}}
"""

MAIN_HEAD = """
int main() {
    const int n = 160;
    Random random(99);
    std::vector<unsigned> input(n), want(n);
    for (int i = 0; i < n; ++i) input[i] = i % 3 == 0 ? random.below(16) : random.bits();
    DeviceArray<unsigned> device_input(input), output(n);
    bool passed = true;
"""

MAIN_KERNEL = """
    kernel_{k}<<<3, 64>>>(device_input.get(), output.get(), n);
    CHECK_LAUNCH();
    for (int i = 0; i < n; ++i) want[i] = function_{k}(input[i], static_cast<unsigned>(i), input.data());
    passed &= same("kernel_{k}", output.download(), want);
"""


class Writer:
    """Writes one function; keeps what is in scope."""

    def __init__(self, source, k):
        self.random, self.k = source, k
        self.lines, self.indent, self.loops, self.labels = [], 1, 0, 0
        self.narrow, self.wide = ["a", "b"], []

    def pick(self, *choices):
        return self.random.choice(choices)

    def line(self, text):
        self.lines.append("    " * self.indent + text)

    def value(self, depth=0):
        """An expression of type unsigned."""
        roll = self.random.random()
        if depth > 2 or roll < 0.3:
            return self.random.choice(self.narrow)
        if roll < 0.4:
            return f"{self.random.choice([0, 1, 2, 3, 5, 7, 16, 31, 0xFF, 0x8000_0000, self.random.getrandbits(32)])}u"
        if roll < 0.48:
            return f"w[{self.value(depth + 1)} & 7u]"
        if roll < 0.53:
            return f"table[{self.value(depth + 1)} % 160u]"
        if roll < 0.58:
            return f"({self.condition(depth + 1)} ? {self.value(depth + 1)} : {self.value(depth + 1)})"
        if roll < 0.62 and self.wide:
            return f"static_cast<unsigned>({self.pick(*self.wide)} >> {self.pick(0, 7, 32)})"
        if roll < 0.66:
            return f"({self.value(depth + 1)} {self.pick('/', '%')} ({self.value(depth + 1)} | 1u))"
        if roll < 0.72:
            return f"({self.value(depth + 1)} {self.pick('<<', '>>')} ({self.value(depth + 1)} & 31u))"
        operator = self.pick("+", "-", "*", "&", "|", "^", "+", "^")
        return f"({self.value(depth + 1)} {operator} {self.value(depth + 1)})"

    def condition(self, depth=0):
        roll = self.random.random()
        if roll < 0.2 and depth < 2:
            return f"({self.condition(depth + 1)} {self.pick('&&', '||')} {self.condition(depth + 1)})"
        if roll < 0.3:
            left, right = self.value(depth + 1), self.value(depth + 1)
            return f"(static_cast<int>({left}) {self.pick('<', '>=')} static_cast<int>({right}))"
        if roll < 0.6:
            return f"(({self.value(depth + 1)} & {self.pick(1, 3, 4, 6)}u) {self.pick('==', '!=')} {self.pick(0, 1, 2)}u)"
        return f"({self.value(depth + 1)} {self.pick('<', '>', '==', '!=', '<=')} {self.value(depth + 1)})"

    def assign(self):
        target = self.pick("v0", "v1", "v2", "v3", "v4")
        roll = self.random.random()
        if roll < 0.15:
            self.line(f"w[{self.value(1)} & 7u] {self.pick('=', '+=', '^=')} {self.value()};")
        elif roll < 0.25:
            self.line(f"q {self.pick('+=', '^=', '=')} static_cast<unsigned long long>({self.value()}) * {self.value(1)};")
        else:
            self.line(f"{target} {self.pick('=', '+=', '^=', '-=')} {self.value()};")

    def block(self, depth, statements=None):
        self.indent += 1
        for _ in range(statements or self.random.randint(1, 3)):
            self.statement(depth)
        self.indent -= 1

    def statement(self, depth):
        roll = self.random.random()
        if depth >= 4 or roll < 0.35:
            self.assign()
        elif roll < 0.6:
            self.line(f"if {self.condition()} {{" if self.random.random() < 0.9 else f"if (!{self.condition()}) {{")
            self.block(depth + 1)
            if self.random.random() < 0.5:
                self.line("} else {")
                self.block(depth + 1)
            self.line("}")
        elif roll < 0.78:
            self.loop(depth)
        elif roll < 0.86:
            self.switch(depth)
        elif roll < 0.93 and self.loops:
            self.line(f"if {self.condition()} {self.pick('break', 'continue')};")
        elif roll < 0.96 and depth > 0:
            self.line(f"if {self.condition()} return {self.value()};")
        else:
            self.assign()

    def loop(self, depth):
        counter = f"i{len(self.narrow)}"
        bound = f"({self.value(1)} & {self.pick(3, 7)}u)" if self.random.random() < 0.7 else f"{self.random.randint(1, 5)}u"
        self.narrow.append(counter)
        self.loops += 1
        form = self.random.random()
        if form < 0.6:
            self.line(f"for (unsigned {counter} = 0; {counter} < {bound}; ++{counter}) {{")
            self.block(depth + 1)
            self.line("}")
        elif form < 0.8:
            # The counter is stepped before the body, so that `continue` cannot make it endless.
            self.line(f"for (unsigned {counter} = 0; {counter}++ < 6u && {self.condition()};) {{")
            self.block(depth + 1)
            self.line("}")
        else:
            self.line("{")
            self.indent += 1
            self.line(f"unsigned {counter} = 0;")
            self.line("do {")
            self.block(depth + 1)
            self.line(f"}} while (++{counter} < 5u && {self.condition()});")
            self.indent -= 1
            self.line("}")
        self.loops -= 1
        self.narrow.remove(counter)

    def switch(self, depth):
        # `break` and `continue` inside would mean the switch's, so the loops do not count here.
        loops, self.loops = self.loops, 0
        self.line(f"switch ({self.value(1)} & 7u) {{")
        for label in self.random.sample(range(8), self.random.randint(2, 5)):
            self.line(f"case {label}:")
            self.block(depth + 1, 1)
            if self.random.random() < 0.6:
                self.line("    break;")
        if self.random.random() < 0.5:
            self.line("default:")
            self.block(depth + 1, 1)
        self.line("}")
        self.loops = loops

    def function(self):
        self.line("unsigned w[8] = {a, b, a ^ b, 3u, a + b, 5u, a * b, 7u};")
        self.line("unsigned v0 = a, v1 = b, v2 = 0, v3 = 1, v4 = a - b;")
        self.line("unsigned long long q = a;")
        self.narrow += ["v0", "v1", "v2", "v3", "v4"]
        self.wide.append("q")
        for _ in range(self.random.randint(4, 8)):
            self.statement(0)
        self.line("unsigned result = v0 ^ v1 * 3u ^ v2 * 5u ^ v3 * 7u ^ v4 * 11u ^ static_cast<unsigned>(q ^ q >> 32);")
        self.line("for (int i = 0; i < 8; ++i) result = result * 31u + w[i];")
        self.line("return result;")
        signature = f"BOTH inline unsigned function_{self.k}(unsigned a, unsigned b, const unsigned *table) {{"
        return "\n".join([signature, *self.lines, "}"])


def main():
    seed = int(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    source = random.Random(seed)
    print(HEADER.format(seed=seed))
    for k in range(count):
        print(Writer(source, k).function(), end="")
        print(KERNEL.format(k=k))
    print(MAIN_HEAD, end="")
    for k in range(count):
        print(MAIN_KERNEL.format(k=k), end="")
    print('    return finish("random", passed);\n}')


if __name__ == "__main__":
    main()
