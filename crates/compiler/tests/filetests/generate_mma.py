#!/usr/bin/env python3
"""Writes the tests of matrix products (mma_*.ptx) beside this file.

Matrices are made here, taken apart into fragments by the formulas that the PTX manual gives for
each shape (9.7.15.5), and multiplied with unbounded integers and exact fractions: nothing of the
compiler takes part. Floats are added as docs/xweft.md (7.4) says: fused, in order of k, in single
precision. Run after changing a table:

    python3 generate_mma.py
"""

import math
import random
from fractions import Fraction

from generate import FORMATS, HERE, arithmetic, decode, encode, is_negative, mask, narrow, signed

# Element of A of a lane: (row, column), for g = lane / 4, t = lane % 4.
A_PLACES = {
    ("m16n8k8", 16): lambda g, t, i: (g if i < 2 else g + 8, t * 2 + (i & 1)),
    ("m16n8k16", 16): lambda g, t, i: (g if i < 2 or 4 <= i < 6 else g + 8, t * 2 + (i & 1) + (0 if i < 4 else 8)),
    ("m16n8k4", 32): lambda g, t, i: (g if i == 0 else g + 8, t),
    ("m16n8k8", 32): lambda g, t, i: (g if i in (0, 2) else g + 8, t if i in (0, 1) else t + 4),
    ("m8n8k16", 8): lambda g, t, i: (g, t * 4 + i),
    ("m16n8k16", 8): lambda g, t, i: (g if i < 4 else g + 8, t * 4 + (i & 3)),
    ("m16n8k32", 8): lambda g, t, i: (g if i < 4 or 8 <= i < 12 else g + 8, t * 4 + (i & 3) + (0 if i < 8 else 16)),
    ("m8n8k32", 4): lambda g, t, i: (g, t * 8 + i),
    ("m16n8k32", 4): lambda g, t, i: (g if i < 8 else g + 8, t * 8 + (i & 7)),
    ("m16n8k64", 4): lambda g, t, i: (g if i < 8 or 16 <= i < 24 else g + 8, t * 8 + (i & 7) + (0 if i < 16 else 32)),
    ("m8n8k128", 1): lambda g, t, i: (g, t * 32 + i),
    ("m16n8k128", 1): lambda g, t, i: (g if i < 32 else g + 8, t * 32 + (i & 31)),
    ("m16n8k256", 1): lambda g, t, i: (g if i < 32 or 64 <= i < 96 else g + 8, t * 32 + (i & 31) + (0 if i < 64 else 128)),
    ("m8n8k4", 64): lambda g, t, i: (g, t),
}

# Element of B of a lane: (row, column).
B_PLACES = {
    ("m16n8k8", 16): lambda g, t, i: (t * 2 + i, g),
    ("m16n8k16", 16): lambda g, t, i: (t * 2 + (i & 1) + (0 if i < 2 else 8), g),
    ("m16n8k4", 32): lambda g, t, i: (t, g),
    ("m16n8k8", 32): lambda g, t, i: (t if i == 0 else t + 4, g),
    ("m8n8k16", 8): lambda g, t, i: (t * 4 + i, g),
    ("m16n8k16", 8): lambda g, t, i: (t * 4 + i, g),
    ("m16n8k32", 8): lambda g, t, i: (t * 4 + (i & 3) + (0 if i < 4 else 16), g),
    ("m8n8k32", 4): lambda g, t, i: (t * 8 + i, g),
    ("m16n8k32", 4): lambda g, t, i: (t * 8 + i, g),
    ("m16n8k64", 4): lambda g, t, i: (t * 8 + (i & 7) + (0 if i < 8 else 32), g),
    ("m8n8k128", 1): lambda g, t, i: (t * 32 + i, g),
    ("m16n8k128", 1): lambda g, t, i: (t * 32 + i, g),
    ("m16n8k256", 1): lambda g, t, i: (t * 32 + (i & 31) + (0 if i < 32 else 128), g),
    ("m8n8k4", 64): lambda g, t, i: (t, g),
}


