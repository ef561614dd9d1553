/* A decoder's forward pass for processors: weights and buffers of a model, a pool of threads, one layer after another.

   Called by layers.py through ctypes. One thread at a time may run a model. */
#include "engine.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

/* ---- which instruction set ---- */

extern const Kernels kernels_plain;
#ifdef HAS_TILES_IN_C
extern const Kernels kernels_tiles_in_c;
#endif
#if defined(__x86_64__)
#include "processor.h"
extern const Kernels kernels_avx2, kernels_avx512;
#ifdef HAS_AVXVNNI
extern const Kernels kernels_avxvnni;
#endif
#ifdef HAS_AMX
extern const Kernels kernels_amx;
#endif
#elif defined(HAS_DOTPROD)
#include "processor.h"
extern const Kernels kernels_dotprod;
#ifdef HAS_I8MM
extern const Kernels kernels_i8mm;
#endif
#endif

#define SETS 6

/* True when both sets give the same numbers for a small product of 4 and of 8 bits: asked of what seldom is at hand. */
int fim_agree(const Kernels *one, const Kernels *other) {
    enum { COLS = 2 * GROUP + STEP, COUNT = 19 };
    static uint8_t data[UNIT * COLS], times[UNIT * COLS / PART];
    static int8_t values[COUNT * COLS];
    static float ones[UNIT], scales[COUNT * GROUPS(COLS)], y[2][COUNT * UNIT], scratch[COUNT * UNIT];
    static int32_t sums[COUNT * COLS / PART];
    uint32_t seed = 1;
#define RANDOM(n) (int)((seed = seed * 1664525 + 1013904223) >> 16) % (n)
    memset(sums, 0, sizeof sums);
    for (int i = 0; i < UNIT * COLS; i++) data[i] = (uint8_t)(1 + RANDOM(255));
    for (int i = 0; i < UNIT * COLS / PART; i++) times[i] = (uint8_t)(1 + RANDOM(15));
    for (int i = 0; i < COUNT * COLS; i++) sums[i / PART] += values[i] = (int8_t)(RANDOM(255) - 127);
    for (int i = 0; i < UNIT; i++) ones[i] = 0.5f + (float)i;
    for (int i = 0; i < COUNT * GROUPS(COLS); i++) scales[i] = 0.25f + (float)i / 16;
    const Quantised x = {COLS, values, scales, sums};
    for (int bits = 4; bits <= 8; bits += 4) {
        const Matrix w = {UNIT, COLS, bits, data, bits == 4 ? times : NULL, ones, NULL, 0};
        one->multiply(&w, 0, &x, COUNT, STORE, y[0], UNIT, scratch);
        other->multiply(&w, 0, &x, COUNT, STORE, y[1], UNIT, scratch);
        if (memcmp(y[0], y[1], sizeof y[0])) return 0;
    }
    return 1;
}

static int list(const Kernels **found) {
    int n = 0;
#if defined(__x86_64__)
    if (has_avx512()) {
#ifdef HAS_AMX
        static int amx = -1; /* asked once */
        if (amx < 0) amx = has_amx() && fim_agree(&kernels_amx, &kernels_avx512);
        if (amx) found[n++] = &kernels_amx;
#endif
        found[n++] = &kernels_avx512;
    }
    if (has_avx2()) {
#ifdef HAS_AVXVNNI
        if (has_avxvnni()) found[n++] = &kernels_avxvnni;
#endif
        found[n++] = &kernels_avx2;
    }
#elif defined(HAS_DOTPROD)
#ifdef HAS_I8MM
    if (has_i8mm()) found[n++] = &kernels_i8mm;
#endif
    if (has_dotprod()) found[n++] = &kernels_dotprod;
#endif
    found[n++] = &kernels_plain;
#ifdef HAS_TILES_IN_C
    found[n++] = &kernels_tiles_in_c;
#endif
    return n;
}

/* The name of the instruction sets this processor can run, best first; NULL past the last. */
const char *fim_kernels(int n) {
    const Kernels *found[SETS];
    return n < list(found) ? found[n]->name : NULL;
}

/* ---- threads ----
   A job is cut into pieces which whoever is free takes. The caller waits for the pieces, never for the threads: one that
   another program keeps off its core holds nobody up. Who finds nothing to do spins a little, then sleeps. */

#define SPINS 4000

typedef void (*Piece)(void *context, int piece, int thread);

