/* The arithmetic, compiled once per instruction set (-DISA=name with its flags).

   Sums of int8 products are exact, and every token is computed in the same order whatever stands beside it: a
   prompt read at once, in pieces or token by token gives the same bits, and so does a draft that is verified. */
#include "engine.h"

#include <math.h>
#include <string.h>

typedef float floats __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int8_t bytes __attribute__((vector_size(LANES), aligned(1)));

#if defined(__AVX512VNNI__)
#include <immintrin.h>
#define OFFSET 128 /* vpdpbusd wants unsigned weights: what 128, or 8 of 4 bits, adds is taken off again */
#define TOKENS 6   /* tokens multiplied by one load of weights: 6 × 2 sums fill the registers */
#define BLOCKS 2
#define KEYS 2    /* blocks of keys, and of columns of values, that attention sums at once */
#define COLUMNS 4
typedef __m512i Line;
static inline Line line(const uint8_t *w) { return _mm512_loadu_si512(w); }
static inline Line half(const uint8_t *w, int is_high) {
    __m512i both = _mm512_loadu_si512(w);
    return _mm512_and_si512(is_high ? _mm512_srli_epi16(both, 4) : both, _mm512_set1_epi8(15));
}
static inline ints dot(ints sum, Line w, int32_t x) {
    return (ints)_mm512_dpbusd_epi32((__m512i)sum, w, _mm512_set1_epi32(x));
}
#elif defined(__AVXVNNI__)
#include <immintrin.h>
#define OFFSET 128
#define TOKENS 3
#define BLOCKS 1
#define KEYS 1
#define COLUMNS 2
typedef struct { __m256i low, high; } Line;
static inline Line line(const uint8_t *w) {
    return (Line){_mm256_loadu_si256((const __m256i *)w), _mm256_loadu_si256((const __m256i *)(w + 32))};
}
static inline Line half(const uint8_t *w, int is_high) {
    Line both = line(w);
    if (is_high) both.low = _mm256_srli_epi16(both.low, 4), both.high = _mm256_srli_epi16(both.high, 4);
    const __m256i mask = _mm256_set1_epi8(15);
    return (Line){_mm256_and_si256(both.low, mask), _mm256_and_si256(both.high, mask)};
}
static inline ints dot(ints sum, Line w, int32_t x4) {
    __m256i x = _mm256_set1_epi32(x4), parts[2];
    memcpy(parts, &sum, sizeof sum);
    parts[0] = _mm256_dpbusd_avx_epi32(parts[0], w.low, x), parts[1] = _mm256_dpbusd_avx_epi32(parts[1], w.high, x);
    memcpy(&sum, parts, sizeof sum);
    return sum;
}
#elif defined(__AVX2__)
#include <immintrin.h>
#define OFFSET 0
#define TOKENS 3
#define BLOCKS 1
#define KEYS 1
#define COLUMNS 2
typedef struct { __m256i low, high; } Line;
static inline Line line(const uint8_t *w) {
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    return (Line){_mm256_xor_si256(_mm256_loadu_si256((const __m256i *)w), flip),
                  _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(w + 32)), flip)};
}
static inline Line half(const uint8_t *w, int is_high) {
    __m256i part[2];
    for (int i = 0; i < 2; i++) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(w + 32 * i));
        part[i] = _mm256_and_si256(is_high ? _mm256_srli_epi16(both, 4) : both, _mm256_set1_epi8(15));
        part[i] = _mm256_sub_epi8(part[i], _mm256_set1_epi8(8));
    }
    return (Line){part[0], part[1]};
}
static inline __m256i dot8(__m256i w, __m256i x, __m256i size) {
    /* |x| ≤ 127 and |w| ≤ 127: two products fit 16 bits */
    return _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_sign_epi8(w, x)), _mm256_set1_epi16(1));
}
static inline ints dot(ints sum, Line w, int32_t x4) {
    __m256i x = _mm256_set1_epi32(x4), size = _mm256_abs_epi8(x), parts[2];
    parts[0] = dot8(w.low, x, size), parts[1] = dot8(w.high, x, size);
    ints more;
    memcpy(&more, parts, sizeof more);
    return sum + more;
}
#elif defined(__ARM_FEATURE_MATMUL_INT8)
#include <arm_neon.h>
#define OFFSET 128 /* usdot takes weights as they are stored */
#define TOKENS 3
#define BLOCKS 1
#define KEYS 1
#define COLUMNS 2
typedef struct { uint8x16_t part[4]; } Line;
static inline Line line(const uint8_t *w) {
    Line l;
    for (int i = 0; i < 4; i++) l.part[i] = vld1q_u8(w + 16 * i);
    return l;
}
static inline Line half(const uint8_t *w, int is_high) {
    Line l = line(w);
    for (int i = 0; i < 4; i++) l.part[i] = is_high ? vshrq_n_u8(l.part[i], 4) : vandq_u8(l.part[i], vdupq_n_u8(15));
    return l;
}
static inline ints dot(ints sum, Line w, int32_t x4) {
    int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(x4));
    int32x4_t parts[4];
    memcpy(parts, &sum, sizeof sum);
    for (int i = 0; i < 4; i++) parts[i] = vusdotq_s32(parts[i], w.part[i], x);
    memcpy(&sum, parts, sizeof sum);
    return sum;
}
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#define OFFSET 0
#define TOKENS 3
#define BLOCKS 1
#define KEYS 1
#define COLUMNS 2
typedef struct { int8x16_t part[4]; } Line;
static inline Line line(const uint8_t *w) {
    Line l;
    for (int i = 0; i < 4; i++) l.part[i] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w + 16 * i), vdupq_n_u8(0x80)));
    return l;
}
static inline Line half(const uint8_t *w, int is_high) {
    Line l;
    for (int i = 0; i < 4; i++) {
        uint8x16_t both = vld1q_u8(w + 16 * i);
        both = is_high ? vshrq_n_u8(both, 4) : vandq_u8(both, vdupq_n_u8(15));
        l.part[i] = vreinterpretq_s8_u8(vsubq_u8(both, vdupq_n_u8(8)));
    }
    return l;
}
static inline ints dot(ints sum, Line w, int32_t x4) {
    int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(x4));
    int32x4_t parts[4];
    memcpy(parts, &sum, sizeof sum);
    for (int i = 0; i < 4; i++) parts[i] = vdotq_s32(parts[i], w.part[i], x);
    memcpy(&sum, parts, sizeof sum);
    return sum;
}
#else
#define OFFSET 128
#define TOKENS 2
#define BLOCKS 1
#define KEYS 1
#define COLUMNS 2
typedef struct { uint8_t bytes[64]; } Line;
static inline Line line(const uint8_t *w) {
    Line l;
    memcpy(l.bytes, w, sizeof l.bytes);
    return l;
}
static inline Line half(const uint8_t *w, int is_high) {
    Line l;
    for (int i = 0; i < 64; i++) l.bytes[i] = is_high ? w[i] >> 4 : w[i] & 15;
    return l;
}
static inline ints dot(ints sum, Line w, int32_t x4) {
    int8_t x[4];
    memcpy(x, &x4, 4);
    for (int lane = 0; lane < LANES; lane++)
        for (int k = 0; k < 4; k++) sum[lane] += w.bytes[4 * lane + k] * x[k];
    return sum;
}
#endif

