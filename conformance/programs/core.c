// Integer work of the kind that benchmarks of embedded cores do: linked lists, matrices, a
// state machine, a checksum over all of it. Prints the checksum.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { struct node *next; int16_t key; int16_t value; };

static uint16_t crc(uint16_t sum, uint32_t word) {
    for (int bit = 0; bit < 32; bit++) {
        uint16_t low = (word ^ sum) & 1;
        sum >>= 1;
        if (low) sum ^= 0xa001;
        word >>= 1;
    }
    return sum;
}

static struct node *sort(struct node *list) {
    if (!list || !list->next) return list;
    struct node *slow = list, *fast = list->next;
    while (fast && fast->next) { slow = slow->next; fast = fast->next->next; }
    struct node *right = sort(slow->next);
    slow->next = NULL;
    struct node *left = sort(list), head, *tail = &head;
    while (left && right) {
        struct node **least = left->key <= right->key ? &left : &right;
        tail = tail->next = *least;
        *least = (*least)->next;
    }
    tail->next = left ? left : right;
    return head.next;
}

static int state(const char *text) {
    enum { START, INTEGER, FRACTION, EXPONENT, BAD } now = START;
    for (; *text; text++) {
        int digit = *text >= '0' && *text <= '9';
        switch (now) {
        case START: now = digit ? INTEGER : *text == '-' ? START : BAD; break;
        case INTEGER: now = digit ? INTEGER : *text == '.' ? FRACTION : BAD; break;
        case FRACTION: now = digit ? FRACTION : *text == 'e' ? EXPONENT : BAD; break;
        case EXPONENT: now = digit ? EXPONENT : BAD; break;
        case BAD: return BAD;
        }
    }
    return now;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    uint16_t sum = 0;
    uint32_t seed = 12345;
    static const char *texts[] = {"12", "-3.5", "7.25e3", "x1", "4.", "99e"};
    for (int round = 0; round < rounds; round++) {
        struct node *list = NULL;
        for (int i = 0; i < 200; i++) {
            struct node *node = malloc(sizeof *node);
            seed = seed * 1103515245 + 12345;
            *node = (struct node){list, (int16_t)(seed >> 16), (int16_t)i};
            list = node;
        }
        list = sort(list);
        while (list) {
            struct node *next = list->next;
            sum = crc(sum, (uint32_t)list->key << 16 | (uint16_t)list->value);
            free(list);
            list = next;
        }
        int16_t a[12][12], b[12][12];
        for (int i = 0; i < 144; i++) {
            seed = seed * 1103515245 + 12345;
            a[i / 12][i % 12] = (int16_t)(seed >> 20);
            b[i / 12][i % 12] = (int16_t)(seed >> 12 & 0xfff);
        }
        for (int i = 0; i < 12; i++)
            for (int j = 0; j < 12; j++) {
                int32_t total = 0;
                for (int k = 0; k < 12; k++) total += a[i][k] * b[k][j];
                sum = crc(sum, (uint32_t)total);
            }
        for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
            sum = crc(sum, (uint32_t)state(texts[i]));
    }
    printf("%d rounds: %04x\n", rounds, sum);
    return 0;
}