def c_place(g, t, i):
    return (g if i < 2 else g + 8, t * 2 + (i & 1))


WIDTHS = {"f16": 16, "bf16": 16, "tf32": 32, "e4m3": 8, "e5m2": 8, "s8": 8, "u8": 8, "s4": 4, "u4": 4, "b1": 1, "f64": 64}
SUM_WIDTHS = {"f16": 16, "f32": 32, "s32": 32, "f64": 64}


def extents(shape):
    m, rest = shape[1:].split("n")
    n, k = rest.split("k")
    return int(m), int(n), int(k)


def e4m3(bits):
    sign = -1 if bits >> 7 else 1
    exponent, fraction = bits >> 3 & 15, bits & 7
    if bits & 0x7F == 0x7F:
        return None
    if exponent == 0:
        return sign * Fraction(fraction, 512)
    return sign * Fraction(8 + fraction, 8) * Fraction(2) ** (exponent - 7)


def single(bits, ty):
    """Bits of binary32 with the value of an element."""
    if ty == "f16":
        return narrow(bits, 16, 32, "rn")
    if ty == "bf16":
        return bits << 16
    if ty == "tf32":
        return bits & 0xFFFFE000
    if ty == "e5m2":
        return narrow(bits << 8, 16, 32, "rn")
    return encode(e4m3(bits), 32, "rn", bits >> 7)


def element(row, column, c, a_ty, b_ty, d_ty, modifiers):
    if d_ty == "s32":
        if a_ty == "b1":
            op = (lambda a, b: a & b) if "and" in modifiers else (lambda a, b: a ^ b)
            total = signed(c, 32) + sum(op(a, b) for a, b in zip(row, column))
        else:
            number = lambda bits, ty: signed(bits, WIDTHS[ty]) if ty[0] == "s" else bits
            total = signed(c, 32) + sum(number(a, a_ty) * number(b, b_ty) for a, b in zip(row, column))
        if "satfinite" in modifiers:
            total = max(-(2**31), min(2**31 - 1, total))
        return total & mask(32)
    if d_ty == "f64":
        for a, b in zip(row, column):
            c = arithmetic("fma", 64, "rn", a, b, c)
        return c
    c = narrow(c, 16, 32, "rn") if d_ty == "f16" else c
    for a, b in zip(row, column):
        c = arithmetic("fma", 32, "rn", single(a, a_ty), single(b, b_ty), c)
    return narrow(c, 32, 16, "rn") if d_ty == "f16" else c


def random_bits(rng, ty, special):
    width = WIDTHS.get(ty, SUM_WIDTHS.get(ty))
    formats = {"f16": (5, 10), "bf16": (8, 7), "tf32": (8, 23), "f32": (8, 23), "f64": (11, 52), "e4m3": (4, 3), "e5m2": (5, 2)}
    if ty not in formats:
        return rng.getrandbits(width)
    exponent_bits, fraction_bits = formats[ty]
    bias = mask(exponent_bits - 1)
    # Mostly of similar size, so that sums round and cancel; some subnormal or zero.
    if special and rng.random() < 0.02:
        field = mask(exponent_bits)
    elif rng.random() < 0.1:
        field = 0
    else:
        field = bias + rng.randint(-2, 1)
    fraction = rng.getrandbits(fraction_bits) if rng.random() < 0.9 else 0
    return rng.getrandbits(1) << (width - 1) | field << fraction_bits | fraction