#define ALWAYS static inline __attribute__((always_inline))
#define JOIN(a, b) a##b
#define NAMED(a, b) JOIN(a, b)

/* Call with a count the compiler knows, so that it keeps that many sums in registers. */
#define WITH_CONSTANT(count, call) \
    switch (count) {               \
    case 1: call(1); break;        \
    case 2: call(2); break;        \
    OF_THREE(call)                 \
    OF_SIX(call)                   \
    }
#if TOKENS >= 3
#define OF_THREE(call) case 3: call(3); break;
#else
#define OF_THREE(call)
#endif
#if TOKENS >= 6
#define OF_SIX(call) case 4: call(4); break; case 5: call(5); break; case 6: call(6); break;
#else
#define OF_SIX(call)
#endif

/* x - 0 is x, whatever x is, and needs no instruction; x + 0 is not: of -0 it makes 0. */
ALWAYS floats splat(float x) { return x - (floats){}; }
ALWAYS floats load(const float *x) { return *(const floats *)x; }
ALWAYS void store(float *x, floats v) { *(floats *)x = v; }
ALWAYS int32_t four(const int8_t *x) {
    int32_t v;
    memcpy(&v, x, 4);
    return v;
}
#if defined(__AVX512F__)
ALWAYS floats larger(floats a, floats b) { return (floats)_mm512_max_ps((__m512)a, (__m512)b); }
#else
ALWAYS floats larger(floats a, floats b) {
    ints is = a > b;
    return (floats)(((ints)a & is) | ((ints)b & ~is));
}
#endif
/* Fold the lanes into one: halves upon halves, which processors do better than one lane after another. */
typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef int32_t eight_ints __attribute__((vector_size(32), aligned(4)));
ALWAYS float total(floats v) {
    eight half[2];
    memcpy(half, &v, sizeof v);
    eight sum = half[0] + half[1];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}
