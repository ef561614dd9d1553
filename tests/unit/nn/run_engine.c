/* Try a compiled engine where no Python runs: `run_engine LIBRARY` loads it as ctypes does, and each of the processor's
   kernels gives a product the bits of plain C's, and a small model's answers whole, in pieces and near to plain C's. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#define OPEN(path) ((void *)LoadLibraryA(path))
#define FIND(library, name) ((void *)GetProcAddress((HMODULE)library, name))
#else
#include <dlfcn.h>
#define OPEN(path) dlopen(path, RTLD_NOW)
#define FIND(library, name) dlsym(library, name)
#endif

enum { LAYERS = 2, HIDDEN = 128, INNER = 320, HEADS = 8, KV_HEADS = 2, HEAD = 16, VOCAB = 224, TOKENS = 61, CAPACITY = 64 };
enum { GATED_SILU = 2, VECTORS_OF_LAYER = 6 }; /* of engine.h and engine.c */
enum { QKV_ROWS = (HEADS + 2 * KV_HEADS) * HEAD, KEYS = LAYERS * KV_HEADS * CAPACITY * HEAD };

typedef struct {
    int layers, hidden, inner, heads, kv_heads, head_dim, rotary, positions, window, is_tied, is_centred, is_parallel, activation;
    int threads;
    float eps, embedding_factor, attention_factor;
} Shape;

static const char *(*name_of)(int);
static int (*agree)(const void *, const void *);
static void *(*new_model)(const Shape *, const char *, const double *);
static void (*free_model)(void *);
static int (*set_matrix)(void *, int, int, int, int, int, const void *, const float *, const float *);
static int (*set_vector)(void *, int, int, const float *);
static int (*run)(void *, const int32_t *, const int32_t *, int, int, uint16_t *, uint16_t *, int, const uint8_t *, int,
                  const float *, float *, int (*)(void));
static int (*logits)(void *, const float *, int, float *);

static uint32_t seed;
static int any(int n) { return (int)((seed = seed * 1664525 + 1013904223) >> 16) % n; }

static void must(int is_so, const char *what) {
    if (is_so) return;
    printf("failed: %s\n", what);
    exit(1);
}

static void find_all(const char *path) {
    void *library = OPEN(path);
    must(library != NULL, "loading the library");
#define FOUND(function, name) must((*(void **)&function = FIND(library, name)) != NULL, name)
    FOUND(name_of, "fim_kernels"), FOUND(agree, "fim_agree"), FOUND(new_model, "fim_new"), FOUND(free_model, "fim_free");
    FOUND(set_matrix, "fim_set_matrix"), FOUND(set_vector, "fim_set_vector"), FOUND(run, "fim_run"), FOUND(logits, "fim_logits");
    char name[64] = "kernels_plain";
    const void *plain = FIND(library, name);
    for (int n = 0; name_of(n); n++) {
        snprintf(name, sizeof name, "kernels_%s", name_of(n));
        must(agree(FIND(library, name), plain), name);
    }
}

static void random_matrix(void *model, int n, int bits, int rows, int cols) {
    int8_t *weight = malloc((size_t)rows * cols);
    float *scale = malloc((size_t)rows * sizeof *scale);
    for (int i = 0; i < rows * cols; i++) weight[i] = (int8_t)(any(255) - 127);
    for (int i = 0; i < rows; i++) scale[i] = 0.001f + (float)any(100) * 1e-5f;
    must(set_matrix(model, n, bits, rows, cols, 0, weight, scale, NULL), "a matrix");
    free(weight), free(scale);
}

static void *random_model(const char *kernels, int bits, int threads) {
    const Shape shape = {LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, HEAD, HEAD, CAPACITY, CAPACITY, 1, 0, 0, GATED_SILU, threads, 1e-6f, 1, 0.25f};
    double turns[HEAD / 2];
    for (int i = 0; i < HEAD / 2; i++) turns[i] = 1.0 / (1 + i * i);
    void *model = new_model(&shape, kernels, turns);
    must(model != NULL, "a model");
    seed = 1;
    float norm[HIDDEN];
    for (int i = 0; i < HIDDEN; i++) norm[i] = 0.5f + (float)i / HIDDEN;
    for (int n = 0; n < LAYERS * VECTORS_OF_LAYER; n++)
        if (n % VECTORS_OF_LAYER < 2) must(set_vector(model, n, HIDDEN, norm), "a norm"); /* before and between */
    must(set_vector(model, LAYERS * VECTORS_OF_LAYER, HIDDEN, norm), "the last norm");
    for (int layer = 0; layer < LAYERS; layer++) {
        random_matrix(model, layer * 4, bits, QKV_ROWS, HIDDEN), random_matrix(model, layer * 4 + 1, bits, HIDDEN, HEADS * HEAD);
        random_matrix(model, layer * 4 + 2, bits, 2 * INNER, HIDDEN), random_matrix(model, layer * 4 + 3, bits, HIDDEN, INNER);
    }
    random_matrix(model, LAYERS * 4, 8, VOCAB, HIDDEN);
    return model;
}

/* Read TOKENS tokens, `piece` at a time, and write their logits. */
static void answer(const char *kernels, int bits, int threads, int piece, float *to) {
    static uint16_t keys[KEYS], values[KEYS];
    static float hidden[TOKENS * HIDDEN];
    int32_t ids[TOKENS], positions[TOKENS];
    void *model = random_model(kernels, bits, threads);
    for (int i = 0; i < TOKENS; i++) ids[i] = any(VOCAB), positions[i] = i;
    for (int at = 0; at < TOKENS; at += piece) {
        const int n = piece < TOKENS - at ? piece : TOKENS - at;
        must(run(model, ids + at, positions + at, n, at, keys, values, CAPACITY, NULL, 1, NULL, hidden + at * HIDDEN, NULL), "a pass");
    }
    must(logits(model, hidden, TOKENS, to), "logits");
    free_model(model);
}

static int is_near(const float *found, const float *expected) {
    double apart = 0, size = 0;
    for (int i = 0; i < TOKENS * VOCAB; i++) apart += fabs(found[i] - expected[i]), size += fabs(expected[i]);
    return size > 0 && apart < 0.01 * size;
}

int main(int count, char **words) {
    static float plain[TOKENS * VOCAB], whole[TOKENS * VOCAB], pieces[TOKENS * VOCAB];
    must(count == 2, "run_engine LIBRARY");
    find_all(words[1]);
    for (int n = 0; name_of(n); n++)
        for (int bits = 4; bits <= 8; bits += 4) {
            answer("plain", bits, 1, TOKENS, plain), answer(name_of(n), bits, 3, TOKENS, whole);
            must(is_near(whole, plain), name_of(n));
            for (int piece = 1; piece < TOKENS; piece = piece * 3 + 1) {
                answer(name_of(n), bits, 2, piece, pieces);
                must(!memcmp(pieces, whole, sizeof whole), "the same bits in pieces");
            }
        }
    for (int n = 0; name_of(n); n++) printf("%s ", name_of(n));
    printf("agree\n");
    return 0;
}