typedef struct {
    int threads;
    pthread_t *ids;
    Piece run;
    void *context;
    int each;                /* pieces taken at once */
    _Atomic uint64_t ticket; /* job number << 40 | pieces << 20 | next piece */
    _Atomic int done, sleeping, leaving;
    pthread_mutex_t lock;
    pthread_cond_t work;
} Pool;

static void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#define PIECES(ticket) ((int)((ticket) >> 20 & 0xfffff))
#define NEXT(ticket) ((int)((ticket) & 0xfffff))

static int take(Pool *pool, int thread) {
    uint64_t ticket = atomic_load(&pool->ticket);
    if (NEXT(ticket) >= PIECES(ticket)) return 0;
    const int each = pool->each;
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + (uint64_t)each)) return 1;
    const int first = NEXT(ticket), last = first + each < PIECES(ticket) ? first + each : PIECES(ticket);
    for (int piece = first; piece < last; piece++) pool->run(pool->context, piece, thread);
    atomic_fetch_add(&pool->done, last - first);
    return 1;
}

typedef struct {
    Pool *pool;
    int thread;
} Worker;

static void *work(void *argument) {
    Worker *self = argument;
    Pool *pool = self->pool;
    const int thread = self->thread;
    free(self);
    int idle = 0;
    while (!atomic_load(&pool->leaving)) {
        if (take(pool, thread)) {
            idle = 0;
        } else if (++idle < SPINS) {
            rest();
        } else {
            pthread_mutex_lock(&pool->lock);
            atomic_fetch_add(&pool->sleeping, 1);
            uint64_t ticket = atomic_load(&pool->ticket);
            if (NEXT(ticket) >= PIECES(ticket) && !atomic_load(&pool->leaving)) pthread_cond_wait(&pool->work, &pool->lock);
            atomic_fetch_sub(&pool->sleeping, 1);
            pthread_mutex_unlock(&pool->lock);
            idle = 0;
        }
    }
    return NULL;
}

/* Run all pieces of a job; returns when they are done. */
static void share(Pool *pool, Piece run, void *context, int pieces) {
    if (pieces == 1 || pool->threads == 1) {
        for (int piece = 0; piece < pieces; piece++) run(context, piece, 0);
        return;
    }
    pool->run = run, pool->context = context;
    pool->each = pieces / (pool->threads * 8) > 0 ? pieces / (pool->threads * 8) : 1;
    atomic_store(&pool->done, 0);
    const uint64_t job = atomic_load(&pool->ticket) >> 40;
    atomic_store(&pool->ticket, (job + 1) << 40 | (uint64_t)pieces << 20);
    if (atomic_load(&pool->sleeping)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->lock);
    }
    while (take(pool, 0)) {}
    for (int spins = 0; atomic_load(&pool->done) < pieces; spins++) spins < SPINS ? rest() : (void)sched_yield();
}

static int start(Pool *pool, int threads) {
    pthread_mutex_init(&pool->lock, NULL), pthread_cond_init(&pool->work, NULL);
    pool->ids = calloc((size_t)threads, sizeof *pool->ids);
    pool->threads = 1;
    if (!pool->ids) return 0;
    for (int n = 1; n < threads; n++) {
        Worker *worker = malloc(sizeof *worker);
        if (!worker) return 0;
        *worker = (Worker){pool, n};
        if (pthread_create(&pool->ids[n], NULL, work, worker)) return free(worker), 1; /* fewer will do */
        pool->threads = n + 1;
    }
    return 1;
}

static void stop(Pool *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->leaving, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int n = 1; n < pool->threads; n++) pthread_join(pool->ids[n], NULL);
    free(pool->ids);
}

/* ---- a model ---- */

/* What a model is, said once: a Llama is the least of it, rotary = head_dim, window = positions, the factors 1. */
typedef struct {
    int layers, hidden, inner, heads, kv_heads, head_dim;
    int rotary; /* numbers of a head that positions turn */
    int positions, window, is_tied;
    int is_centred;  /* LayerNorm in place of RMSNorm */
    int is_parallel; /* attention and feed-forward read the same x (as in GPT-J) */
    int activation;  /* a Finish */
    int threads;
    float eps, embedding_factor, attention_factor;
} Shape;