ALWAYS float largest(floats v) {
    eight half[2];
    memcpy(half, &v, sizeof v);
    eight_ints is = half[0] > half[1];
    eight most = (eight)(((eight_ints)half[0] & is) | ((eight_ints)half[1] & ~is));
    float low = most[0] > most[4] ? most[0] : most[4], high = most[1] > most[5] ? most[1] : most[5];
    for (int i = 2; i < 4; i++) {
        const float one = most[i] > most[i + 4] ? most[i] : most[i + 4];
        if (i == 2) low = one > low ? one : low;
        else high = one > high ? one : high;
    }
    return low > high ? low : high;
}

/* Half floats (IEEE 754 binary16): keys and values are kept in them. */
#if defined(__AVX512F__)
ALWAYS floats widen(const uint16_t *x) { return (floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x)); }
ALWAYS uint16_t narrow(float x) { return _cvtss_sh(x, 0); }
#elif defined(__F16C__)
ALWAYS floats widen(const uint16_t *x) {
    __m256 parts[2] = {_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x)),
                       _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + 8)))};
    floats v;
    memcpy(&v, parts, sizeof v);
    return v;
}
ALWAYS uint16_t narrow(float x) { return _cvtss_sh(x, 0); }
#elif defined(__aarch64__)
ALWAYS floats widen(const uint16_t *x) {
    floats v;
    for (int i = 0; i < LANES; i++) {
        __fp16 half;
        memcpy(&half, x + i, 2);
        v[i] = half;
    }
    return v;
}
ALWAYS uint16_t narrow(float x) {
    __fp16 half = x;
    uint16_t bits;
    memcpy(&bits, &half, 2);
    return bits;
}
#else
ALWAYS floats widen(const uint16_t *x) {
    floats v;
    for (int i = 0; i < LANES; i++) {
        uint32_t sign = (uint32_t)(x[i] & 0x8000) << 16, rest = x[i] & 0x7fff, bits;
        if (rest >= 0x7c00) bits = sign | 0x7f800000 | (rest & 0x3ff) << 13;
        else if (rest >= 0x400) bits = sign | ((rest << 13) + (112u << 23));
        else { /* subnormal: the number of 2^-24 */
            float small = (float)rest * 0x1p-24f;
            memcpy(&bits, &small, 4);
            bits |= sign;
        }
        float f;
        memcpy(&f, &bits, 4);
        v[i] = f;
    }
    return v;
}
ALWAYS uint16_t narrow(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest >= 0x7f800000) return (uint16_t)(sign | (rest > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (rest >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (rest < 0x38800000) { /* subnormal: round to the number of 2^-24 */
        float size;
        memcpy(&size, &rest, 4);
        return (uint16_t)(sign | (uint32_t)nearbyintf(size * 0x1p24f));
    }
    rest += 0xfff + (rest >> 13 & 1); /* to nearest, ties to even */
    return (uint16_t)(sign | (rest - (112u << 23)) >> 13);
}
#endif

/* e^x for x ≤ 88; below -87 it is 0. A power of two, times a polynomial of the rest (relative error < 2e-7). */
ALWAYS floats exponential(floats x) {
    const floats magic = splat(12582912.0f); /* 1.5 × 2^23: adding it rounds to a whole number */
    ints is_small = x < splat(-87.0f);
    floats scaled = x * splat(1.44269504f) + magic, whole = scaled - magic;
    floats r = x - whole * splat(0.693145752f) - whole * splat(1.42860677e-6f);
    floats p = splat(1.98756915e-4f);
    p = p * r + splat(1.39819995e-3f), p = p * r + splat(8.33345190e-3f), p = p * r + splat(4.16657962e-2f);
    p = p * r + splat(1.66666657e-1f), p = p * r + splat(0.5f);
    p = p * r * r + r + splat(1.0f);
    ints power = ((ints)scaled - (ints)magic + 127) << 23;
    return (floats)((ints)(p * (floats)power) & ~is_small);
}

#define STRETCH 512 /* columns whose weights of UNIT rows stay in the first cache for all tokens: whole GROUPs */
#define FEW 16 /* tokens for which levels of 4 bits are not unpacked: it would not pay */
#define OF_STRETCH (STRETCH * UNIT)
#define AHEAD 1024 /* bytes: a single token waits for weights alone, and the processor asks for too few by itself */

typedef uint8_t octets __attribute__((vector_size(64), aligned(1)));
typedef uint16_t shorts __attribute__((vector_size(64), aligned(1)));
typedef uint32_t words __attribute__((vector_size(64), aligned(1)));
typedef uint8_t lanes_of_bytes __attribute__((vector_size(LANES), aligned(1)));

ALWAYS words times_of(const Matrix *w, int unit, int part, int block) {
    const uint8_t *from = w->times + ((size_t)unit * (w->cols / PART) + part) * UNIT + block * LANES;
    return __builtin_convertvector(*(const lanes_of_bytes *)from, words);
}

/* Write some columns of a unit of 4 bits as a unit of 8, each weight + `offset`. Two levels of a byte pair are multiplied
   at once: the lower product is at most 15 × 15 and carries nothing into the upper. */
ALWAYS void unpack(const Matrix *w, int unit, int from_col, int to_col, const unsigned offset, uint8_t *to) {
    const uint8_t *from = w->data + ((size_t)unit * w->cols + from_col) * UNIT / 2;
    for (int part = from_col / PART; part < to_col / PART; part++)
        for (int block = 0; block < UNIT / LANES; block++) {
            const words times = times_of(w, unit, part, block);
            const shorts factors = (shorts)(times | times << 16);
            const words zero = (offset - 8 * times) & 255;
            const octets zeros = (octets)(zero | zero << 8 | zero << 16 | zero << 24);
            for (int k = 0; k < PART; k += 8) {
                const int at = part * PART - from_col + k;
                const uint8_t *at_line = from + (size_t)at / 8 * 4 * UNIT + block * 64;
                __builtin_prefetch(at_line + OF_STRETCH / 2); /* of the next stretch, while this one is multiplied */
                const octets both = *(const octets *)at_line;
                *(octets *)(to + (size_t)at * UNIT + block * 64) = (octets)((shorts)(both & 15) * factors) + zeros;
                *(octets *)(to + (size_t)(at + 4) * UNIT + block * 64) = (octets)(((shorts)both >> 4 & 0x0f0f) * factors) + zeros;
            }
        }
}

/* Add to `exact` what PART columns from `k` on give: whole numbers of `tokens` × BLOCKS lanes. */
ALWAYS void some_columns(const uint8_t *from, const int8_t *values, int cols, const int tokens, const int bits, ints (*exact)[BLOCKS]) {
#pragma GCC unroll 8
    for (int k = 0; k < PART; k += 4) {
        Line lines[BLOCKS];
        for (int b = 0; b < BLOCKS; b++)
            lines[b] = bits == 4 ? half(from + k / 8 * 4 * UNIT + b * 64, k / 4 % 2) : line(from + k * UNIT + b * 64);
        for (int m = 0; m < tokens; m++) {
            const int32_t of_four = four(values + (size_t)m * cols + k);
            for (int b = 0; b < BLOCKS; b++) exact[m][b] = dot(exact[m][b], lines[b], of_four);
        }
    }
}

/* Add to sums[token][row] of UNIT rows what some columns, whole groups of them, give for `tokens` ≤ TOKENS tokens;
   `weights` is where the first of them begins. The sum of a group is whole and below 2²⁴, so it is the same number whether
   its levels were multiplied by their whole numbers before (8 bits) or its parts' sums after (4 bits). */
ALWAYS void tile(const Matrix *w, const uint8_t *weights, int unit, const Quantised *x, int first, int from_col,
                 int to_col, const int tokens, const int bits, float (*sums_of)[UNIT]) {
    const int groups = GROUPS(w->cols), parts = w->cols / PART, offset = bits == 4 ? OFFSET / 16 : OFFSET;
    for (int block = 0; block < UNIT / LANES; block += BLOCKS) {
        const uint8_t *from = weights + block * 64;
        floats sums[TOKENS][BLOCKS];
        for (int m = 0; m < tokens; m++)
            for (int b = 0; b < BLOCKS; b++) sums[m][b] = from_col ? load(&sums_of[m][(block + b) * LANES]) : splat(0);
        for (int g = from_col / GROUP; g < GROUPS(to_col); g++) {
            const int end = to_col < (g + 1) * GROUP ? to_col : (g + 1) * GROUP;
            floats totals[TOKENS][BLOCKS];
            ints exact[TOKENS][BLOCKS];
            for (int m = 0; m < tokens; m++)
                for (int b = 0; b < BLOCKS; b++) totals[m][b] = splat(0), exact[m][b] = (ints){};
            for (int part = g * (GROUP / PART); part < end / PART; part++, from += PART * UNIT * bits / 8) {
                for (int m = 0; m < tokens; m++)
                    for (int b = 0; b < BLOCKS; b++)
                        exact[m][b] = (bits == 4 ? (ints){} : exact[m][b]) - offset * x->sums[(size_t)(first + m) * parts + part];
                for (int i = 0; tokens == 1 && i < PART * UNIT * bits / 8; i += 64) __builtin_prefetch(from + AHEAD + i);
                some_columns(from, x->values + (size_t)first * w->cols + part * PART, w->cols, tokens, bits, exact);
                for (int b = 0; b < BLOCKS && bits == 4; b++) {
                    const floats times = __builtin_convertvector((ints)times_of(w, unit, part, block + b), floats);
                    for (int m = 0; m < tokens; m++) totals[m][b] += __builtin_convertvector(exact[m][b], floats) * times;
                }
            }
            for (int m = 0; m < tokens; m++)
                for (int b = 0; b < BLOCKS; b++) {
                    const floats total = bits == 4 ? totals[m][b] : __builtin_convertvector(exact[m][b], floats);
                    sums[m][b] += total * splat(x->scales[(size_t)(first + m) * groups + g]);
                }
        }
        for (int m = 0; m < tokens; m++)
            for (int b = 0; b < BLOCKS; b++) store(&sums_of[m][(block + b) * LANES], sums[m][b]);
    }
}

ALWAYS floats scaled(const Matrix *w, int row, const float *sum) {
    const floats y = load(sum) * load(w->scale + row);
    return w->bias ? y + load(w->bias + row) : y;
}

ALWAYS floats silu(floats x) { return x / (exponential(-x) + 1.0f); }

/* x σ(2u), which is x (1 + tanh u) / 2; an exponent beyond 87 would be no float's. */
ALWAYS floats gelu(floats x) {
    const floats twice_u = x * (x * x * splat(0.0713548162726f) + splat(1.59576912161f));
    return x / (exponential(-larger(twice_u, splat(-87.0f))) + 1.0f);
}

/* The error function by Abramowitz and Stegun 7.1.26: within 1.5e-7. */
ALWAYS floats gelu_exact(floats x) {
    const ints is_negative = x < splat(0);
    const floats size = (floats)((ints)x & 0x7fffffff) * splat(0.707106781f), t = 1.0f / (size * splat(0.3275911f) + 1.0f);
    floats p = splat(1.061405429f);
    p = p * t + splat(-1.453152027f), p = p * t + splat(1.421413741f), p = p * t + splat(-0.284496736f), p = p * t + splat(0.254829592f);
    const floats tail = p * t * exponential(-size * size) * splat(0.5f), rest = 1.0f - tail;
    return x * (floats)(((ints)tail & is_negative) | ((ints)rest & ~is_negative));
}

ALWAYS floats activated(floats x, Finish finish) {
    if (finish == GATED_SILU || finish == SILU) return silu(x);
    return finish == GATED_GELU || finish == GELU ? gelu(x) : gelu_exact(x);
}

/* Apart from STORE, ADD and GATED_SILU: the shipped decoder keeps its bits, whatever a compiler fuses here. */
static void activate_rows(const Matrix *w, int unit, int tokens, Finish finish, float *y, int stride, float (*sums)[UNIT]) {
    for (int m = 0; m < tokens; m++) {
        float *out = y + (size_t)m * stride + unit * (IS_GATED(finish) ? LANES : UNIT);
        floats low = scaled(w, unit * UNIT, sums[m]), high = scaled(w, unit * UNIT + LANES, sums[m] + LANES);
        store(out, IS_GATED(finish) ? activated(low, finish) * high : activated(low, finish));
        if (!IS_GATED(finish)) store(out + LANES, activated(high, finish));
    }
}

/* Give the sums of UNIT rows their scale and bias, and finish what they are for. */
static void finish_unit(const Matrix *w, int unit, int tokens, Finish finish, float *y, int stride, float (*sums)[UNIT]) {
    if (finish > GATED_SILU) {
        activate_rows(w, unit, tokens, finish, y, stride, sums);
        return;
    }
    for (int m = 0; m < tokens; m++) {
        float *out = y + (size_t)m * stride + unit * (finish == GATED_SILU ? LANES : UNIT);
        floats low = scaled(w, unit * UNIT, sums[m]), high = scaled(w, unit * UNIT + LANES, sums[m] + LANES);
        if (finish == GATED_SILU) {
            store(out, silu(low) * high);
        } else if (finish == ADD) {
            store(out, load(out) + low), store(out + LANES, load(out + LANES) + high);
        } else {
            store(out, low), store(out + LANES, high);
        }
    }
}

static void multiply(const Matrix *w, int unit, const Quantised *x, int tokens, Finish finish, float *y, int stride, float *scratch) {
    float(*sums)[UNIT] = (float(*)[UNIT])scratch;
    uint8_t unpacked[OF_STRETCH] __attribute__((aligned(64)));
    const int is_many = tokens > FEW, stretch = is_many ? STRETCH : w->cols;
    for (int from = 0; from < w->cols; from += stretch) {
        const int to = from + stretch < w->cols ? from + stretch : w->cols;
        const uint8_t *weights = w->data + ((size_t)unit * w->cols + from) * UNIT * w->bits / 8;
        if (w->bits == 4 && is_many) unpack(w, unit, from, to, 128, unpacked), weights = unpacked;
        for (int first = 0; first < tokens; first += TOKENS) {
            const int count = tokens - first < TOKENS ? tokens - first : TOKENS;
#define TILE(n) tile(w, weights, unit, x, first, from, to, n, 8, sums + first)
#define TILE_OF_4_BITS(n) tile(w, weights, unit, x, first, from, to, n, 4, sums + first)
            if (w->bits == 4 && !is_many) WITH_CONSTANT(count, TILE_OF_4_BITS)
            else WITH_CONSTANT(count, TILE)
        }
    }
    finish_unit(w, unit, tokens, finish, y, stride, sums);
}

#if defined(__AMX_INT8__) || defined(TILES_IN_C)
#include "tiles.h"
#define MULTIPLY multiply_by_tiles
#else
#define MULTIPLY multiply
#endif

#define ROWS TOKENS /* rows of queries that attend together */

/* Scores of `many` blocks of LANES keys: several sums at once, since each waits for its last addition. */
ALWAYS void some_scores(const float *const *q, const uint16_t *keys, int d, const int many, const int rows, float *scores, int stride) {
    floats sums[ROWS][KEYS];
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < many; b++) sums[r][b] = splat(0);
    for (int i = 0; i < d; i++) {
        floats key[KEYS];
        for (int b = 0; b < many; b++) key[b] = widen(keys + ((size_t)b * d + i) * LANES);
        for (int r = 0; r < rows; r++)
            for (int b = 0; b < many; b++) sums[r][b] += key[b] * splat(q[r][i]);
    }
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < many; b++) store(scores + (size_t)r * stride + b * LANES, sums[r][b]);
}

