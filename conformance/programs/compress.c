// A Lempel-Ziv compressor with hash chains, its decompressor, and a comparison of the two ends.
// Compresses standard input, or text of its own when that is empty.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t compress(const uint8_t *in, size_t n, uint8_t *out) {
    static int32_t last[1 << 14];
    memset(last, 0xff, sizeof last);
    size_t o = 0, literal = 0;
    for (size_t i = 0; i <= n;) {
        size_t best = 0, from = 0;
        if (i + 4 <= n) {
            uint32_t word;
            memcpy(&word, in + i, 4);
            uint32_t h = word * 2654435761u >> 18;
            if (last[h] >= 0 && i - (size_t)last[h] < 65536) {
                from = (size_t)last[h];
                while (i + best < n && best < 255 && in[from + best] == in[i + best]) best++;
            }
            last[h] = (int32_t)i;
        }
        if (best >= 4 || i == n) {
            while (literal < i) {
                size_t run = i - literal > 255 ? 255 : i - literal;
                out[o++] = 0;
                out[o++] = (uint8_t)run;
                memcpy(out + o, in + literal, run);
                o += run;
                literal += run;
            }
            if (i == n) break;
            out[o++] = (uint8_t)best;
            out[o++] = (uint8_t)(i - from);
            out[o++] = (uint8_t)((i - from) >> 8);
            i += best;
            literal = i;
        } else {
            i++;
        }
    }
    return o;
}

static size_t expand(const uint8_t *in, size_t n, uint8_t *out) {
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        size_t length = in[i++];
        if (length == 0) {
            size_t run = in[i++];
            memcpy(out + o, in + i, run);
            i += run;
            o += run;
        } else {
            size_t distance = in[i] | in[i + 1] << 8;
            i += 2;
            for (; length; length--, o++) out[o] = out[o - distance];
        }
    }
    return o;
}

int main(void) {
    size_t room = 1 << 20, n = 0, got;
    uint8_t *in = malloc(room);
    while (n < room && (got = fread(in + n, 1, room - n, stdin)) > 0) n += got;
    if (n == 0)
        for (int line = 0; n + 64 < room / 4; line++)
            n += (size_t)sprintf((char *)in + n, "line %d: %d squared is %d\n", line, line % 97, (line % 97) * (line % 97));
    uint8_t *packed = malloc(2 * room), *back = malloc(room);
    size_t small = compress(in, n, packed);
    size_t whole = expand(packed, small, back);
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < small; i++) sum = (sum ^ packed[i]) * 16777619u;
    printf("%zu -> %zu (%.2f), %08x\n", n, small, (double)small / (double)n, sum);
    if (whole != n || memcmp(in, back, n) != 0) {
        fprintf(stderr, "not what was compressed\n");
        return 1;
    }
    return 0;
}
