/* The decoder's and the infiller's layers in C: what engine.c drives and kernels.c computes. */
#pragma once
#include <stdint.h>

#define LANES 16 /* rows of a matrix that stand side by side in one 64-byte line of it */
#define UNIT 32  /* rows of a matrix in one piece of work */
#define STEP 64   /* what the columns of a matrix are a multiple of */
#define GROUP 256 /* neighbouring activations that share one scale; the last of a row may be fewer, whole STEPs */
#define GROUPS(cols) (((cols) + GROUP - 1) / GROUP)
#define PART 32  /* neighbouring weights of 4 bits that share one whole number */

/* Weights [rows, cols] of 8 or 4 bits, rows padded to UNIT with zeros, cols a multiple of STEP. UNIT rows lie together:
   of four columns LANES rows fill one line of 64 bytes and the others the next, each byte weight + 128, so that a dot
   product of four runs down every lane. Of 4 bits a line has eight columns: the low halves of its bytes are the first
   four, level + 8, the high ones the others. A level times its PART's whole number is a weight of 8 bits, so both kinds
   have one scale a row (as in QServe, arXiv 2405.04532) and a prompt is read by one product. */
typedef struct {
    int rows, cols, bits;
    const uint8_t *data;
    const uint8_t *times; /* 4 bits: [rows / UNIT, cols / PART, UNIT], 1 … 15; 8 bits: NULL */
    const float *scale;   /* [rows] */
    const float *bias;    /* [rows] or NULL */
    int is_own;           /* times, scale and bias were taken here; else all belongs to the caller */
} Matrix;

/* Activations [tokens, cols] in int8: one scale of each GROUP, one sum of each PART. */
typedef struct {
    int cols;
    int8_t *values;
    float *scales;
    int32_t *sums;
} Quantised;

/* y = out, y += out; y = act(gate) * up of interleaved rows; y = act(out). GELU by tanh, or exact by the error function
   (arXiv 1606.08415). */
typedef enum { STORE, ADD, GATED_SILU, GATED_GELU, GATED_GELU_EXACT, SILU, GELU, GELU_EXACT } Finish;
#define IS_GATED(finish) ((finish) >= GATED_SILU && (finish) < SILU)

typedef struct {
    int heads, kv_heads, head_dim;
    int tokens, start, seen, capacity, stride;
    const float *qkv;       /* [tokens, stride], queries turned and first */
    const uint16_t *keys;   /* half floats [kv_heads, capacity / LANES, head_dim, LANES] */
    const uint16_t *values; /* half floats [kv_heads, capacity, head_dim] */
    const uint8_t *mask;    /* [tokens, seen] or NULL */
    int is_causal, window;  /* a causal token sees itself and window - 1 before it */
    float factor;           /* of a query's product with a key */
    float *out; /* [tokens, heads head_dim] */
} Attention;

/* y = norm of x; RMSNorm has no bias. */
typedef void (*Normalise)(const float *x, const float *weight, const float *bias, float eps, int cols, float *y);

/* One instruction set's kernels. */
typedef struct {
    const char *name;
    int query_rows; /* rows of queries that attend together */
    void (*multiply)(const Matrix *w, int unit, const Quantised *x, int tokens, Finish finish, float *y, int stride,
                     float *scratch); /* [tokens, UNIT] */
    void (*attend)(const Attention *a, int kv_head, int tile, float *scores);
    Normalise normalise, centre; /* RMSNorm, LayerNorm */
    void (*quantise)(const float *x, int token, const Quantised *into);
    void (*gate)(const float *gates, int inner, float *y); /* GATED_SILU of what was stored */
    void (*turn)(float *x, const float *cos, const float *sin, int rotary);
    void (*keep)(const float *key, const float *value, int at, int head_dim, uint16_t *keys, uint16_t *values);
} Kernels;