def fragments(matrix, place, count, width):
    """Registers of each lane, lane by lane."""
    registers = []
    per_register = max(1, 32 // width)
    for lane in range(32):
        values = []
        for i in range(count):
            row, column = place(lane >> 2, lane % 4, i)
            values.append(matrix[row][column])
        for first in range(0, count, per_register):
            word = 0
            for at, value in enumerate(values[first : first + per_register]):
                word |= value << (at * width)
            registers.append(word)
    return registers


class Test:
    def __init__(self, number, shape, d_ty, a_ty, b_ty, modifiers="", special=False):
        rng = random.Random(f"{shape} {d_ty} {a_ty} {b_ty} {modifiers} {special}")
        self.name = f"k{number}"
        m, n, k = extents(shape)
        width, sum_width = WIDTHS[a_ty], SUM_WIDTHS[d_ty]
        make = lambda rows, columns, ty: [[random_bits(rng, ty, special) for _ in range(columns)] for _ in range(rows)]
        a, b, c = make(m, k, a_ty), make(k, n, b_ty), make(m, n, d_ty)
        if "satfinite" in modifiers:
            for row in c:
                row[:] = [rng.choice([0x7FFFFFFF, 0x80000000, 0x7FFFFF00, 5]) for _ in row]
        words = modifiers.split()
        d = [[element(a[i], [b[x][j] for x in range(k)], c[i][j], a_ty, b_ty, d_ty, words) for j in range(n)] for i in range(m)]
        self.a = fragments(a, A_PLACES[shape, width], m * k // 32, width)
        self.b = fragments(b, B_PLACES[shape, width], n * k // 32, width)
        self.c = fragments(c, c_place, m * n // 32, sum_width)
        self.d = fragments(d, c_place, m * n // 32, sum_width)
        self.bits = 64 if a_ty == "f64" else 32
        saturate = ".satfinite" if "satfinite" in words else ""
        bit_op = f".{words[0]}.popc" if words and not saturate else ""
        self.text = f"mma.sync.aligned.{shape}.row.col{saturate}.{d_ty}.{a_ty}.{b_ty}.{d_ty}{bit_op}"

    def header(self):
        lines = []
        for key in "abc":
            values = getattr(self, key)
            shown = " ".join(hex(value) for value in values)
            lines.append(f"// buffer {self.name}{key}: b{self.bits}[{len(values)}] = {shown}")
        lines.append(f"// buffer {self.name}d: b{self.bits}[{len(self.d)}] = zero")
        return lines

    def run(self):
        args = ", ".join(self.name + key for key in "abcd")
        shown = " ".join(hex(value) for value in self.d)
        return [f"// run {self.name} block=32 args={args}", f"// expect {self.name}d = {shown}"]

    def kernel(self):
        size = self.bits // 8
        lines = [
            f".visible .entry {self.name}(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)",
            "{",
            f"    .reg .b{self.bits} %a<4>, %b<4>, %c<4>, %d<4>;",
            "    .reg .b32 %t;",
            "    .reg .b64 %p, %o;",
            "    mov.u32 %t, %tid.x;",
        ]
        groups = {}
        for key in "abcd":
            count = len(getattr(self, key)) // 32
            groups[key] = "{" + ", ".join(f"%{key}{i}" for i in range(count)) + "}"
            lines += [f"    ld.param.u64 %p, [{key}];", f"    mul.wide.u32 %o, %t, {count * size};", "    add.s64 %p, %p, %o;"]
            if key == "d":
                lines.append(f"    {self.text} {groups['d']}, {groups['a']}, {groups['b']}, {groups['c']};")
            for i in range(count):
                word = f"%{key}{i}"
                move = f"st.global.b{self.bits} [%p+{i * size}], {word};" if key == "d" else f"ld.global.b{self.bits} {word}, [%p+{i * size}];"
                lines.append(f"    {move}")
        return lines + ["    ret;", "}", ""]


def write(name, title, forms):
    tests = [Test(number, *form) for number, form in enumerate(forms)]
    lines = [f"// PTX ISA 9.7.15.5: {title}. Written by generate_mma.py.", "//"]
    for test in tests:
        lines += test.header()
    for test in tests:
        lines += test.run()
    lines += [".version 8.7", ".target sm_89", ".address_size 64", ""]
    for test in tests:
        lines += test.kernel()
    (HERE / f"mma_{name}.ptx").write_text("\n".join(lines))


write(
    "integer",
    "products of integers and of single bits",
    [
        ("m16n8k32", "s32", "s8", "s8"),
        ("m16n8k32", "s32", "u8", "u8"),
        ("m16n8k32", "s32", "s8", "u8", "satfinite"),
        ("m16n8k16", "s32", "u8", "s8"),
        ("m16n8k16", "s32", "s8", "s8", "satfinite"),
        ("m8n8k16", "s32", "s8", "u8"),
        ("m8n8k16", "s32", "u8", "u8", "satfinite"),
        ("m16n8k64", "s32", "s4", "s4"),
        ("m16n8k64", "s32", "u4", "s4", "satfinite"),
        ("m16n8k32", "s32", "u4", "u4"),
        ("m8n8k32", "s32", "s4", "u4"),
        ("m16n8k256", "s32", "b1", "b1", "xor"),
        ("m16n8k256", "s32", "b1", "b1", "and"),
        ("m16n8k128", "s32", "b1", "b1", "and"),
        ("m8n8k128", "s32", "b1", "b1", "xor"),
    ],
)
write(
    "float",
    "products of floats",
    [
        ("m16n8k16", "f32", "f16", "f16"),
        ("m16n8k16", "f32", "f16", "f16", "", True),
        ("m16n8k16", "f16", "f16", "f16"),
        ("m16n8k8", "f32", "f16", "f16"),
        ("m16n8k8", "f16", "f16", "f16", "", True),
        ("m16n8k16", "f32", "bf16", "bf16"),
        ("m16n8k8", "f32", "bf16", "bf16", "", True),
        ("m16n8k8", "f32", "tf32", "tf32"),
        ("m16n8k4", "f32", "tf32", "tf32", "", True),
        ("m16n8k32", "f32", "e4m3", "e4m3"),
        ("m16n8k32", "f32", "e5m2", "e4m3", "", True),
        ("m16n8k32", "f16", "e4m3", "e5m2"),
        ("m16n8k16", "f32", "e5m2", "e5m2"),
        ("m16n8k16", "f16", "e4m3", "e4m3", "", True),
        ("m8n8k4", "f64", "f64", "f64"),
        ("m8n8k4", "f64", "f64", "f64", "", True),
    ],
)


def memory_test():
    """ldmatrix, stmatrix and movmatrix on rows that lie scattered in shared memory."""
    rng = random.Random("rows")
    elements = 64 * 8
    memory = [rng.getrandbits(16) for _ in range(elements)]
    # Row of 8 elements whose address each lane gives.
    rows = rng.sample(range(64), 32)

    def loaded(number, transposed):
        matrix = lambda j, row, column: memory[rows[8 * j + row] * 8 + column]
        words = []
        for lane in range(32):
            g, t = lane // 4, lane % 4
            for j in range(number):
                if transposed:
                    low, high = matrix(j, 2 * t, g), matrix(j, 2 * t + 1, g)
                else:
                    low, high = matrix(j, g, 2 * t), matrix(j, g, 2 * t + 1)
                words.append(high << 16 | low)
        return words

    forms = [(1, False), (2, False), (4, False), (1, True), (2, True), (4, True)]
    load_words = [word for form in forms for word in loaded(*form)]
    # What each lane stores: its number and the register's.
    store_value = lambda lane, j: (lane << 8 | j << 4 | 1) << 16 | lane << 8 | j << 4
    stored_images = []
    for number, transposed in forms:
        image = [0] * elements
        for lane in range(32):
            g, t = lane // 4, lane % 4
            for j in range(number):
                word = store_value(lane, j)
                for half in range(2):
                    value = word >> (16 * half) & 0xFFFF
                    row, column = (2 * t + half, g) if transposed else (g, 2 * t + half)
                    image[rows[8 * j + row] * 8 + column] = value
        stored_images += [image[i] | image[i + 1] << 16 for i in range(0, elements, 2)]
    moved = []
    square = [[store_value(row * 4 + column // 2, 0) >> (16 * (column % 2)) & 0xFFFF for column in range(8)] for row in range(8)]
    for lane in range(32):
        g, t = lane // 4, lane % 4
        moved.append(square[2 * t][g] | square[2 * t + 1][g] << 16)

    words = [memory[i] | memory[i + 1] << 16 for i in range(0, elements, 2)]
    show = lambda values: " ".join(hex(value) for value in values)
    lines = [
        "// PTX ISA 9.7.15.5: ldmatrix, stmatrix, movmatrix. Written by generate_mma.py.",
        "//",
        f"// buffer memory: b32[{len(words)}] = {show(words)}",
        f"// buffer rows: b32[32] = {show(row * 16 for row in rows)}",
        f"// buffer loads: b32[{len(load_words)}] = zero",
        f"// buffer stores: b32[{len(stored_images)}] = zero",
        "// buffer moved: b32[32] = zero",
        "// run move block=32 args=memory, rows, loads, stores, moved",
        f"// expect loads = {show(load_words)}",
        f"// expect stores = {show(stored_images)}",
        f"// expect moved = {show(moved)}",
        "// run partial block=16 args=moved",
        "// error PartialWarp",
        "// run divergent block=32 args=moved",
        "// error PartialWarp",
        "// run exited block=32 args=moved",
        "// error PartialWarp",
        "// run uniform block=64 args=moved",
        f"// expect moved = {show([12] * 32)}",
        ".version 8.7", ".target sm_89", ".address_size 64", "",
        ".visible .entry move(.param .u64 memory, .param .u64 rows, .param .u64 loads, .param .u64 stores, .param .u64 moved)",
        "{",
        "    .reg .b32 %t, %row, %at, %v<4>, %s, %i;",
        "    .reg .b64 %p, %o, %generic;",
        "    .reg .pred %more;",
        f"    .shared .align 16 .b8 tile[{elements * 2}];",
        "    mov.u32 %t, %tid.x;",
        "    mul.wide.u32 %o, %t, 4;",
        "    ld.param.u64 %p, [rows];", "    add.s64 %p, %p, %o;", "    ld.global.b32 %row, [%p];",
        "    ld.param.u64 %p, [memory];", "    add.s64 %p, %p, %o;",
        "    mov.u32 %s, tile;",
        "    mad.lo.u32 %at, %t, 4, %s;",
    ]
    for first in range(0, len(words), 32):
        lines += [f"    ld.global.b32 %i, [%p+{first * 4}];", f"    st.shared.b32 [%at+{first * 4}], %i;"]
    lines += ["    bar.warp.sync 0xffffffff;", "    add.s32 %row, %row, %s;"]
    done = 0
    for index, (number, transposed) in enumerate(forms):
        group = "{" + ", ".join(f"%v{j}" for j in range(number)) + "}"
        trans = ".trans" if transposed else ""
        address = "[%row]"
        space = ".shared"
        if index == 2:
            lines += ["    cvt.u64.u32 %generic, %row;", "    cvta.shared.u64 %generic, %generic;"]
            address, space = "[%generic]", ""
        if index == 4:
            lines.append("    add.s32 %i, %row, -32;")
            address = "[%i+32]"
        lines += [
            f"    ldmatrix.sync.aligned.m8n8.x{number}{trans}{space}.b16 {group}, {address};",
            "    ld.param.u64 %p, [loads];",
            f"    mad.wide.u32 %p, %t, {4 * number}, %p;",
        ]
        lines += [f"    st.global.b32 [%p+{done * 4 + 4 * j}], %v{j};" for j in range(number)]
        done += 32 * number
    for index, (number, transposed) in enumerate(forms):
        for first in range(0, len(words), 32):
            lines.append(f"    st.shared.b32 [%at+{first * 4}], 0;")
        lines.append("    bar.warp.sync 0xffffffff;")
        for j in range(number):
            lines += ["    shl.b32 %i, %t, 8;", f"    or.b32 %i, %i, {j << 4};", "    shl.b32 %v0, %i, 16;", "    or.b32 %v0, %v0, %i;", f"    or.b32 %v{j}, %v0, 65536;" if j else "    or.b32 %s, %v0, 65536;"]
        lines.append("    mov.b32 %v0, %s;")
        group = "{" + ", ".join(f"%v{j}" for j in range(number)) + "}"
        trans = ".trans" if transposed else ""
        lines += [
            f"    stmatrix.sync.aligned.m8n8.x{number}{trans}.shared.b16 [%row], {group};",
            "    bar.warp.sync 0xffffffff;",
            "    ld.param.u64 %p, [stores];",
            "    add.s64 %p, %p, %o;",
        ]
        for first in range(0, len(words), 32):
            lines += [f"    ld.shared.b32 %i, [%at+{first * 4}];", f"    st.global.b32 [%p+{(index * len(words) + first) * 4}], %i;"]
        lines.append("    bar.warp.sync 0xffffffff;")
    lines += [
        "    movmatrix.sync.aligned.m8n8.trans.b16 %i, %s;",
        "    ld.param.u64 %p, [moved];", "    add.s64 %p, %p, %o;", "    st.global.b32 [%p], %i;",
        "    ret;", "}", "",
    ]
    product = "mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%d0, %d1, %d2, %d3}, {%x, %x}, {%x}, {%y, %y, %y, %y};"
    store = [
        "    ld.param.u64 %p, [moved];", "    and.b32 %i, %t, 31;", "    mul.wide.u32 %o, %i, 4;", "    add.s64 %p, %p, %o;", "    st.global.b32 [%p], %d0;",
    ]
    declare = ["    .reg .b32 %t, %i, %x, %y, %d<4>;", "    .reg .b64 %p, %o;", "    .reg .pred %q;", "    mov.u32 %t, %tid.x;", "    mov.b32 %x, 0x00000001;", "    mov.b32 %y, 8;"]
    for name, before, after in [
        # Half a warp.
        ("partial", [f"    {product}"], []),
        # Half the lanes take another path.
        ("divergent", ["    mov.b32 %d0, 0;", "    and.b32 %i, %t, 1;", "    setp.eq.u32 %q, %i, 0;", "    @%q bra skip;", f"    {product}", "skip:"], []),
        # Some lanes have ended.
        ("exited", ["    setp.gt.u32 %q, %t, 20;", "    @%q exit;", f"    {product}"], []),
        # One of two warps takes the path, as a whole.
        ("uniform", ["    shr.u32 %i, %t, 5;", "    setp.ne.u32 %q, %i, 0;", "    @%q bra end;", f"    {product}"] + store + ["end:"], None),
    ]:
        lines += [f".visible .entry {name}(.param .u64 moved)", "{"] + declare + before + (store if after is not None else []) + ["    ret;", "}", ""]
    (HERE / "matrix_memory.ptx").write_text("\n".join(lines))


memory_test()


class WmmaTest:
    """A product by wmma of matrices in memory, with more columns (or rows) than are used."""

    # Registers of A, B and of C and D.
    REGISTERS = {
        "f16": {"m16n16k16": (8, 8), "m32n8k16": (8, 8), "m8n32k16": (8, 8)},
        "bf16": {"m16n16k16": (4, 4), "m32n8k16": (8, 2), "m8n32k16": (2, 8)},
        "tf32": {"m16n16k8": (4, 4)},
        "s8": {"m16n16k16": (2, 2), "m32n8k16": (4, 1), "m8n32k16": (1, 4)},
        "u8": {"m16n16k16": (2, 2), "m32n8k16": (4, 1), "m8n32k16": (1, 4)},
        "s4": {"m8n8k32": (1, 1)},
        "u4": {"m8n8k32": (1, 1)},
        "b1": {"m8n8k128": (1, 1)},
        "f64": {"m8n8k4": (1, 1)},
    }

    def __init__(self, number, shape, d_ty, a_ty, b_ty, c_ty, a_layout, b_layout, d_layout="row", c_layout="row", modifiers="", space="global"):
        rng = random.Random(f"{number} {shape} {d_ty} {a_ty}")
        self.name = f"w{number}"
        m, n, k = extents(shape)
        make = lambda rows, columns, ty: [[random_bits(rng, ty, False) for _ in range(columns)] for _ in range(rows)]
        a, b, c = make(m, k, a_ty), make(k, n, b_ty), make(m, n, c_ty)
        words = modifiers.split()
        sum_ty = d_ty if d_ty == c_ty else "f32"
        d = []
        for i in range(m):
            d.append([])
            for j in range(n):
                start = narrow(c[i][j], 16, 32, "rn") if c_ty == "f16" and sum_ty == "f32" else c[i][j]
                value = element(a[i], [b[x][j] for x in range(k)], start, a_ty, b_ty, sum_ty, words)
                d[-1].append(narrow(value, 32, 16, "rn") if d_ty == "f16" and sum_ty == "f32" else value)
        self.buffers = {}
        self.strides = {}
        for key, matrix, ty, layout in (("a", a, a_ty, a_layout), ("b", b, b_ty, b_layout), ("c", c, c_ty, c_layout), ("d", d, d_ty, d_layout)):
            self.buffers[key] = self.memory(key, matrix, WIDTHS.get(ty) or SUM_WIDTHS[ty], layout)
        saturate = ".satfinite" if "satfinite" in words else ""
        bit_op = f".{words[0]}.popc" if words and not saturate else ""
        types = f"{d_ty}.{c_ty}" if a_ty == "f16" else f"{d_ty}.{a_ty}.{b_ty}.{c_ty}"
        counts = dict(zip("ab", self.REGISTERS[a_ty][shape]))
        for key, ty in (("c", c_ty), ("d", d_ty)):
            counts[key] = m * n * SUM_WIDTHS[ty] // 32 // max(32, SUM_WIDTHS[ty])
        bits = 64 if a_ty == "f64" else 32
        group = lambda key: "{" + ", ".join(f"%{key}{i}" for i in range(counts[key])) + "}"
        at = {}
        self.lines = [f"    .reg .b{bits} %a<8>, %b<8>, %c<8>, %d<8>;", "    .reg .b64 %p<4>, %q, %w;", "    .reg .b32 %s, %t, %v;"]
        for index, key in enumerate("abcd"):
            self.lines.append(f"    ld.param.u64 %p{index}, [{key}];")
            at[key] = f"[%p{index}]"
        if space == "shared":
            # A goes through shared memory.
            size = len(self.buffers["a"]) * 4
            self.lines.insert(0, f"    .shared .align 32 .b8 tile[{size}];")
            self.lines += ["    mov.u32 %t, %tid.x;", "    mov.u32 %s, tile;", "    mad.lo.u32 %v, %t, 4, %s;", "    mul.wide.u32 %q, %t, 4;", "    add.s64 %q, %q, %p0;"]
            for first in range(0, size, 128):
                self.lines += [f"    ld.global.b32 %t, [%q+{first}];", f"    st.shared.b32 [%v+{first}], %t;"]
            self.lines.append("    bar.warp.sync 0xffffffff;")
            at["a"] = "[%s]"
        of = lambda key: "" if key == "d" and space == "generic" else f".{space}" if key == "a" else ".global"
        stride = lambda key: f", {self.strides[key]}"
        self.lines += [
            f"    wmma.load.a.sync.aligned.{a_layout}.{shape}{of('a')}.{a_ty} {group('a')}, {at['a']}{stride('a')};",
            f"    wmma.load.b.sync.aligned.{b_layout}.{shape}{of('b')}.{b_ty} {group('b')}, {at['b']}{stride('b')};",
            f"    wmma.load.c.sync.aligned.{c_layout}.{shape}{of('c')}.{c_ty} {group('c')}, {at['c']}{stride('c')};",
            f"    wmma.mma{bit_op}.sync.aligned.{a_layout}.{b_layout}.{shape}.{types}{saturate} {group('d')}, {group('a')}, {group('b')}, {group('c')};",
            f"    wmma.store.d.sync.aligned.{d_layout}.{shape}{of('d')}.{d_ty} {at['d']}, {group('d')}{stride('d')};",
        ]

    def memory(self, key, matrix, width, layout):
        """Words of memory; the leading dimension is longer than the matrix."""
        if layout == "col":
            matrix = [list(column) for column in zip(*matrix)]
        length = len(matrix[0]) + max(16, 128 // width)
        self.strides[key] = length
        bits = 0
        for row, values in enumerate(matrix):
            for column, value in enumerate(values):
                bits |= value << ((row * length + column) * width)
        words = -(-len(matrix) * length * width // 32)
        words = -(-words // 32) * 32
        return [bits >> (32 * i) & mask(32) for i in range(words)]

    def header(self):
        show = lambda values: " ".join(hex(value) for value in values)
        lines = [f"// buffer {self.name}{key}: b32[{len(self.buffers[key])}] = {show(self.buffers[key])}" for key in "abc"]
        return lines + [f"// buffer {self.name}d: b32[{len(self.buffers['d'])}] = zero"]

    def run(self):
        args = ", ".join(self.name + key for key in "abcd")
        shown = " ".join(hex(value) for value in self.buffers["d"])
        return [f"// run {self.name} block=32 args={args}", f"// expect {self.name}d = {shown}"]

    def kernel(self):
        return [f".visible .entry {self.name}(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)", "{"] + self.lines + ["    ret;", "}", ""]


def write_wmma(name, title, forms):
    tests = [WmmaTest(number, *form) for number, form in enumerate(forms)]
    lines = [f"// PTX ISA 9.7.15.4: {title}. Written by generate_mma.py.", "//"]
    for test in tests:
        lines += test.header()
    for test in tests:
        lines += test.run()
    lines += [".version 8.7", ".target sm_89", ".address_size 64", ""]
    for test in tests:
        lines += test.kernel()
    (HERE / f"wmma_{name}.ptx").write_text("\n".join(lines))


write_wmma(
    "float",
    "products of floats by wmma",
    [
        ("m16n16k16", "f32", "f16", "f16", "f32", "row", "col"),
        ("m16n16k16", "f32", "f16", "f16", "f16", "col", "row", "col", "col"),
        ("m16n16k16", "f16", "f16", "f16", "f32", "row", "row", "row", "col", "", "shared"),
        ("m32n8k16", "f16", "f16", "f16", "f16", "row", "col", "col", "row"),
        ("m32n8k16", "f32", "bf16", "bf16", "f32", "col", "row", "row", "row", "", "shared"),
        ("m8n32k16", "f32", "f16", "f16", "f32", "row", "row"),
        ("m8n32k16", "f16", "f16", "f16", "f16", "col", "col", "row", "col"),
        ("m8n32k16", "f32", "bf16", "bf16", "f32", "row", "col", "col", "row"),
        ("m16n16k16", "f32", "bf16", "bf16", "f32", "row", "col"),
        ("m16n16k8", "f32", "tf32", "tf32", "f32", "row", "row"),
        ("m16n16k8", "f32", "tf32", "tf32", "f32", "col", "col", "col", "col"),
        ("m8n8k4", "f64", "f64", "f64", "f64", "row", "row", "col", "row"),
        ("m8n8k4", "f64", "f64", "f64", "f64", "col", "col"),
    ],
)
write_wmma(
    "integer",
    "products of integers and of single bits by wmma",
    [
        ("m16n16k16", "s32", "s8", "s8", "s32", "row", "col"),
        ("m16n16k16", "s32", "u8", "u8", "s32", "col", "row", "col", "col", "satfinite"),
        ("m32n8k16", "s32", "s8", "s8", "s32", "col", "col", "row", "row", "", "shared"),
        ("m8n32k16", "s32", "u8", "u8", "s32", "row", "row"),
        ("m8n32k16", "s32", "s8", "s8", "s32", "col", "col", "col", "col"),
        ("m8n8k32", "s32", "s4", "s4", "s32", "row", "col"),
        ("m8n8k32", "s32", "u4", "u4", "s32", "row", "col", "col", "row", "satfinite"),
        ("m8n8k128", "s32", "b1", "b1", "s32", "row", "col", "row", "row", "xor"),
        ("m8n8k128", "s32", "b1", "b1", "s32", "row", "col", "col", "col", "and"),
    ],
)
