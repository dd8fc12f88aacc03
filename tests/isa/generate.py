#!/usr/bin/env python3
"""Writes tests/isa/*.data: every opcode with the values at its edges. The expected results are computed here, in
Python's unbounded integers, so that they owe nothing to the C code under test. Run it after a change and review the diff.

A file is a list of cases (tests/unit/isa_data.h reads it):

    -- case NAME [lenient] [packet]     lenient: only for programs that were not verified; packet: see below
    assembly as isa_assemble reads it; r1 is the address of the memory, r2 its size
    -- mem                              hex bytes; with `packet` they are the packet too
    -- result                           r0 at the end
    -- after                            the memory at the end, where it matters
"""
import os

M64, M32 = (1 << 64) - 1, (1 << 32) - 1
HERE = os.path.dirname(os.path.abspath(__file__))
out = []


def case(name, asm, result, mem=None, after=None, flags=""):
    text = f"-- case {name}{' ' + flags if flags else ''}\n" + "\n".join(asm) + "\n"
    if mem is not None:
        text += f"-- mem\n{mem.hex(' ')}\n"
    text += f"-- result\n0x{result & M64:x}\n"
    if after is not None:
        text += f"-- after\n{after.hex(' ')}\n"
    out.append(text)


def write(name):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
        f.write("# Made by tests/isa/generate.py; see there for the format.\n" + "\n".join(out))
    out.clear()


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


def quotient(a, b):
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def alu(op, a, b, bits):
    mask = (1 << bits) - 1
    a, b = a & mask, b & mask
    sa, sb = signed(a, bits), signed(b, bits)
    r = {
        "+=": lambda: a + b, "-=": lambda: a - b, "*=": lambda: a * b,
        "/=": lambda: a // b if b else 0, "%=": lambda: a % b if b else a,
        "s/=": lambda: quotient(sa, sb) if b else 0,
        "s%=": lambda: sa - quotient(sa, sb) * sb if b else a,
        "|=": lambda: a | b, "&=": lambda: a & b, "^=": lambda: a ^ b, "=": lambda: b,
        "<<=": lambda: a << (b % bits), ">>=": lambda: a >> (b % bits),
        "s>>=": lambda: sa >> (b % bits),
    }[op]()
    return r & mask


NAMES = {"+=": "add", "-=": "sub", "*=": "mul", "/=": "div", "%=": "mod", "s/=": "sdiv", "s%=": "smod", "|=": "or",
         "&=": "and", "^=": "xor", "=": "mov", "<<=": "lsh", ">>=": "rsh", "s>>=": "arsh"}
BIG, MIN, MAX = 0x123456789abcdef0, 1 << 63, (1 << 63) - 1
PAIRS = [(BIG, 0xfedcba9876543210), (M64, 1), (MIN, M64), (0x80000000, 0xffffffff), (7, 0), (0xfffffffffffffff9, 3)]
IMMS = [(BIG, 0x7fffffff), (M64, 1), (MIN, -1), (0x80000000, -1), (0xffffffff80000001, -5), (7, 3)]
SHIFTS = [(BIG, 0), (BIG, 1), (MIN + 0x80000000, 31), (M64, 13)]