enum { QKV, OUT, GATE_UP, DOWN, OF_LAYER };                 /* the matrices of a layer */
enum { NORM_IN, NORM_MID, NORM_IN_BIAS, NORM_MID_BIAS, NORM_Q, NORM_K, VECTORS_OF_LAYER }; /* its vectors, or NULL */
enum { NORM, NORM_BIAS, VECTORS_BESIDE };                   /* and those after the last layer */
typedef enum { OF_SLOTS, OF_ALL, LOW_RANK_PARTS } Part;     /* whose rows a low-rank part belongs to */
#define SEGMENTS 8 /* of embedding and head, some rows each: a file that may be shipped does not hold either whole */

typedef struct {
    Shape shape;
    const Kernels *kernels;
    Pool pool;
    Matrix *matrices; /* of the layers, SEGMENTS of the embedding, of the head where it is not tied, the low-rank parts */
    void **slabs;     /* that hold the matrices */
    uint8_t *slab;    /* what is free of the last */
    size_t slab_left;
    int slab_count;
    Normalise normalise;
    float **vectors; /* of the layers, then the last */
    const float *learned; /* [positions, hidden], added to the embedding, or NULL; the caller's */
    float *cos, *sin; /* [positions, rotary / 2] */
    int room, beside; /* tokens the buffers hold, and those of low-rank parts */
    int is_adapted;   /* a low-rank part belongs to all rows */
    float *x, *y, *qkv, *mixed, *inner;
    float *gates, *low;          /* beside low-rank parts: gate and up before they meet, and what is between two factors */
    Quantised narrow, wide, few; /* of hidden (or all heads), of inner width, and of the low rank */
    float **scratch; /* of each thread: sums of a product */
    float **scores;  /* of each thread: of queries with keys */
    int seen;        /* keys they hold */
} Model;

/* Memory that begins at a line of the cache, or at a large page where the system has them: fewer misses of the address
   cache. It goes back by give_back alone. */
static void *take_memory(size_t bytes) {
    const size_t page = 2 << 20, at = bytes >= page ? page : 64;
#ifdef _WIN32
    return _aligned_malloc(bytes, at);
#else
    void *memory = NULL;
    if (posix_memalign(&memory, at, bytes)) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= page) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
#endif
}

static void give_back(void *memory) {
#ifdef _WIN32
    _aligned_free(memory);
#else
    free(memory);
#endif
}

/* Weights lie in slabs: most matrices are smaller than a large page, and together they fill some. */
#define SLAB ((size_t)32 << 20)

static uint8_t *take_weights(Model *m, size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    if (bytes > m->slab_left) {
        const size_t size = bytes > SLAB ? bytes : SLAB;
        void **slabs = realloc(m->slabs, (size_t)(m->slab_count + 1) * sizeof *slabs);
        if (!slabs) return NULL;
        m->slabs = slabs;
        if (!(m->slab = take_memory(size))) return NULL;
        m->slabs[m->slab_count++] = m->slab;
        m->slab_left = size;
    }
    uint8_t *memory = m->slab;
    m->slab += bytes, m->slab_left -= bytes;
    return memory;
}

static int quantised(Quantised *q, int tokens, int cols) {
    give_back(q->values), give_back(q->scales), give_back(q->sums);
    q->cols = cols;
    q->values = take_memory((size_t)tokens * cols);
    q->scales = take_memory((size_t)tokens * GROUPS(cols) * sizeof(float));
    q->sums = take_memory((size_t)tokens * (cols / PART) * sizeof(int32_t));
    return q->values && q->scales && q->sums;
}

static float *resized(float *old, size_t count) {
    give_back(old);
    return take_memory(count * sizeof(float));
}

static int attention_width(const Shape *s) { return s->heads * s->head_dim; }

static int most_matrices(const Shape *s) { return s->layers * OF_LAYER * (1 + 2 * LOW_RANK_PARTS) + 2 * SEGMENTS; }

/* The first of the two factors of a part that belong to a layer's n-th matrix; it has no rows where there are none. */
static const Matrix *low_rank(const Model *m, Part part, int n) {
    const int of_layers = m->shape.layers * OF_LAYER;
    return m->matrices + of_layers + 2 * SEGMENTS + 2 * (part * of_layers + n);
}

