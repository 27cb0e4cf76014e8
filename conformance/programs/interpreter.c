// A stack machine with an assembler, running the sieve, Fibonacci numbers and a float series.
// The exit status is the number of arguments.
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum op { PUSH, ADD, SUB, MUL, LT, LOAD, STORE, JUMP, UNLESS, PRINT, HALT };
static const char *names[] = {"push", "add", "sub", "mul", "lt", "load", "store", "jump", "unless", "print", "halt"};

static int assemble(const char *source, int64_t *code) {
    int n = 0;
    char word[32];
    for (int length; sscanf(source, " %31s%n", word, &length) == 1; source += length) {
        if (isdigit((unsigned char)word[0]) || word[0] == '-') {
            code[n++] = strtoll(word, NULL, 10);
            continue;
        }
        for (int op = 0; op <= HALT; op++)
            if (strcmp(word, names[op]) == 0) code[n++] = op;
    }
    return n;
}

static void run(const int64_t *code) {
    int64_t stack[64], memory[1024] = {0}, *top = stack;
    for (const int64_t *pc = code;;) {
        switch ((enum op)*pc++) {
        case PUSH: *top++ = *pc++; break;
        case ADD: top--; top[-1] += *top; break;
        case SUB: top--; top[-1] -= *top; break;
        case MUL: top--; top[-1] *= *top; break;
        case LT: top--; top[-1] = top[-1] < *top; break;
        case LOAD: top[-1] = memory[top[-1] & 1023]; break;
        case STORE: top -= 2; memory[top[1] & 1023] = top[0]; break;
        case JUMP: pc = code + *pc; break;
        case UNLESS: pc = *--top ? pc + 1 : code + *pc; break;
        case PRINT: printf("%lld ", (long long)*--top); break;
        case HALT: printf("\n"); return;
        }
    }
}

int main(int argc, char **argv) {
    int64_t code[256];
    // memory[0] = a, [1] = b, [2] = i: 60 Fibonacci numbers, wrapping at none.
    int n = assemble("push 0 push 0 store push 1 push 1 store push 0 push 2 store "
                     "push 2 load push 60 lt unless 52 "
                     "push 0 load print "
                     "push 0 load push 1 load add push 3 store "
                     "push 1 load push 0 store push 3 load push 1 store "
                     "push 2 load push 1 add push 2 store jump 15 halt", code);
    code[n] = HALT;
    // The target of the exit is where `halt` came to lie.
    for (int i = 0; i < n; i++)
        if (code[i] == UNLESS && code[i + 1] == 52) code[i + 1] = n - 1;
    run(code);
    static char composite[20000];
    int primes = 0;
    for (int i = 2; i < 20000; i++) {
        if (composite[i]) continue;
        primes++;
        for (int j = 2 * i; j < 20000; j += i) composite[j] = 1;
    }
    double series = 0;
    for (int i = 0; i < 2000; i++) series += (i % 2 ? -4.0 : 4.0) / (2 * i + 1);
    printf("%d primes, pi is about %.12f, %a, sqrt %.15g\n", primes, series, series, sqrt(series));
    for (int i = 1; i < argc; i++) printf("argument %d: %s\n", i, argv[i]);
    return argc - 1;
}