def arithmetic():
    for op, name in NAMES.items():
        is_shift = name in ("lsh", "rsh", "arsh")
        for bits, r in ((64, "r"), (32, "w")):
            pairs = SHIFTS + [(BIG, bits), (BIG, bits + 1), (M64, 0xff)] if is_shift else PAIRS
            for i, (a, b) in enumerate(pairs):
                case(f"{name}{bits}_reg_{i}", [f"r0 = 0x{a:x} ll", f"r3 = 0x{b:x} ll", f"{r}0 {op} {r}3", "exit"],
                     alu(op, a, b, bits))
            imms = SHIFTS + ([(MIN, 63)] if bits == 64 else []) if is_shift else IMMS
            for i, (a, b) in enumerate(imms):
                case(f"{name}{bits}_imm_{i}", [f"r0 = 0x{a:x} ll", f"{r}0 {op} {b}", "exit"], alu(op, a, b, bits))
            if is_shift:
                case(f"{name}{bits}_imm_high", [f"r0 = 0x{BIG:x} ll", f"{r}0 {op} {bits + 5}", "exit"],
                     alu(op, BIG, 5, bits), flags="lenient")
            elif name in ("div", "mod", "sdiv", "smod"):
                case(f"{name}{bits}_imm_zero", [f"r0 = 0x{BIG:x} ll", f"{r}0 {op} 0", "exit"], alu(op, BIG, 0, bits),
                     flags="lenient")
    for bits, r in ((64, "r"), (32, "w")):
        for i, v in enumerate((0, 1, BIG, MIN, M64, 0x80000000)):
            case(f"neg{bits}_{i}", [f"r0 = 0x{v:x} ll", f"{r}0 = -{r}0", "exit"], -v & ((1 << bits) - 1))
        for w in (8, 16) + ((32,) if bits == 64 else ()):
            for i, v in enumerate((BIG, 0x7f, 0x80, 0x7fff, 0x8000, 0x80000000, M64)):
                case(f"movsx{bits}_{w}_{i}", [f"r3 = 0x{v:x} ll", "r0 = -1", f"{r}0 = (s{w}){r}3", "exit"],
                     signed(v, w) & ((1 << bits) - 1))
    for w in (16, 32, 64):
        low = BIG & ((1 << w) - 1)
        swapped = int.from_bytes(low.to_bytes(w // 8, "little"), "big")
        for name, want in (("le", low), ("be", swapped), ("bswap", swapped)):
            case(f"{name}{w}", [f"r0 = 0x{BIG:x} ll", f"r0 = {name}{w} r0", "exit"], want)
    case("wide_all_bits", ["r0 = 0xfedcba9876543210 ll", "exit"], 0xfedcba9876543210)
    case("mov64_imm_negative", ["r0 = -2", "exit"], -2)
    case("mov32_imm_negative", ["r0 = -1", "w0 = -2", "exit"], 0xfffffffe)
    for reg in range(1, 10):
        case(f"register_r{reg}", [f"r{reg} = {reg * 1000}", f"r0 = r{reg}", "r0 += 1", "exit"], reg * 1000 + 1)
    write("alu.data")


CONDS = {"==": lambda a, b, s, t: a == b, "!=": lambda a, b, s, t: a != b, ">": lambda a, b, s, t: a > b,
         ">=": lambda a, b, s, t: a >= b, "<": lambda a, b, s, t: a < b, "<=": lambda a, b, s, t: a <= b,
         "&": lambda a, b, s, t: a & b != 0, "s>": lambda a, b, s, t: s > t, "s>=": lambda a, b, s, t: s >= t,
         "s<": lambda a, b, s, t: s < t, "s<=": lambda a, b, s, t: s <= t}
COND_NAMES = {"==": "jeq", "!=": "jne", ">": "jgt", ">=": "jge", "<": "jlt", "<=": "jle", "&": "jset", "s>": "jsgt",
              "s>=": "jsge", "s<": "jslt", "s<=": "jsle"}


def jumps():
    # The memory hides the values from a verifier that would otherwise find one way unreachable.
    pairs = [(5, 5), (4, 5), (M64, 5), (0x100000005, 5), (5, -5), (M64 - 4, -5), (0x80000000, 0x7fffffff), (0, 0)]
    for op, test in CONDS.items():
        for bits, r in ((64, "r"), (32, "w")):
            mask = (1 << bits) - 1
            for i, (a, b) in enumerate(pairs):
                mem = a.to_bytes(8, "little") + (b & M64).to_bytes(8, "little")
                want = 1 if test(a & mask, b & mask, signed(a, bits), signed(b, bits)) else 0
                tail = ["r0 = 0", "done:", "exit"]
                case(f"{COND_NAMES[op]}{bits}_reg_{i}",
                     ["r3 = *(u64 *)(r1 + 0)", "r4 = *(u64 *)(r1 + 8)", "r0 = 1", f"if {r}3 {op} {r}4 goto done"] + tail,
                     want, mem)
                case(f"{COND_NAMES[op]}{bits}_imm_{i}",
                     ["r3 = *(u64 *)(r1 + 0)", "r0 = 1", f"if {r}3 {op} {b} goto done"] + tail, want, mem)
    case("ja", ["r0 = 1", "goto done", "back:", "r0 += 3", "exit", "done:", "r0 += 1", "goto back"], 5)
    case("gotol", ["r0 = 1", "gotol done", "back:", "r0 += 3", "exit", "done:", "r0 += 1", "gotol back"], 5)
    case("loop_sum", ["r0 = 0", "r3 = 10", "again:", "r0 += r3", "r3 += -1", "if r3 != 0 goto again", "exit"], 55)
    case("call_local", ["r1 = 5", "call twice", "r0 += 1", "exit", "twice:", "r0 = r1", "r0 += r1", "exit"], 11)
    case("call_keeps_r6_r9", ["r6 = 6", "r7 = 7", "r8 = 8", "r9 = 9", "call wipe", "r0 = r6", "r0 += r7", "r0 += r8",
                              "r0 += r9", "exit", "wipe:", "r6 = 0", "r7 = 0", "r8 = 0", "r9 = 0", "r0 = 0", "exit"], 30)
    case("call_own_stack", ["r3 = 1", "*(u64 *)(r10 - 8) = r3", "call other", "r0 = *(u64 *)(r10 - 8)", "exit", "other:",
                            "r3 = 2", "*(u64 *)(r10 - 8) = r3", "r0 = 0", "exit"], 1)
    case("call_stack_of_caller", ["r3 = 1", "*(u64 *)(r10 - 8) = r3", "r1 = r10", "r1 += -8", "call other",
                                  "r0 = *(u64 *)(r10 - 8)", "exit", "other:", "r3 = 2", "*(u64 *)(r1 + 0) = r3", "r0 = 0",
                                  "exit"], 2)
    chain = ["r1 = 0"] + [line for i in range(6) for line in (f"call f{i}", "exit", f"f{i}:", "r1 += 1")]
    case("call_seven_frames", chain + ["r0 = r1", "exit"], 6)
    case("call_helper", ["call 5", "r0 = 7", "exit"], 7)
    write("jmp.data")


def memory():
    mem = bytes(range(0x81, 0x91))
    for n, t in ((1, 8), (2, 16), (4, 32), (8, 64)):
        for off in (0, 1, 8):
            v = int.from_bytes(mem[off:off + n], "little")
            case(f"ldx{t}_{off}", [f"r0 = *(u{t} *)(r1 + {off})", "exit"], v, mem)
            if n < 8:
                case(f"ldsx{t}_{off}", [f"r0 = *(s{t} *)(r1 + {off})", "exit"], signed(v, t), mem)
        case(f"ldx{t}_back", ["r3 = r1", "r3 += 9", f"r0 = *(u{t} *)(r3 - 9)", "exit"],
             int.from_bytes(mem[:n], "little"), mem)
        for off in (0, 3, 8):
            for kind, value, init in (("st", -2, []), ("stx", BIG, [f"r3 = 0x{BIG:x} ll"])):
                after = bytearray(mem)
                after[off:off + n] = (value & ((1 << t) - 1)).to_bytes(n, "little")
                case(f"{kind}{t}_{off}", init + [f"*(u{t} *)(r1 + {off}) = " + ("r3" if init else "-2"), "r0 = 0", "exit"],
                     0, mem, bytes(after))
        case(f"stack{t}", ["r3 = 0", "*(u64 *)(r10 - 8) = r3", "*(u64 *)(r10 - 512) = r3", "r3 = -1",
                           f"*(u{t} *)(r10 - 8) = r3", f"*(u{t} *)(r10 - 512) = r3", "r0 = *(u64 *)(r10 - 8)",
                           "r3 = *(u64 *)(r10 - 512)", "r0 ^= r3", "r0 += r3", "exit"], (1 << t) - 1)
    case("size_in_r2", ["r0 = r2", "exit"], 16, mem)
    write("memory.data")


def atomics():
    ops = {"add": ("+=", lambda m, v: m + v), "or": ("|=", lambda m, v: m | v), "and": ("&=", lambda m, v: m & v),
           "xor": ("^=", lambda m, v: m ^ v)}
    old = 0x8877665544332211
    for bits, r in ((64, "r"), (32, "w")):
        mask, n = (1 << bits) - 1, bits // 8

        def memory_after(v, at=0):
            mem = bytearray(b"\xee" * 8 + old.to_bytes(8, "little"))
            mem[8 + at:8 + at + n] = (v & mask).to_bytes(n, "little")
            return bytes(mem)
        for v in (0x0f0f0f0ff0f0f0f0, M64, 0x7fffffff80000001):
            mem, m = memory_after(old), old & mask
            load = [f"r3 = 0x{v:x} ll"]
            tag = f"{bits}_{v & 0xff:x}"
            for name, (sign, f) in ops.items():
                case(f"atomic_{name}{tag}", load + [f"lock *(u{bits} *)(r1 + 8) {sign} {r}3", "r0 = r3", "exit"], v,
                     mem, memory_after(f(m, v & mask)))
                case(f"atomic_fetch_{name}{tag}",
                     load + [f"{r}3 = atomic_fetch_{name}((u{bits} *)(r1 + 8), {r}3)", "r0 = r3", "exit"], m,
                     mem, memory_after(f(m, v & mask)))
            xchg, cmpxchg = ("xchg_64", "cmpxchg_64") if bits == 64 else ("xchg32_32", "cmpxchg32_32")
            case(f"xchg{tag}", load + [f"{r}3 = {xchg}(r1 + 8, {r}3)", "r0 = r3", "exit"], m, mem, memory_after(v))
            # Equal in the width of the operation, with other bits above it when that is 32.
            same = m | (0xabcd << 32 if bits == 32 else 0)
            cmp = f"{r}0 = {cmpxchg}(r1 + 8, {r}0, {r}3)"
            case(f"cmpxchg{tag}_same", load + [f"r0 = 0x{same:x} ll", cmp, "exit"], m, mem, memory_after(v))
            case(f"cmpxchg{tag}_other", load + [f"r0 = 0x{m ^ 1:x} ll", cmp, "exit"], m, mem, mem)
    write("atomic.data")


def packets():
    mem = bytes(range(0xa0, 0xb8))
    for n, t in ((1, 8), (2, 16), (4, 32)):
        for off in (0, 3, 24 - n):
            v = int.from_bytes(mem[off:off + n], "big")
            case(f"ldabs{t}_{off}", ["r6 = r1", f"r0 = *(u{t} *)skb[{off}]", "exit"], v, mem, flags="packet")
            case(f"ldind{t}_{off}", ["r6 = r1", f"r7 = {off + 5}", f"r0 = *(u{t} *)skb[r7 - 5]", "exit"], v, mem,
                 flags="packet")
        case(f"ldabs{t}_short", ["r6 = r1", f"r0 = *(u{t} *)skb[{25 - n}]", "r0 = 1", "exit"], 0, mem, flags="packet")
        case(f"ldind{t}_short", ["r6 = r1", "r7 = 1000", f"r0 = *(u{t} *)skb[r7]", "r0 = 1", "exit"], 0, mem,
             flags="packet")
    write("packet.data")


arithmetic()
jumps()
memory()
atomics()
packets()