ALWAYS void scores_of(const float *const *q, const uint16_t *keys, int d, int blocks, const int rows, float *scores, int stride) {
    int block = 0;
    for (; block + KEYS <= blocks; block += KEYS)
        some_scores(q, keys + (size_t)block * d * LANES, d, KEYS, rows, scores + block * LANES, stride);
    for (; block < blocks; block++)
        some_scores(q, keys + (size_t)block * d * LANES, d, 1, rows, scores + block * LANES, stride);
}

/* Sum `many` × LANES columns of the values, weighted by the scores times each row's factor. */
ALWAYS void some_mix(const float *scores, int stride, const uint16_t *values, int d, int seen, const int many, const int rows, const float *factors, float *const *out, int part) {
    floats sums[ROWS][COLUMNS];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < many; c++) sums[r][c] = splat(0);
    for (int t = 0; t < seen; t++) {
        floats value[COLUMNS];
        for (int c = 0; c < many; c++) value[c] = widen(values + (size_t)t * d + part + c * LANES);
        for (int r = 0; r < rows; r++) {
            floats p = splat(scores[(size_t)r * stride + t]);
            for (int c = 0; c < many; c++) sums[r][c] += p * value[c];
        }
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < many; c++) store(out[r] + part + c * LANES, sums[r][c] * factors[r]);
}