/* Make the buffers hold `tokens` tokens that look at `seen` keys. */
static int make_room(Model *m, int tokens, int seen) {
    const Shape *s = &m->shape;
    if (tokens > m->room) {
        const int qkv = m->matrices[QKV].rows;
        m->room = 0;
        m->x = resized(m->x, (size_t)tokens * s->hidden), m->y = resized(m->y, (size_t)tokens * s->hidden);
        m->qkv = resized(m->qkv, (size_t)tokens * qkv), m->mixed = resized(m->mixed, (size_t)tokens * attention_width(s));
        m->inner = resized(m->inner, (size_t)tokens * s->inner);
        const int most = attention_width(s) > s->hidden ? attention_width(s) : s->hidden;
        if (!m->x || !m->y || !m->qkv || !m->mixed || !m->inner) return 0;
        if (!quantised(&m->narrow, tokens, most) || !quantised(&m->wide, tokens, s->inner)) return 0;
        for (int n = 0; n < m->pool.threads; n++)
            if (!(m->scratch[n] = resized(m->scratch[n], (size_t)tokens * UNIT))) return 0;
        m->room = tokens;
    }
    if (seen > m->seen) {
        m->seen = 0;
        for (int n = 0; n < m->pool.threads; n++) {
            m->scores[n] = resized(m->scores[n], (size_t)m->kernels->query_rows * (seen + LANES));
            if (!m->scores[n]) return 0;
        }
        m->seen = seen;
    }
    return 1;
}

/* Make the buffers of low-rank parts hold `tokens`. */
static int make_room_beside(Model *m, int tokens) {
    if (tokens <= m->beside) return 1;
    int most = 0;
    for (int n = 0; n < m->shape.layers * OF_LAYER * LOW_RANK_PARTS; n++) {
        const int rows = low_rank(m, OF_SLOTS, n)->rows; /* the parts lie behind each other */
        if (rows > most) most = rows;
    }
    m->beside = 0;
    m->gates = resized(m->gates, (size_t)tokens * 2 * m->shape.inner), m->low = resized(m->low, (size_t)tokens * most);
    if (!m->gates || !m->low || !quantised(&m->few, tokens, most)) return 0;
    m->beside = tokens;
    return 1;
}

void fim_free(Model *m) {
    if (!m) return;
    if (m->pool.ids) stop(&m->pool);
    const int matrices = most_matrices(&m->shape), vectors = m->shape.layers * VECTORS_OF_LAYER + VECTORS_BESIDE;
    for (int n = 0; m->matrices && n < matrices; n++) {
        Matrix *w = &m->matrices[n];
        if (w->is_own) free((void *)w->times), free((void *)w->scale), free((void *)w->bias);
    }
    for (int n = 0; n < m->slab_count; n++) give_back(m->slabs[n]);
    for (int n = 0; m->vectors && n < vectors; n++) give_back(m->vectors[n]);
    for (int n = 0; m->scores && n < m->shape.threads; n++) give_back(m->scores[n]);
    for (int n = 0; m->scratch && n < m->shape.threads; n++) give_back(m->scratch[n]);
    free(m->slabs), free(m->matrices), free(m->vectors), free(m->scores), free(m->scratch);
    give_back(m->cos), give_back(m->sin);
    give_back(m->x), give_back(m->y), give_back(m->qkv), give_back(m->mixed), give_back(m->inner);
    give_back(m->narrow.values), give_back(m->narrow.scales), give_back(m->narrow.sums);
    give_back(m->wide.values), give_back(m->wide.scales), give_back(m->wide.sums);
    give_back(m->few.values), give_back(m->few.scales), give_back(m->few.sums);
    give_back(m->gates), give_back(m->low);
    free(m);
}

/* Return a model without weights, run by the named kernels; NULL when memory or the kernels are lacking.
   `turns`: by how much a position turns each pair of a head, in radians [rotary / 2]. */
Model *fim_new(const Shape *shape, const char *kernels, const double *turns) {
    Model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->shape = *shape;
    const Kernels *found[SETS];
    for (int n = list(found) - 1; n >= 0; n--)
        if (!strcmp(found[n]->name, kernels)) m->kernels = found[n];
    const int pairs = shape->rotary / 2;
    const size_t angles = (size_t)shape->positions * pairs + 1;
    m->matrices = calloc((size_t)most_matrices(shape), sizeof *m->matrices);
    m->vectors = calloc((size_t)shape->layers * VECTORS_OF_LAYER + VECTORS_BESIDE, sizeof *m->vectors);
    m->scores = calloc((size_t)shape->threads, sizeof *m->scores);
    m->scratch = calloc((size_t)shape->threads, sizeof *m->scratch);
    m->cos = take_memory(angles * sizeof(float)), m->sin = take_memory(angles * sizeof(float));
    if (!m->kernels || !m->matrices || !m->vectors || !m->scores || !m->scratch || !m->cos || !m->sin || !start(&m->pool, shape->threads))
        return fim_free(m), NULL;
    m->normalise = shape->is_centred ? m->kernels->centre : m->kernels->normalise;
    for (int i = 0; i < pairs; i++) {
        for (int at = 0; at < shape->positions; at++) {
            m->cos[(size_t)at * pairs + i] = (float)cos(at * turns[i]);
            m->sin[(size_t)at * pairs + i] = (float)sin(at * turns[i]);
        }
    }
    return m;
}

