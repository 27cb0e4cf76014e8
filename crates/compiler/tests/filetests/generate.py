#!/usr/bin/env python3
"""Writes the operation tests (ops_*.ptx) beside this file.

Expected values are computed here, from the PTX manual's definitions, with Python's unbounded
integers and exact fractions: nothing of the compiler takes part. Run after changing a table:

    python3 generate.py
"""

import math
import pathlib
import struct
from fractions import Fraction

HERE = pathlib.Path(__file__).parent


def mask(bits):
    return (1 << bits) - 1


def signed(value, bits):
    value &= mask(bits)
    return value - (1 << bits) if value >> (bits - 1) else value


def clamp(value, low, high):
    return max(low, min(high, value))


# Floats as bits.

FORMATS = {16: (5, 10), 32: (8, 23), 64: (11, 52)}


def decode(bits, width):
    """Exact value of finite bits; None for NaN; +-inf as floats."""
    exponent_bits, mantissa_bits = FORMATS[width]
    sign = -1 if bits >> (width - 1) else 1
    exponent = bits >> mantissa_bits & mask(exponent_bits)
    mantissa = bits & mask(mantissa_bits)
    bias = mask(exponent_bits - 1)
    if exponent == mask(exponent_bits):
        return None if mantissa else sign * math.inf
    if exponent == 0:
        return sign * Fraction(mantissa) * Fraction(2) ** (1 - bias - mantissa_bits)
    return sign * Fraction(mantissa | 1 << mantissa_bits) * Fraction(2) ** (exponent - bias - mantissa_bits)


def round_integer(value, mode):
    low = math.floor(value)
    if value == low:
        return low
    if mode == "rm":
        return low
    if mode == "rp":
        return low + 1
    if mode == "rz":
        return low if value > 0 else low + 1
    if value - low == Fraction(1, 2):
        return low if low % 2 == 0 else low + 1
    return low if value - low < Fraction(1, 2) else low + 1


def encode(value, width, mode, zero_sign=0):
    exponent_bits, mantissa_bits = FORMATS[width]
    bias = mask(exponent_bits - 1)
    infinity = mask(exponent_bits) << mantissa_bits
    if value is None:
        return infinity | 1 << (mantissa_bits - 1)
    if value in (math.inf, -math.inf):
        return infinity | (1 << (width - 1) if value < 0 else 0)
    if value == 0:
        return zero_sign << (width - 1)
    sign = 1 if value < 0 else 0
    value = Fraction(value)
    exponent = max(value.numerator.bit_length() - value.denominator.bit_length(), 1 - bias)
    while Fraction(2) ** exponent > abs(value) and exponent > 1 - bias:
        exponent -= 1
    while Fraction(2) ** (exponent + 1) <= abs(value):
        exponent += 1
    scaled = value / Fraction(2) ** (exponent - mantissa_bits)
    integer = abs(round_integer(scaled, mode))
    if integer >> (mantissa_bits + 1):
        integer >>= 1
        exponent += 1
    if exponent > bias:
        overflow = {"rn": True, "rz": False, "rm": sign == 1, "rp": sign == 0}[mode]
        return sign << (width - 1) | (infinity if overflow else infinity - 1)
    if integer >> mantissa_bits:
        return sign << (width - 1) | (exponent + bias) << mantissa_bits | integer & mask(mantissa_bits)
    return sign << (width - 1) | integer


def is_negative(bits, width):
    return bits >> (width - 1) & 1


def arithmetic(name, width, mode, *operands):
    values = [decode(bits, width) for bits in operands]
    nan = encode(None, width, mode)
    if any(value is None for value in values):
        return nan
    exact_zero = 1 if mode == "rm" else 0
    if name in ("add", "sub"):
        a, b = values
        sign_b = is_negative(operands[1], width)
        if name == "sub":
            b, sign_b = -b, 1 - sign_b
        if math.inf in (a, b) and -math.inf in (a, b):
            return nan
        same = is_negative(operands[0], width) == sign_b
        total = a + b if math.inf not in (abs(a), abs(b)) else (a if abs(a) == math.inf else b)
        return encode(total, width, mode, is_negative(operands[0], width) if same else exact_zero)
    sign = is_negative(operands[0], width) ^ is_negative(operands[1], width)
    if name in ("mul", "fma"):
        a, b = values[:2]
        if abs(a) == math.inf and b == 0 or abs(b) == math.inf and a == 0:
            return nan
        infinite = math.inf in (abs(a), abs(b))
        product = (-math.inf if sign else math.inf) if infinite else a * b
        if name == "mul":
            return encode(product, width, mode, sign)
        c, sign_c = values[2], is_negative(operands[2], width)
        if infinite or abs(c) == math.inf:
            if infinite and abs(c) == math.inf and product != c:
                return nan
            return encode(product if infinite else c, width, mode)
        return encode(product + c, width, mode, sign if sign == sign_c else exact_zero)
    if name == "div":
        a, b = values
        if a == 0 and b == 0 or abs(a) == math.inf and abs(b) == math.inf:
            return nan
        if abs(a) == math.inf or b == 0:
            return encode(-math.inf if sign else math.inf, width, mode)
        if abs(b) == math.inf:
            return encode(Fraction(0), width, mode, sign)
        return encode(Fraction(a) / b, width, mode, sign)
    raise ValueError(name)