ALWAYS void mix(const float *scores, int stride, const uint16_t *values, int d, int seen, const int rows, const float *factors, float *const *out) {
    int part = 0;
    for (; part + COLUMNS * LANES <= d; part += COLUMNS * LANES) some_mix(scores, stride, values, d, seen, COLUMNS, rows, factors, out, part);
    for (; part < d; part += LANES) some_mix(scores, stride, values, d, seen, 1, rows, factors, out, part);
}

/* Turn scores into weights, and return what makes them probabilities; what may not be seen gets none. */
static float soften(float *scores, int padded, int first, int limit, const uint8_t *mask, float factor) {
    for (int t = 0; t < first; t++) scores[t] = -INFINITY;
    for (int t = mask ? 0 : limit; t < padded; t++)
        if (t >= limit || !mask[t]) scores[t] = -INFINITY;
    floats most = splat(-INFINITY);
    for (int t = 0; t < padded; t += LANES) most = larger(load(scores + t), most);
    const float top = largest(most);
    floats sum = splat(0);
    for (int t = 0; t < padded; t += LANES) {
        floats p = exponential((load(scores + t) - top) * factor);
        store(scores + t, p);
        sum += p;
    }
    return 1.0f / total(sum);
}

/* Attention of one tile of query rows (token × head of the group) over one kv head. */
static void attend(const Attention *a, int kv_head, int tile, float *scores) {
    const int d = a->head_dim, group = a->heads / a->kv_heads, all = a->tokens * group;
    const int first = tile * ROWS, rows = all - first < ROWS ? all - first : ROWS;
    const float *q[ROWS];
    float *out[ROWS], factors[ROWS];
    int limits[ROWS], firsts[ROWS], seen = 0;
    for (int r = 0; r < rows; r++) {
        const int token = (first + r) / group, head = kv_head * group + (first + r) % group;
        q[r] = a->qkv + (size_t)token * a->stride + head * d;
        out[r] = a->out + ((size_t)token * a->heads + head) * d;
        limits[r] = a->is_causal ? a->start + token + 1 : a->seen;
        firsts[r] = a->is_causal && limits[r] > a->window ? limits[r] - a->window : 0;
        seen = limits[r] > seen ? limits[r] : seen;
    }
    const int blocks = (seen + LANES - 1) / LANES, padded = blocks * LANES;
    const uint16_t *keys = a->keys + (size_t)kv_head * a->capacity * d, *values = a->values + (size_t)kv_head * a->capacity * d;
#define SCORES(n) scores_of(q, keys, d, blocks, n, scores, padded)
    WITH_CONSTANT(rows, SCORES)
    for (int r = 0; r < rows; r++) {
        const uint8_t *mask = a->mask ? a->mask + (size_t)((first + r) / group) * a->seen : 0;
        factors[r] = soften(scores + (size_t)r * padded, padded, firsts[r], limits[r], mask, a->factor);
    }
#define MIX(n) mix(scores, padded, values, d, seen, n, factors, out)
    WITH_CONSTANT(rows, MIX)
}