typedef enum { INT8, FLOAT32, FLOAT16, BFLOAT16 } Kind; /* of a checkpoint's numbers */

typedef struct {
    const Matrix *to;
    const void *from;
    const float *scale; /* of int8 rows */
    Kind kind;
    int rows;
} Packing;

static float half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff;
    uint32_t bits = rest >= 0x7c00 ? 0x7f800000 | (rest & 0x3ff) << 13 : (rest << 13) + (112u << 23);
    float f = (float)rest * 0x1p-24f; /* what is below the least power of two */
    if (rest >= 0x400) memcpy(&f, &bits, 4);
    memcpy(&bits, &f, 4);
    bits |= sign;
    memcpy(&f, &bits, 4);
    return f;
}

static float number(const Packing *p, int row, int col) {
    const size_t at = (size_t)row * p->to->cols + col;
    if (row >= p->rows) return 0;
    if (p->kind == FLOAT32) return ((const float *)p->from)[at];
    if (p->kind == FLOAT16) return half_to_float(((const uint16_t *)p->from)[at]);
    if (p->kind == INT8) return (float)((const int8_t *)p->from)[at] * p->scale[row];
    const uint32_t bits = (uint32_t)((const uint16_t *)p->from)[at] << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static int rounded(float x, int low, int high) {
    const int n = (int)lrintf(x);
    return n < low ? low : n > high ? high : n;
}

static void pack_8(const Packing *p, int row, uint8_t *to) {
    const int cols = p->to->cols;
    float *scale = (float *)p->to->scale + row;
    if (p->kind == INT8) {
        const int8_t *from = (const int8_t *)p->from + (size_t)row * cols;
        for (int k = 0; k < cols; k += 4)
            for (int i = 0; i < 4; i++) to[(size_t)k * UNIT + i] = (uint8_t)((row < p->rows ? from[k + i] : 0) + 128);
        *scale = row < p->rows ? p->scale[row] : 0;
        return;
    }
    float most = 1e-30f;
    for (int k = 0; k < cols; k++) most = fmaxf(most, fabsf(number(p, row, k)));
    for (int k = 0; k < cols; k++) to[(size_t)(k / 4) * 4 * UNIT + k % 4] = (uint8_t)(rounded(number(p, row, k) * (127 / most), -127, 127) + 128);
    *scale = most / 127;
}

static float furthest(const Packing *p, int row, int part) {
    float most = 0;
    for (int k = part * PART; k < (part + 1) * PART; k++) most = fmaxf(most, fabsf(number(p, row, k)));
    return most;
}

/* Without calibration: a part's furthest weight becomes about 7.5 levels, the row's furthest part 15 steps. */
static void pack_4(const Packing *p, int row, uint8_t *to) {
    const int parts = p->to->cols / PART;
    float most = 1e-30f;
    for (int part = 0; part < parts; part++) most = fmaxf(most, furthest(p, row, part));
    const float step = most / 7.5f / 15;
    ((float *)p->to->scale)[row] = step;
    for (int part = 0; part < parts; part++) {
        const int times = rounded(furthest(p, row, part) / 7.5f / step, 1, 15);
        ((uint8_t *)p->to->times)[((size_t)(row / UNIT) * parts + part) * UNIT + row % UNIT] = (uint8_t)times;
        const float inverse = 1 / (step * (float)times);
        for (int k = part * PART; k < (part + 1) * PART; k++) {
            uint8_t *byte = to + (size_t)(k / 8) * 4 * UNIT + k % 4;
            const uint8_t bits = (uint8_t)(rounded(number(p, row, k) * inverse, -8, 7) + 8);
            *byte = k / 4 % 2 ? (uint8_t)(*byte | bits << 4) : bits;
        }
    }
}

static void pack(void *context, int unit, int thread) {
    const Packing *p = context;
    uint8_t *to = (uint8_t *)p->to->data + (size_t)unit * UNIT * p->to->cols * p->to->bits / 8;
    (void)thread;
    for (int row = 0; row < UNIT; row++) (p->to->bits == 4 ? pack_4 : pack_8)(p, unit * UNIT + row, to + row * 4);
}

/* Give a model its n-th matrix [rows, cols] of a kind, with the scales of int8 rows and maybe a bias, to be kept in 8 or
   4 bits; 0 when there is no memory. */
int fim_set_matrix(Model *m, int n, int bits, int rows, int cols, Kind kind, const void *weight, const float *scale,
                   const float *bias) {
    const int padded = (rows + UNIT - 1) / UNIT * UNIT;
    uint8_t *data = take_weights(m, (size_t)padded * cols * bits / 8);
    uint8_t *times = bits == 4 ? calloc((size_t)padded * (cols / PART), 1) : NULL;
    float *scales = calloc((size_t)padded, sizeof(float)), *biases = bias ? calloc((size_t)padded, sizeof(float)) : NULL;
    if (!data || !scales || (bits == 4 && !times) || (bias && !biases)) return free(times), free(scales), free(biases), 0;
    if (bias) memcpy(biases, bias, (size_t)rows * sizeof(float));
    m->matrices[n] = (Matrix){padded, cols, bits, data, times, scales, biases, 1};
    m->is_adapted |= m->matrices + n >= low_rank(m, OF_ALL, 0);
    share(&m->pool, pack, &(Packing){&m->matrices[n], weight, scale, kind, rows}, padded / UNIT);
    return 1;
}

/* Let a model read its n-th matrix where it lies, in the layout of engine.h; it must stay there. */
int fim_use_matrix(Model *m, int n, int bits, int rows, int cols, const uint8_t *data, const uint8_t *times,
                   const float *scale, const float *bias) {
    m->matrices[n] = (Matrix){rows, cols, bits, data, times, scale, bias, 0};
    return 1;
}

/* Give a model its n-th vector, the weight or bias of a norm. */
int fim_set_vector(Model *m, int n, int count, const float *values) {
    m->vectors[n] = resized(NULL, (size_t)count);
    if (m->vectors[n]) memcpy(m->vectors[n], values, (size_t)count * sizeof(float));
    return m->vectors[n] != NULL;
}

/* Let a model add float [positions, hidden] to its embeddings; they must stay where they are. */
int fim_use_positions(Model *m, const float *learned) {
    m->learned = learned;
    return 1;
}

/* ---- the forward pass ---- */

typedef struct {
    Model *m;
    const Matrix *w;
    const Quantised *x;
    int tokens, stride;
    Finish finish;
    float *y;
} Product;

static void one_product(void *context, int unit, int thread) {
    const Product *p = context;
    p->m->kernels->multiply(p->w, unit, p->x, p->tokens, p->finish, p->y, p->stride, p->m->scratch[thread]);
}

static void product(Model *m, const Matrix *w, const Quantised *x, int tokens, Finish finish, float *y, int stride) {
    share(&m->pool, one_product, &(Product){m, w, x, tokens, stride, finish, y}, w->rows / UNIT);
}

typedef struct {
    Model *m;
    const float *x, *norm, *bias; /* norm: NULL to leave x as it is */
    const Quantised *into;
} Rounding;

static void one_rounding(void *context, int token, int thread) {
    const Rounding *r = context;
    const float *x = r->x + (size_t)token * r->into->cols;
    (void)thread;
    if (r->norm) {
        float *y = r->m->y + (size_t)token * r->into->cols;
        r->m->normalise(x, r->norm, r->bias, r->m->shape.eps, r->into->cols, y);
        x = y;
    }
    r->m->kernels->quantise(x, token, r->into);
}

static void rounding(Model *m, const float *x, const float *norm, const float *bias, Quantised *into, int cols, int tokens) {
    into->cols = cols;
    share(&m->pool, one_rounding, &(Rounding){m, x, norm, bias, into}, tokens);
}

typedef struct {
    Model *m;
    const int32_t *positions;
    int at, stride, capacity;
    const float *norm_q, *norm_k; /* of each head (as in Qwen3), or NULL */
    uint16_t *keys, *values;
} Turning;

static void one_turning(void *context, int token, int thread) {
    const Turning *t = context;
    const Shape *s = &t->m->shape;
    const int d = s->head_dim;
    const size_t angle = (size_t)t->positions[token] * (s->rotary / 2);
    float *qkv = t->m->qkv + (size_t)token * t->stride;
    (void)thread;
    for (int head = 0; t->norm_q && head < s->heads + s->kv_heads; head++)
        t->m->kernels->normalise(qkv + head * d, head < s->heads ? t->norm_q : t->norm_k, NULL, s->eps, d, qkv + head * d);
    for (int head = 0; head < s->heads + s->kv_heads; head++)
        t->m->kernels->turn(qkv + head * d, t->m->cos + angle, t->m->sin + angle, s->rotary);
    for (int head = 0; head < s->kv_heads; head++) {
        const size_t of_head = (size_t)head * t->capacity * d;
        const float *key = qkv + (s->heads + head) * d, *value = key + s->kv_heads * d;
        t->m->kernels->keep(key, value, t->at + token, d, t->keys + of_head, t->values + of_head);
    }
}

typedef struct {
    Model *m;
    const Attention *a;
    int tiles;
} Attending;

static void one_attention(void *context, int piece, int thread) {
    const Attending *at = context;
    at->m->kernels->attend(at->a, piece / at->tiles, piece % at->tiles, at->m->scores[thread]);
}

/* Write the embedding float [hidden] of a token at a position. */
static void embed(const Model *m, int row, int position, float *x) {
    const Matrix *w = &m->matrices[m->shape.layers * OF_LAYER];
    for (; row >= w->rows; w++) row -= w->rows;
    const uint8_t *from = w->data + (size_t)(row / UNIT) * UNIT * w->cols + row % UNIT * 4;
    const float step = w->scale[row] * m->shape.embedding_factor;
    const float *learned = m->learned ? m->learned + (size_t)position * w->cols : NULL;
    for (int i = 0; i < w->cols; i++) x[i] = (float)(from[(size_t)(i / 4) * 4 * UNIT + i % 4] - 128) * step;
    for (int i = 0; learned && i < w->cols; i++) x[i] += learned[i];
}

/* y += second · first · x for the rows that a part belongs to, whose x is quantised already. */
static void add_low_rank(Model *m, Part part, int n, const Quantised *x, int tokens, float *y, int stride) {
    const Matrix *first = low_rank(m, part, n), *second = first + 1;
    if (!first->rows) return;
    product(m, first, x, tokens, STORE, m->low, first->rows);
    rounding(m, m->low, NULL, NULL, &m->few, second->cols, tokens);
    product(m, second, &m->few, tokens, ADD, y, stride);
}

static void add_beside(Model *m, int are_slots, int n, const Quantised *x, int tokens, float *y, int stride) {
    add_low_rank(m, OF_ALL, n, x, tokens, y, stride);
    if (are_slots) add_low_rank(m, OF_SLOTS, n, x, tokens, y, stride);
}

static void one_gating(void *context, int token, int thread) {
    Model *m = context;
    (void)thread;
    m->kernels->gate(m->gates + (size_t)token * 2 * m->shape.inner, m->shape.inner, m->inner + (size_t)token * m->shape.inner);
}

/* Write what a layer's feed-forward has inside; attention may still be on its way to x. */
static void feed(Model *m, int layer, int n, int are_slots) {
    const Shape *s = &m->shape;
    const Matrix *w = m->matrices + layer * OF_LAYER;
    float **v = m->vectors + layer * VECTORS_OF_LAYER;
    rounding(m, m->x, v[NORM_MID], v[NORM_MID_BIAS], &m->narrow, s->hidden, n);
    if (!are_slots && !low_rank(m, OF_ALL, layer * OF_LAYER + GATE_UP)->rows) {
        product(m, &w[GATE_UP], &m->narrow, n, (Finish)s->activation, m->inner, s->inner);
        return;
    }
    product(m, &w[GATE_UP], &m->narrow, n, STORE, m->gates, 2 * s->inner);
    add_beside(m, are_slots, layer * OF_LAYER + GATE_UP, &m->narrow, n, m->gates, 2 * s->inner);
    share(&m->pool, one_gating, m, n);
}

/* Write hidden states float [n, hidden] of tokens whose keys and values go to places start … of the cache.

   keys, values: half floats [layers, kv_heads, capacity × head_dim]. mask: bytes [n, start + n], true where a token may
   look, or NULL: then each looks at all (is_causal 0) or at those before it. unknown: NULL, or float [hidden], and then
   the tokens are slots, which a low-rank part belongs to: one below 0 is not known and comes in as that vector. Low-rank
   parts stand beside GATED_SILU models alone.
   is_over: asked before each layer, or NULL. Returns 0 when there is no memory, 2 when it was over before the end. */
int fim_run(Model *m, const int32_t *ids, const int32_t *positions, int n, int start, uint16_t *keys, uint16_t *values,
            int capacity, const uint8_t *mask, int is_causal, const float *unknown, float *hidden, int (*is_over)(void)) {
    const Shape *s = &m->shape;
    const int width = attention_width(s), stride = m->matrices[QKV].rows;
    const size_t of_layer = (size_t)s->kv_heads * capacity * s->head_dim;
    const int are_slots = unknown != NULL;
    if (!make_room(m, n, start + n) || ((unknown || m->is_adapted) && !make_room_beside(m, n))) return 0;
    for (int token = 0; token < n; token++) {
        float *x = m->x + (size_t)token * s->hidden;
        if (ids[token] < 0) memcpy(x, unknown, (size_t)s->hidden * sizeof *x);
        else embed(m, ids[token], positions[token], x);
    }
    for (int layer = 0; layer < s->layers; layer++, keys += of_layer, values += of_layer) {
        if (is_over && is_over()) return 2;
        const Matrix *w = m->matrices + layer * OF_LAYER;
        float **v = m->vectors + layer * VECTORS_OF_LAYER;
        rounding(m, m->x, v[NORM_IN], v[NORM_IN_BIAS], &m->narrow, s->hidden, n);
        product(m, &w[QKV], &m->narrow, n, STORE, m->qkv, stride);
        add_beside(m, are_slots, layer * OF_LAYER + QKV, &m->narrow, n, m->qkv, stride);
        share(&m->pool, one_turning, &(Turning){m, positions, start, stride, capacity, v[NORM_Q], v[NORM_K], keys, values}, n);
        const Attention attention = {s->heads, s->kv_heads, s->head_dim, n, start, start + n, capacity, stride, m->qkv,
                                     keys, values, mask, is_causal, s->window, s->attention_factor, m->mixed};
        const int rows = n * (s->heads / s->kv_heads), tiles = (rows + m->kernels->query_rows - 1) / m->kernels->query_rows;
        share(&m->pool, one_attention, &(Attending){m, &attention, tiles}, tiles * s->kv_heads);
        if (s->is_parallel) feed(m, layer, n, are_slots);
        rounding(m, m->mixed, NULL, NULL, &m->narrow, width, n);
        product(m, &w[OUT], &m->narrow, n, ADD, m->x, s->hidden);
        add_beside(m, are_slots, layer * OF_LAYER + OUT, &m->narrow, n, m->x, s->hidden);
        if (!s->is_parallel) feed(m, layer, n, are_slots);
        rounding(m, m->inner, NULL, NULL, &m->wide, s->inner, n);
        product(m, &w[DOWN], &m->wide, n, ADD, m->x, s->hidden);
        add_beside(m, are_slots, layer * OF_LAYER + DOWN, &m->wide, n, m->x, s->hidden);
    }
    memcpy(hidden, m->x, (size_t)n * s->hidden * sizeof(float));
    return 1;
}

/* Write logits float [n, vocab padded to UNIT] for hidden states [n, hidden]. */
int fim_logits(Model *m, const float *hidden, int n, float *logits) {
    const Shape *s = &m->shape;
    const Matrix *head = &m->matrices[s->layers * OF_LAYER + (s->is_tied ? 0 : SEGMENTS)];
    int rows = 0;
    if (!make_room(m, n, 1)) return 0;
    float **last = m->vectors + s->layers * VECTORS_OF_LAYER;
    rounding(m, hidden, last[NORM], last[NORM_BIAS], &m->narrow, s->hidden, n);
    for (int segment = 0; segment < SEGMENTS; segment++) rows += head[segment].rows;
    for (int segment = 0; segment < SEGMENTS; logits += head[segment++].rows)
        if (head[segment].rows) product(m, &head[segment], &m->narrow, n, STORE, logits, rows);
    return 1;
}
