// Memory from the heap of the device: every thread makes a list of its own size, fills it, another kernel
// adds it up and frees it; and requests that the heap cannot meet give a null pointer.

#include "check.cuh"

struct Node {
    unsigned value;
    Node *next;
};

extern "C" __global__ void make_lists(Node **lists, const unsigned *lengths, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Node *head = nullptr;
    for (unsigned k = 0; k < lengths[i]; ++k) {
        Node *node = new Node;
        node->value = k * k + i;
        node->next = head;
        head = node;
    }
    lists[i] = head;
}

extern "C" __global__ void add_up_lists(Node **lists, unsigned *sums, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned sum = 0;
    for (Node *node = lists[i]; node != nullptr;) {
        sum += node->value;
        Node *next = node->next;
        delete node;
        node = next;
    }
    sums[i] = sum;
}

extern "C" __global__ void ask_for_too_much(unsigned *answers) {
    void *much = malloc(size_t{1} << 40);
    void *little = malloc(24);
    answers[threadIdx.x] = (much == nullptr ? 1u : 0u) | (little != nullptr ? 2u : 0u) |
                           (reinterpret_cast<size_t>(little) % 16 == 0 ? 4u : 0u);
    free(much);
    free(little);
}

int main() {
    const int n = 200;
    std::vector<unsigned> lengths(n), want(n);
    Random random(17);
    for (int i = 0; i < n; ++i) {
        lengths[i] = static_cast<unsigned>(random.below(12));
        for (unsigned k = 0; k < lengths[i]; ++k) want[i] += k * k + i;
    }
    DeviceArray<Node *> lists(n);
    DeviceArray<unsigned> device_lengths(lengths), sums(n), answers(32);
    // The lists are freed, so the same memory serves every round.
    bool passed = true;
    for (int round = 0; round < 3; ++round) {
        make_lists<<<blocks_for(n, 64), 64>>>(lists.get(), device_lengths.get(), n);
        CHECK_LAUNCH();
        add_up_lists<<<blocks_for(n, 64), 64>>>(lists.get(), sums.get(), n);
        CHECK_LAUNCH();
        passed &= same("sums", sums.download(), want);
    }
    ask_for_too_much<<<1, 32>>>(answers.get());
    CHECK_LAUNCH();
    passed &= same("answers", answers.download(), std::vector<unsigned>(32, 7));
    return finish("device_heap", passed);
}