def square_root(bits, width, mode):
    value = decode(bits, width)
    if value is None or value < 0:
        return encode(None, width, mode)
    if value == 0 or value == math.inf:
        return bits
    shift = 1200
    root = math.isqrt((value.numerator << (2 * shift)) // value.denominator)
    exact = Fraction(root, 1 << shift)
    if exact * exact != value:
        exact += Fraction(1, 1 << (shift + 1))  # strictly between: rounds as the root does
    return encode(exact, width, mode)


def to_integer(bits, width, mode, result_bits, is_signed):
    value = decode(bits, width)
    low, high = (-(1 << (result_bits - 1)), mask(result_bits - 1)) if is_signed else (0, mask(result_bits))
    if value is None:
        # PTX ISA 9.7.9.21: zero, but the highest bit where 64 bits are on either side.
        return (low or 1 << (result_bits - 1)) if 64 in (width, result_bits) else 0
    if abs(value) == math.inf:
        return low if value < 0 else high
    return clamp(round_integer(value, mode), low, high)


# Inputs.

def u32s(*values):
    return [value & mask(32) for value in values]


INT32 = {
    "a": u32s(0, 1, -1, 5, -5, 0x7FFFFFFF, 0x80000000, 0x12345678, 0xDEADBEEF, 100, -100, 0x00FF00FF, 3, 0x80000001, 77, 0xFFFF0000),
    "b": u32s(0, 2, -1, 3, 3, 1, -1, 0x9ABCDEF0, 0x0BADF00D, -7, 7, 0xFF00FF00, 31, 0x7FFFFFFF, 0, 0x0000FFFF),
    "c": u32s(7, 0, 1, 32, 33, 8, 4, 12, 28, 255, 256, 16, 5, 24, 0x105, 0x80000000),
}
INT64 = {
    "a": [v & mask(64) for v in (0, 1, -1, 5, -5, mask(63), 1 << 63, 0x0123456789ABCDEF, 0xDEADBEEFCAFEF00D, 10**12, -(10**12), 0xFF, 1 << 40, 77, (1 << 32) - 1, 1 << 32)],
    "b": [v & mask(64) for v in (0, 2, -1, 3, 3, 1, -1, 0xFEDCBA9876543210, 0x0BADF00D, -7, 12345, 64, 40, 0, 1 << 33, 3)],
    "c": [v & mask(64) for v in (7, 0, 1, 32, 63, 64, 65, 12, 28, 255, 256, 16, 5, 24, 0x105, 40)],
}


def f32(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def f64(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


F32_A = [f32(v) for v in (0.0, -0.0, 1.0, -1.5, 3.14159, 1e10, -1e-10, 1e38, 0.1, 2.5, -2.5, 16777217.0)] + [0x7F800000, 0xFF800000, 0x7FC00000, 0x00000001]
F32_B = [f32(v) for v in (-0.0, -0.0, 3.0, 0.1, -2.71828, 3.0, 7.0, 1e38, 0.2, -0.5, 1e-38, 0.3)] + [0x3F800000, 0x7F800000, 0x3F800000, 0x00400000]
F32_C = [f32(v) for v in (1.0, 0.0, 1e-8, -1.0, 8.5397, -3e10, 1.0, -1e38, -0.02, 1.25, 2.0, 5.0)] + [0xFF800000, 0x3F800000, 0x00000000, 0x80000001]
F64_A = [f64(v) for v in (0.0, -0.0, 1.0, -1.5, 3.14159, 1e10, -1e-10, 1e308, 0.1, 2.5, -2.5, 9007199254740993.0, math.inf, -math.inf, math.nan, 5e-324)]
F64_B = [f64(v) for v in (-0.0, -0.0, 3.0, 0.1, -2.71828, 3.0, 7.0, 1e308, 0.2, -0.5, 1e-308, 0.3, 1.0, math.inf, 1.0, 2e-310)]
F64_C = [f64(v) for v in (1.0, 0.0, 1e-17, -1.0, 8.5397, -3e10, 1.0, -1e308, -0.02, 1.25, 2.0, 5.0, -math.inf, 1.0, 0.0, -5e-324)]


def div_trunc(a, b):
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


def prmt(a, b, selector, mode=None):
    data = (b << 32 | a).to_bytes(8, "little")
    n = selector & 3
    if mode:
        indices = {
            "f4e": [n, n + 1, n + 2, n + 3],
            "b4e": [n, (n - 1) & 7, (n - 2) & 7, (n - 3) & 7],
            "rc8": [n] * 4,
            "ecl": [max(n, i) for i in range(4)],
            "ecr": [min(n, i) for i in range(4)],
            "rc16": [(n & 1) * 2 + (i & 1) for i in range(4)],
        }[mode]
        return int.from_bytes(bytes(data[i] for i in indices), "little")
    result = 0
    for i in range(4):
        nibble = selector >> (4 * i) & 15
        byte = data[nibble & 7]
        if nibble & 8:
            byte = 0xFF if byte & 0x80 else 0
        result |= byte << (8 * i)
    return result


# Positions and lengths are restricted to 0..=255; beyond, devices take eight bits of them for a field of
# 32 bits and all for one of 64.
def bfe(a, at, length, bits, is_signed):
    if bits == 32:
        at, length = at & 255, length & 255
    if length == 0:
        return 0
    sign = a >> min(at + length - 1, bits - 1) & 1 if is_signed else 0
    result = 0
    for i in range(bits):
        bit = a >> (at + i) & 1 if i < length and at + i < bits else sign
        result |= bit << i
    return result


def bfi(a, b, at, length, bits):
    if bits == 32:
        at, length = at & 255, length & 255
    result = b
    for i in range(min(length, bits)):
        if at + i < bits:
            result = result & ~(1 << (at + i)) | (a >> i & 1) << (at + i)
    return result


def fns(mask_bits, base, offset):
    if offset == 0:
        return base if mask_bits >> base & 1 else mask(32)
    at, left, step = base, abs(offset) - 1, 1 if offset > 0 else -1
    while 0 <= at < 32:
        if mask_bits >> at & 1:
            if left == 0:
                return at
            left -= 1
        at += step
    return mask(32)


def bfind(a, bits, is_signed, amount=False):
    if is_signed and a >> (bits - 1):
        a = ~a & mask(bits)
    at = a.bit_length() - 1
    if at < 0:
        return mask(32)
    return bits - 1 - at if amount else at


def shl(a, n, bits):
    return a << n & mask(bits) if n < bits else 0


def shr(a, n, bits, is_signed):
    return signed(a, bits) >> min(n, bits) if is_signed else (a >> n if n < bits else 0)


def lop3(a, b, c, table):
    result = 0
    for i in range(32):
        index = (a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1
        result |= (table >> index & 1) << i
    return result


def byte(value, index, is_signed):
    value = value >> (8 * index) & 255
    return signed(value, 8) if is_signed else value


def half(value, index, is_signed):
    value = value >> (16 * index) & 0xFFFF
    return signed(value, 16) if is_signed else value


def sum_of_differences(a, b):
    return sum(abs(byte(a, i, False) - byte(b, i, False)) for i in range(4))


S = lambda value: signed(value, 32)
D = lambda value: signed(value, 64)
I32_MIN, I32_MAX = -(1 << 31), mask(31)

INT32_OPS = [
    ("add.s32 $d, $a, $b;", lambda a, b, c: a + b),
    ("add.sat.s32 $d, $a, $b;", lambda a, b, c: clamp(S(a) + S(b), I32_MIN, I32_MAX)),
    ("sub.u32 $d, $a, $b;", lambda a, b, c: a - b),
    ("sub.sat.s32 $d, $a, $b;", lambda a, b, c: clamp(S(a) - S(b), I32_MIN, I32_MAX)),
    ("mul.lo.s32 $d, $a, $b;", lambda a, b, c: a * b),
    ("mul.hi.s32 $d, $a, $b;", lambda a, b, c: S(a) * S(b) >> 32),
    ("mul.hi.u32 $d, $a, $b;", lambda a, b, c: a * b >> 32),
    ("mad.lo.u32 $d, $a, $b, $c;", lambda a, b, c: a * b + c),
    ("mad.hi.s32 $d, $a, $b, $c;", lambda a, b, c: (S(a) * S(b) >> 32) + c),
    ("mad.hi.sat.s32 $d, $a, $b, $c;", lambda a, b, c: clamp((S(a) * S(b) >> 32) + S(c), I32_MIN, I32_MAX)),
    ("mul24.lo.s32 $d, $a, $b;", lambda a, b, c: signed(a, 24) * signed(b, 24)),
    ("mul24.hi.u32 $d, $a, $b;", lambda a, b, c: (a & mask(24)) * (b & mask(24)) >> 16),
    ("mad24.lo.u32 $d, $a, $b, $c;", lambda a, b, c: (a & mask(24)) * (b & mask(24)) + c),
    ("sad.s32 $d, $a, $b, $c;", lambda a, b, c: c + abs(S(a) - S(b))),
    ("sad.u32 $d, $a, $b, $c;", lambda a, b, c: c + abs(a - b)),
    ("div.s32 $d, $a, $b;", lambda a, b, c: -1 if b == 0 else div_trunc(S(a), S(b))),
    ("div.u32 $d, $a, $b;", lambda a, b, c: -1 if b == 0 else a // b),
    ("rem.s32 $d, $a, $b;", lambda a, b, c: a if b == 0 else S(a) - div_trunc(S(a), S(b)) * S(b)),
    ("rem.u32 $d, $a, $b;", lambda a, b, c: a if b == 0 else a % b),
    ("div.u32 $d, $a, 16;", lambda a, b, c: a // 16),
    ("rem.u32 $d, $a, 8;", lambda a, b, c: a % 8),
    ("mul.lo.u32 $d, $a, 1024;", lambda a, b, c: a * 1024),
    ("abs.s32 $d, $a;", lambda a, b, c: abs(S(a))),
    ("neg.s32 $d, $a;", lambda a, b, c: -a),
    ("min.s32 $d, $a, $b;", lambda a, b, c: min(S(a), S(b))),
    ("min.u32 $d, $a, $b;", lambda a, b, c: min(a, b)),
    ("max.s32 $d, $a, $b;", lambda a, b, c: max(S(a), S(b))),
    ("max.u32 $d, $a, $b;", lambda a, b, c: max(a, b)),
    ("popc.b32 $d, $a;", lambda a, b, c: a.bit_count()),
    ("clz.b32 $d, $a;", lambda a, b, c: 32 - a.bit_length()),
    ("bfind.u32 $d, $a;", lambda a, b, c: bfind(a, 32, False)),
    ("bfind.s32 $d, $a;", lambda a, b, c: bfind(a, 32, True)),
    ("bfind.shiftamt.s32 $d, $a;", lambda a, b, c: bfind(a, 32, True, True)),
    ("brev.b32 $d, $a;", lambda a, b, c: int(f"{a:032b}"[::-1], 2)),
    ("{ .reg .b32 n, o; and.b32 n, $b, 31; shr.s32 o, $c, 28; fns.b32 $d, $a, n, o; }", lambda a, b, c: fns(a, b & 31, S(c) >> 28)),
    ("bfe.u32 $d, $a, $c, 5;", lambda a, b, c: bfe(a, c, 5, 32, False)),
    ("bfe.s32 $d, $a, $c, 9;", lambda a, b, c: bfe(a, c, 9, 32, True)),
    ("bfe.s32 $d, $a, 4, $c;", lambda a, b, c: bfe(a, 4, c, 32, True)),
    ("bfe.u32 $d, $a, 28, $c;", lambda a, b, c: bfe(a, 28, c, 32, False)),
    ("bfi.b32 $d, $a, $b, $c, 7;", lambda a, b, c: bfi(a, b, c, 7, 32)),
    ("bfi.b32 $d, $a, $b, 3, $c;", lambda a, b, c: bfi(a, b, 3, c, 32)),
    ("bmsk.clamp.b32 $d, $c, $b;", lambda a, b, c: shl(mask(min(b, 32)), min(c, 32), 32)),
    ("bmsk.wrap.b32 $d, $c, $b;", lambda a, b, c: shl(mask(b & 31), c & 31, 32)),
    ("szext.clamp.s32 $d, $a, $c;", lambda a, b, c: a if c >= 32 else (signed(a, c) if c else 0)),
    ("szext.wrap.u32 $d, $a, $c;", lambda a, b, c: a & mask(c & 31)),
    ("shl.b32 $d, $a, $c;", lambda a, b, c: shl(a, c, 32)),
    ("shr.u32 $d, $a, $c;", lambda a, b, c: shr(a, c, 32, False)),
    ("shr.s32 $d, $a, $c;", lambda a, b, c: shr(a, c, 32, True)),
    ("shf.l.wrap.b32 $d, $a, $b, $c;", lambda a, b, c: (b << 32 | a) << (c & 31) >> 32),
    ("shf.l.clamp.b32 $d, $a, $b, $c;", lambda a, b, c: (b << 32 | a) << min(c, 32) >> 32),
    ("shf.r.wrap.b32 $d, $a, $b, $c;", lambda a, b, c: (b << 32 | a) >> (c & 31)),
    ("shf.r.clamp.b32 $d, $a, $b, $c;", lambda a, b, c: (b << 32 | a) >> min(c, 32)),
    ("and.b32 $d, $a, $b;", lambda a, b, c: a & b),
    ("or.b32 $d, $a, $b;", lambda a, b, c: a | b),
    ("xor.b32 $d, $a, $b;", lambda a, b, c: a ^ b),
    ("not.b32 $d, $a;", lambda a, b, c: ~a),
    ("cnot.b32 $d, $a;", lambda a, b, c: int(a == 0)),
] + [
    (f"lop3.b32 $d, $a, $b, $c, {table};", lambda a, b, c, t=table: lop3(a, b, c, t))
    for table in (0x00, 0xFF, 0xF0, 0xCC, 0xAA, 0x80, 0xFE, 0x96, 0xE8, 0xCA, 0x1B, 0x3C, 0x57, 0xD8, 0x27)
] + [
    ("prmt.b32 $d, $a, $b, $c;", lambda a, b, c: prmt(a, b, c)),
] + [
    (f"prmt.b32 $d, $a, $b, {hex(s)};", lambda a, b, c, s=s: prmt(a, b, s))
    for s in (0x5410, 0x7632, 0x0123, 0x4440, 0xBA98, 0x6C2D, 0x3210, 0x7777)
] + [
    (f"prmt.b32.{m} $d, $a, $b, $c;", lambda a, b, c, m=m: prmt(a, b, c, m))
    for m in ("f4e", "b4e", "rc8", "ecl", "ecr", "rc16")
] + [
    (f"dp4a.{t}32.{u}32 $d, $a, $b, $c;",
     lambda a, b, c, t=t, u=u: c + sum(byte(a, i, t == "s") * byte(b, i, u == "s") for i in range(4)))
    for t in "us" for u in "us"
] + [
    (f"dp2a.{p}.{t}32.{u}32 $d, $a, $b, $c;",
     lambda a, b, c, p=p, t=t, u=u: c + sum(half(a, i, t == "s") * byte(b, i + (2 if p == "hi" else 0), u == "s") for i in range(2)))
    for p in ("lo", "hi") for t in "us" for u in "us"
] + [
    ("slct.u32.s32 $d, $a, $b, $c;", lambda a, b, c: a if S(c) >= 0 else b),
    ("{ .reg .pred p; setp.lt.s32 p, $a, $b; selp.b32 $d, 1, 0, p; }", lambda a, b, c: int(S(a) < S(b))),
    ("{ .reg .pred p; setp.lo.u32 p, $a, $b; selp.b32 $d, 1, 0, p; }", lambda a, b, c: int(a < b)),
    ("{ .reg .pred p; setp.hs.u32 p, $a, $b; selp.b32 $d, 1, 0, p; }", lambda a, b, c: int(a >= b)),
    ("{ .reg .pred p, q, r; setp.eq.s32 r, $c, 7; setp.gt.and.s32 p|q, $a, $b, !r; selp.b32 $d, 1, 0, p; @q add.s32 $d, $d, 2; }",
     lambda a, b, c: (int(S(a) > S(b) and c != 7)) + 2 * int(not S(a) > S(b) and c != 7)),
    ("{ .reg .pred p, q; setp.ne.u32 q, $b, 0; setp.le.xor.u32 p, $a, $b, q; selp.b32 $d, $a, $b, p; }",
     lambda a, b, c: a if (a <= b) != (b != 0) else b),
    ("{ .reg .pred p; setp.ge.s32 p, $a, 0; @p add.s32 $d, $a, 1; @!p sub.s32 $d, $a, 1; }",
     lambda a, b, c: a + 1 if S(a) >= 0 else a - 1),
    ("set.gt.u32.s32 $d, $a, $b;", lambda a, b, c: mask(32) if S(a) > S(b) else 0),
    ("{ .reg .b16 l, h; mov.b32 {l, h}, $a; mov.b32 $d, {h, l}; }", lambda a, b, c: a >> 16 | (a & 0xFFFF) << 16),
    ("{ .reg .b64 w; mov.b64 w, {$a, $b}; shr.u64 w, w, 16; mov.b64 {$d, _}, w; }", lambda a, b, c: (b << 32 | a) >> 16),
    ("{ .reg .b16 x, y; cvt.u16.u32 x, $a; cvt.u16.u32 y, $b; mul.hi.s16 x, x, y; cvt.s32.s16 $d, x; }",
     lambda a, b, c: signed(a, 16) * signed(b, 16) >> 16),
    ("{ .reg .b16 x, y; cvt.u16.u32 x, $a; cvt.u16.u32 y, $b; mul.wide.u16 $d, x, y; }",
     lambda a, b, c: (a & 0xFFFF) * (b & 0xFFFF)),
    ("{ .reg .b16 x; cvt.u16.u32 x, $a; shr.s16 x, x, 3; neg.s16 x, x; cvt.u32.u16 $d, x; }",
     lambda a, b, c: -(signed(a, 16) >> 3) & 0xFFFF),
    ("cvt.sat.s8.s32 $d, $a;", lambda a, b, c: clamp(S(a), -128, 127)),
    ("cvt.sat.u8.s32 $d, $a;", lambda a, b, c: clamp(S(a), 0, 255)),
    ("cvt.sat.u16.u32 $d, $a;", lambda a, b, c: min(a, 65535)),
    ("cvt.sat.s32.u32 $d, $a;", lambda a, b, c: min(a, I32_MAX)),
    ("cvt.s32.s8 $d, $a;", lambda a, b, c: signed(a, 8)),
    ("cvt.u32.u8 $d, $a;", lambda a, b, c: a & 255),
    ("cvt.s8.s32 $d, $a;", lambda a, b, c: signed(a, 8)),
    ("vabsdiff4.u32.u32.u32 $d, $a, $b, $c;",
     lambda a, b, c: sum(abs(byte(a, i, False) - byte(b, i, False)) << (8 * i) for i in range(4))),
    ("vabsdiff4.u32.u32.u32.add $d, $a, $b, $c;", lambda a, b, c: c + sum_of_differences(a, b)),
]

INT64_OPS = [
    ("add.s64 $d, $a, $b;", lambda a, b, c: a + b),
    ("sub.s64 $d, $a, $b;", lambda a, b, c: a - b),
    ("mul.lo.s64 $d, $a, $b;", lambda a, b, c: a * b),
    ("mul.hi.s64 $d, $a, $b;", lambda a, b, c: D(a) * D(b) >> 64),
    ("mul.hi.u64 $d, $a, $b;", lambda a, b, c: a * b >> 64),
    ("mad.lo.s64 $d, $a, $b, $c;", lambda a, b, c: a * b + c),
    ("div.s64 $d, $a, $b;", lambda a, b, c: -1 if b == 0 else div_trunc(D(a), D(b))),
    ("div.u64 $d, $a, $b;", lambda a, b, c: -1 if b == 0 else a // b),
    ("rem.s64 $d, $a, $b;", lambda a, b, c: a if b == 0 else D(a) - div_trunc(D(a), D(b)) * D(b)),
    ("rem.u64 $d, $a, $b;", lambda a, b, c: a if b == 0 else a % b),
    ("abs.s64 $d, $a;", lambda a, b, c: abs(D(a))),
    ("min.s64 $d, $a, $b;", lambda a, b, c: min(D(a), D(b))),
    ("max.u64 $d, $a, $b;", lambda a, b, c: max(a, b)),
    ("and.b64 $d, $a, $b;", lambda a, b, c: a & b),
    ("not.b64 $d, $a;", lambda a, b, c: ~a),
    ("brev.b64 $d, $a;", lambda a, b, c: int(f"{a:064b}"[::-1], 2)),
    ("{ .reg .b32 n; cvt.u32.u64 n, $c; shl.b64 $d, $a, n; }", lambda a, b, c: shl(a, c, 64)),
    ("{ .reg .b32 n; cvt.u32.u64 n, $c; shr.u64 $d, $a, n; }", lambda a, b, c: shr(a, c, 64, False)),
    ("{ .reg .b32 n; cvt.u32.u64 n, $c; shr.s64 $d, $a, n; }", lambda a, b, c: shr(a, c, 64, True)),
    ("{ .reg .b32 n; cvt.u32.u64 n, $c; bfe.s64 $d, $a, n, 11; }", lambda a, b, c: bfe(a, c, 11, 64, True)),
    ("{ .reg .b32 n; cvt.u32.u64 n, $c; bfi.b64 $d, $a, $b, 9, n; }", lambda a, b, c: bfi(a, b, 9, c, 64)),
    ("{ .reg .b32 n; popc.b64 n, $a; cvt.u64.u32 $d, n; }", lambda a, b, c: a.bit_count()),
    ("{ .reg .b32 n; clz.b64 n, $a; cvt.u64.u32 $d, n; }", lambda a, b, c: 64 - a.bit_length()),
    ("{ .reg .b32 n; bfind.s64 n, $a; cvt.u64.u32 $d, n; }", lambda a, b, c: bfind(a, 64, True)),
    ("{ .reg .b32 x, y; cvt.u32.u64 x, $a; cvt.u32.u64 y, $b; mul.wide.s32 $d, x, y; }", lambda a, b, c: S(a) * S(b)),
    ("{ .reg .b32 x, y; cvt.u32.u64 x, $a; cvt.u32.u64 y, $b; mad.wide.u32 $d, x, y, $c; }", lambda a, b, c: (a & mask(32)) * (b & mask(32)) + c),
    ("{ .reg .b32 x; cvt.u32.u64 x, $a; mul.wide.s32 $d, x, 8; }", lambda a, b, c: S(a) * 8),
    ("{ .reg .b32 x; cvt.u32.u64 x, $a; cvt.s64.s32 $d, x; }", lambda a, b, c: S(a)),
    ("{ .reg .b32 x; cvt.sat.s32.s64 x, $a; cvt.s64.s32 $d, x; }", lambda a, b, c: clamp(D(a), I32_MIN, I32_MAX)),
    ("{ .reg .b32 x; cvt.sat.u32.s64 x, $a; cvt.u64.u32 $d, x; }", lambda a, b, c: clamp(D(a), 0, mask(32))),
    ("{ .reg .b32 a<2>, b<2>; mov.b64 {a0, a1}, $a; mov.b64 {b0, b1}, $b; add.cc.u32 a0, a0, b0; addc.u32 a1, a1, b1; mov.b64 $d, {a0, a1}; }", lambda a, b, c: a + b),
    ("{ .reg .b32 a<2>, b<2>; mov.b64 {a0, a1}, $a; mov.b64 {b0, b1}, $b; sub.cc.u32 a0, a0, b0; subc.u32 a1, a1, b1; mov.b64 $d, {a0, a1}; }", lambda a, b, c: a - b),
    ("{ .reg .b64 t; add.cc.u64 t, $a, $b; addc.u64 $d, 0, 0; }", lambda a, b, c: a + b >> 64),
    ("{ .reg .b64 t; sub.cc.u64 t, $a, $b; subc.u64 $d, 0, 0; }", lambda a, b, c: -int(a < b)),
    # 64 x 64 -> high 64 bits from 32-bit pieces.
    ("{ .reg .b32 a<2>, b<2>, r<4>; mov.b64 {a0, a1}, $a; mov.b64 {b0, b1}, $b; mul.lo.u32 r0, a0, b0; mul.hi.u32 r1, a0, b0; "
     "mad.lo.cc.u32 r1, a0, b1, r1; madc.hi.u32 r2, a0, b1, 0; mad.lo.cc.u32 r1, a1, b0, r1; madc.hi.cc.u32 r2, a1, b0, r2; addc.u32 r3, 0, 0; "
     "mad.lo.cc.u32 r2, a1, b1, r2; madc.hi.u32 r3, a1, b1, r3; mov.b64 $d, {r2, r3}; }", lambda a, b, c: a * b >> 64),
]


def float_ops(width):
    t = f"f{width}"
    ops = []
    for name in ("add", "sub", "mul", "div"):
        for mode in ("rn", "rz", "rm", "rp"):
            ops.append((f"{name}.{mode}.{t} $d, $a, $b;", lambda a, b, c, n=name, m=mode: arithmetic(n, width, m, a, b)))
    for mode in ("rn", "rz", "rm", "rp"):
        ops.append((f"fma.{mode}.{t} $d, $a, $b, $c;", lambda a, b, c, m=mode: arithmetic("fma", width, m, a, b, c)))
        ops.append((f"sqrt.{mode}.{t} $d, $a;", lambda a, b, c, m=mode: square_root(a, width, m)))
        one = encode(Fraction(1), width, "rn")
        ops.append((f"rcp.{mode}.{t} $d, $a;", lambda a, b, c, m=mode, one=one: arithmetic("div", width, m, one, a)))
    sign = 1 << (width - 1)

    def order(bits):
        magnitude = bits & (sign - 1)
        return -1 - magnitude if bits & sign else magnitude

    def pick(function):
        def result(a, b, c):
            nan_a, nan_b = decode(a, width) is None, decode(b, width) is None
            if nan_a or nan_b:
                return encode(None, width, "rn") if nan_a and nan_b else (b if nan_a else a)
            return function(a, b, key=order)
        return result

    def less(a, b):
        x, y = decode(a, width), decode(b, width)
        return None if x is None or y is None else x < y

    ops += [
        (f"min.{t} $d, $a, $b;", pick(min)),
        (f"max.{t} $d, $a, $b;", pick(max)),
        (f"neg.{t} $d, $a;", lambda a, b, c: a ^ sign),
        (f"abs.{t} $d, $a;", lambda a, b, c: a & (sign - 1)),
        (f"copysign.{t} $d, $a, $b;", lambda a, b, c: a & sign | b & (sign - 1)),
        (f"{{ .reg .pred p; setp.lt.{t} p, $a, $b; selp.{t} $d, $a, $b, p; }}", lambda a, b, c: a if less(a, b) else b),
        (f"{{ .reg .pred p; setp.geu.{t} p, $a, $b; selp.{t} $d, $a, $b, p; }}", lambda a, b, c: b if less(a, b) else a),
        (f"{{ .reg .pred p; setp.nan.{t} p, $a, $b; selp.{t} $d, $c, $a, p; }}", lambda a, b, c: c if less(a, b) is None else a),
        (f"{{ .reg .pred p; testp.subnormal.{t} p, $a; selp.{t} $d, $b, $c, p; }}", lambda a, b, c: b if 0 < (a & sign - 1) < (1 << FORMATS[width][1]) else c),
        (f"{{ .reg .pred p; testp.finite.{t} p, $a; selp.{t} $d, $b, $c, p; }}", lambda a, b, c: b if decode(a, width) not in (None, math.inf, -math.inf) else c),
    ]
    register = f"b{width}"
    for mode in ("rni", "rzi", "rmi", "rpi"):
        for target, bits, is_signed in ((f"s{width}", width, True), (f"u{width}", width, False), ("s16", 16, True), ("u8", 8, False)):
            ops.append((f"cvt.{mode}.{target}.{t} $i, $a;", lambda a, b, c, m=mode[:2], n=bits, s=is_signed: to_integer(a, width, m, n, s)))

        def integral(a, b, c, m=mode[:2]):
            value = decode(a, width)
            if value is None or abs(value) == math.inf:
                return encode(value, width, "rn")
            return encode(Fraction(round_integer(value, m)), width, "rn", is_negative(a, width))
        ops.append((f"cvt.{mode}.{t}.{t} $d, $a;", integral))
    for mode in ("rn", "rz", "rm", "rp"):
        ops.append((f"{{ .reg .b32 n; cvt.u32.u{width} n, $ia; cvt.{mode}.{t}.s32 $d, n; }}", lambda a, b, c, m=mode: encode(Fraction(S(a)), width, m)))
        ops.append((f"cvt.{mode}.{t}.u{width} $d, $ia;", lambda a, b, c, m=mode: encode(Fraction(a), width, m)))
    return ops


F32_EXTRA = [
    ("add.ftz.f32 $d, $a, $b;", lambda a, b, c: flush(arithmetic("add", 32, "rn", flush(a), flush(b)))),
    ("mul.sat.f32 $d, $a, $b;", lambda a, b, c: saturate(arithmetic("mul", 32, "rn", a, b))),
    ("cvt.sat.f32.f32 $d, $a;", lambda a, b, c: saturate(a)),
    ("{ .reg .b16 h; cvt.rn.f16.f32 h, $a; cvt.f32.f16 $d, h; }", lambda a, b, c: encode(decode(narrow(a, 32, 16, "rn"), 16), 32, "rn", is_negative(a, 32))),
    ("{ .reg .b16 h; cvt.rz.f16.f32 h, $a; cvt.f32.f16 $d, h; }", lambda a, b, c: encode(decode(narrow(a, 32, 16, "rz"), 16), 32, "rn", is_negative(a, 32))),
    ("{ .reg .b16 h; cvt.rp.ftz.f16.f32 h, $a; cvt.f32.f16 $d, h; }", lambda a, b, c: encode(decode(narrow(a, 32, 16, "rp"), 16), 32, "rn", is_negative(a, 32))),
    ("{ .reg .b32 h; cvt.rn.f16x2.f32 h, $a, $b; mov.b32 $d, h; }", lambda a, b, c: narrow(a, 32, 16, "rn") << 16 | narrow(b, 32, 16, "rn")),
    ("{ .reg .b64 w; cvt.f64.f32 w, $a; cvt.rn.f32.f64 $d, w; }", lambda a, b, c: encode(decode(a, 32), 32, "rn", is_negative(a, 32))),
    ("{ .reg .b16 x, y; cvt.rn.f16.f32 x, $a; cvt.rn.f16.f32 y, $b; add.f16 x, x, y; cvt.f32.f16 $d, x; }",
     lambda a, b, c: widen16(arithmetic("add", 16, "rn", narrow(a, 32, 16, "rn"), narrow(b, 32, 16, "rn")))),
    ("{ .reg .b16 x, y, z; cvt.rn.f16.f32 x, $a; cvt.rn.f16.f32 y, $b; cvt.rn.f16.f32 z, $c; fma.rn.f16 x, x, y, z; cvt.f32.f16 $d, x; }",
     lambda a, b, c: widen16(arithmetic("fma", 16, "rn", *(narrow(v, 32, 16, "rn") for v in (a, b, c))))),
    ("{ .reg .b32 x, y; cvt.rn.f16x2.f32 x, $a, $b; cvt.rn.f16x2.f32 y, $b, $c; mul.f16x2 $d, x, y; }",
     lambda a, b, c: arithmetic("mul", 16, "rn", narrow(a, 32, 16, "rn"), narrow(b, 32, 16, "rn")) << 16
     | arithmetic("mul", 16, "rn", narrow(b, 32, 16, "rn"), narrow(c, 32, 16, "rn"))),
]


def flush(bits):
    return bits & 0x80000000 if bits & 0x7F800000 == 0 else bits


def saturate(bits):
    value = decode(bits, 32)
    if value is None or is_negative(bits, 32):
        return 0
    return min(bits, f32(1.0))


def narrow(bits, from_width, to_width, mode):
    return encode(decode(bits, from_width), to_width, mode, is_negative(bits, from_width))


def widen16(bits):
    return encode(decode(bits, 16), 32, "rn", is_negative(bits, 16))


def write(name, title, width, inputs, ops, is_float):
    count = len(inputs["a"])
    results = []
    for _, function in ops:
        for row in zip(inputs["a"], inputs["b"], inputs["c"]):
            results.append(function(*row) & mask(width))
    kind = "f" if is_float else "b"
    show = lambda values: " ".join(hex(value) for value in values)
    lines = [f"// {title} Written by generate.py.", "//"]
    for key in "abc":
        lines.append(f"// buffer {key}: {kind}{width}[{count}] = {show(inputs[key])}")
    lines.append(f"// buffer out: {kind}{width}[{len(results)}] = zero")
    lines.append(f"// run ops block={count} args=a, b, c, out")
    lines.append(f"// expect out = {show(results)}")
    size = width // 8
    register = f".f{width}" if is_float else f".b{width}"
    load = f"f{width}" if is_float else f"b{width}"
    lines += [
        ".version 8.0", ".target sm_89", ".address_size 64", "",
        ".visible .entry ops(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 out)", "{",
        f"    .reg {register} %a, %b, %c, %d;",
        f"    .reg .b{width} %i, %ia;",
        "    .reg .b32 %t;", "    .reg .b64 %p, %o;",
        "    mov.u32 %t, %tid.x;",
        f"    mul.wide.u32 %o, %t, {size};",
    ]
    for key in "abc":
        lines += [f"    ld.param.u64 %p, [{key}];", "    add.s64 %p, %p, %o;", f"    ld.global.{load} %{key}, [%p];"]
    lines += [f"    mov.b{width} %ia, %a;", "    ld.param.u64 %p, [out];", "    add.s64 %p, %p, %o;"]
    for index, (text, _) in enumerate(ops):
        integer = "$i," in text
        for key in ("ia", "i", "a", "b", "c", "d"):
            text = text.replace(f"${key}", f"%{key}")
        lines.append(f"    {text}")
        stored, ty = ("%i", f"b{width}") if integer else ("%d", load)
        lines.append(f"    st.global.{ty} [%p+{index * count * size}], {stored};")
    lines += ["    ret;", "}", ""]
    (HERE / f"ops_{name}.ptx").write_text("\n".join(lines))


if __name__ == "__main__":
    write("int32", "Integer operations of 32, 16 and 8 bits.", 32, INT32, INT32_OPS, False)
    write("int64", "Integer operations of 64 bits, and carry chains.", 64, INT64, INT64_OPS, False)
    write("float32", "Single- and half-precision operations with every rounding.", 32, {"a": F32_A, "b": F32_B, "c": F32_C}, float_ops(32) + F32_EXTRA, True)
    write("float64", "Double-precision operations with every rounding.", 64, {"a": F64_A, "b": F64_B, "c": F64_C}, float_ops(64), True)