/* RMSNorm (arXiv 1910.07467). */
static void normalise(const float *x, const float *weight, const float *bias, float eps, int cols, float *y) {
    (void)bias;
    floats sum = splat(0);
    for (int i = 0; i < cols; i += LANES) sum += load(x + i) * load(x + i);
    const float factor = 1.0f / sqrtf(total(sum) / (float)cols + eps);
    for (int i = 0; i < cols; i += LANES) store(y + i, load(x + i) * factor * load(weight + i));
}

/* LayerNorm (arXiv 1607.06450). */
static void centre(const float *x, const float *weight, const float *bias, float eps, int cols, float *y) {
    floats sum = splat(0), squares = splat(0);
    for (int i = 0; i < cols; i += LANES) sum += load(x + i);
    const float mean = total(sum) / (float)cols;
    for (int i = 0; i < cols; i += LANES) squares += (load(x + i) - mean) * (load(x + i) - mean);
    const float factor = 1.0f / sqrtf(total(squares) / (float)cols + eps);
    for (int i = 0; i < cols; i += LANES) store(y + i, (load(x + i) - mean) * factor * load(weight + i) + load(bias + i));
}

/* Finish gates and ups that were stored interleaved, as GATED_SILU does. */
static void gate(const float *gates, int inner, float *y) {
    for (int i = 0; i < inner; i += LANES) store(y + i, silu(load(gates + 2 * i)) * load(gates + 2 * i + LANES));
}

/* Round one token's activations to int8, GROUP by GROUP. */
static void quantise(const float *x, int token, const Quantised *into) {
    const int groups = GROUPS(into->cols);
    int8_t *values = into->values + (size_t)token * into->cols;
    for (int g = 0; g < groups; g++) {
        const float *from = x + g * GROUP;
        const int width = into->cols - g * GROUP < GROUP ? into->cols - g * GROUP : GROUP;
        floats most = splat(0);
        for (int i = 0; i < width; i += LANES) most = larger((floats)((ints)load(from + i) & 0x7fffffff), most);
        const float top = largest(most), inverse = top > 0 ? 127.0f / top : 0;
        const floats magic = splat(12582912.0f);
        for (int part = 0; part < width / PART; part++) {
            floats sum = splat(0); /* whole numbers well within a float's */
            for (int i = part * PART; i < (part + 1) * PART; i += LANES) {
                floats rounded = load(from + i) * inverse + magic - magic;
                sum += rounded;
                *(bytes *)(values + g * GROUP + i) = __builtin_convertvector(__builtin_convertvector(rounded, ints), bytes);
            }
            into->sums[(size_t)token * (into->cols / PART) + g * (GROUP / PART) + part] = (int32_t)total(sum);
        }
        into->scales[(size_t)token * groups + g] = top / 127.0f;
    }
}

/* Rotary positions (arXiv 2104.09864) of a head's first numbers, halves paired as in Llama. */
static void turn(float *x, const float *cos, const float *sin, int rotary) {
    const int half = rotary / 2;
    for (int i = 0; i < half; i++) {
        const float a = x[i], b = x[i + half];
        x[i] = a * cos[i] - b * sin[i];
        x[i + half] = b * cos[i] + a * sin[i];
    }
}

/* Write one token's key and value of one head at place `at` of the cache. */
static void keep(const float *key, const float *value, int at, int head_dim, uint16_t *keys, uint16_t *values) {
    keys += (size_t)(at / LANES) * head_dim * LANES + at % LANES;
    values += (size_t)at * head_dim;
    for (int i = 0; i < head_dim; i++) keys[i * LANES] = narrow(key[i]), values[i] = narrow(value[i]);
}

const Kernels NAMED(kernels_, ISA) = {
#define TEXT(x) #x
#define QUOTED(x) TEXT(x)
    QUOTED(ISA), ROWS, MULTIPLY, attend, normalise, centre, quantise, gate, turn, keep};
