/* Products of many tokens by tiles (Intel's AMX): 16 tokens × 16 rows of STEP columns in one instruction.

   The kernels' layout is the tiles' own: a tile of weights is 16 lines, 128 bytes apart, each four columns of LANES rows.
   Where there are no tiles, TILES_IN_C spells out what the instructions do, so that this file is tested anywhere. */
#pragma once
#include <string.h>

#define TILE_ROWS 16
#define TILE_BYTES 64

typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16]; /* of a row of each tile */
    uint8_t rows[16];
} TileShapes;

#ifdef TILES_IN_C
static _Thread_local struct {
    TileShapes shapes;
    uint8_t data[8][TILE_ROWS][TILE_BYTES];
} tiles;
static void tile_shapes(const TileShapes *shapes) { memset(&tiles, 0, sizeof tiles), tiles.shapes = *shapes; }
static void tiles_end(void) { memset(&tiles, 0, sizeof tiles); }
static void tile_zero(int t) { memset(tiles.data[t], 0, sizeof tiles.data[t]); }
static void tile_load(int t, const void *from, int stride) {
    for (int r = 0; r < tiles.shapes.rows[t]; r++) memcpy(tiles.data[t][r], (const uint8_t *)from + (size_t)r * stride, tiles.shapes.bytes[t]);
}
static void tile_store(int t, void *to, int stride) {
    for (int r = 0; r < tiles.shapes.rows[t]; r++) memcpy((uint8_t *)to + (size_t)r * stride, tiles.data[t][r], tiles.shapes.bytes[t]);
}
static void tile_product(int sum, int x, int w) { /* tdpbssd: both are signed */
    for (int m = 0; m < tiles.shapes.rows[x]; m++)
        for (int n = 0; n < LANES; n++) {
            int32_t total;
            memcpy(&total, &tiles.data[sum][m][4 * n], 4);
            for (int k = 0; k < STEP; k++) total += (int8_t)tiles.data[x][m][k] * (int8_t)tiles.data[w][k / 4][4 * n + k % 4];
            memcpy(&tiles.data[sum][m][4 * n], &total, 4);
        }
}
#else
#include <immintrin.h>
#define tile_shapes(shapes) _tile_loadconfig(shapes)
#define tiles_end() _tile_release()
#define tile_zero(t) _tile_zero(t)
#define tile_load(t, from, stride) _tile_loadd(t, from, stride)
#define tile_store(t, to, stride) _tile_stored(t, to, stride)
#define tile_product(sum, x, w) _tile_dpbssd(sum, x, w)
#endif

/* Tiles 0 and 1 sum, 4 and 5 hold activations, 6 and 7 weights. */
static void shape_tiles(int tokens) {
    TileShapes shapes __attribute__((aligned(64))) = {.palette = 1};
    for (int t = 0; t < 8; t++) shapes.bytes[t] = TILE_BYTES, shapes.rows[t] = t < 6 ? (uint8_t)tokens : STEP / 4;
    tile_shapes(&shapes);
}

/* Write some columns of a unit of either width as signed bytes: with them no product has an offset to take off again. */
static void as_signed(const Matrix *w, int unit, int from_col, int to_col, uint8_t *to) {
    if (w->bits == 4) {
        unpack(w, unit, from_col, to_col, 0, to);
        return;
    }
    const uint8_t *from = w->data + ((size_t)unit * w->cols + from_col) * UNIT;
    for (int i = 0; i < (to_col - from_col) * UNIT; i += 64) *(octets *)(to + i) = *(const octets *)(from + i) ^ 128;
}

/* Add to sums[token][row] of LANES rows what some columns, at most two groups, give for `tokens` ≤ 16 tokens; `weights`
   is where the first of them begins. A group's sum is exact and then scaled, as in `tile`: the same bits come out.
   Both groups' sums are stored before either is read: a read that follows a store of a tile waits for it. */
ALWAYS void tile_block(const uint8_t *weights, const Quantised *x, int first, const int tokens, int from_col, int to_col, float (*sums_of)[UNIT]) {
    const int8_t *values = x->values + (size_t)first * x->cols;
    const float *scales = x->scales + (size_t)first * GROUPS(x->cols) + from_col / GROUP;
    const int middle = from_col + GROUP < to_col ? from_col + GROUP : to_col;
    int32_t exact[2][TILE_ROWS][LANES] __attribute__((aligned(64)));
    tile_zero(0);
    tile_zero(1);
#define ONE_STEP(sum, of_x, of_w)                                                                              \
    {                                                                                                          \
        tile_load(of_x, values + col, x->cols);                                                                \
        tile_load(of_w, weights + (size_t)(col - from_col) * UNIT, 4 * UNIT);                                  \
        tile_product(sum, of_x, of_w);                                                                         \
    }
    for (int col = from_col; col < middle; col += STEP) ONE_STEP(0, 4, 6)
    tile_store(0, exact[0], TILE_BYTES);
    for (int col = middle; col < to_col; col += STEP) ONE_STEP(1, 5, 7)
    tile_store(1, exact[1], TILE_BYTES);
    for (int m = 0; m < tokens; m++, scales += GROUPS(x->cols)) {
        floats sum = from_col ? load(sums_of[m]) : splat(0);
        sum += __builtin_convertvector(*(const ints *)exact[0][m], floats) * splat(scales[0]);
        if (middle < to_col) sum += __builtin_convertvector(*(const ints *)exact[1][m], floats) * splat(scales[1]);
        store(sums_of[m], sum);
    }
}

/* The same for a unit's rows; a whole tile of tokens is by far the usual. */
static void tile_unit(const uint8_t *weights, const Quantised *x, int first, int tokens, int from_col, int to_col, float (*sums)[UNIT]) {
    for (int block = 0; block < UNIT / LANES; block++) {
        float(*of_block)[UNIT] = (float(*)[UNIT])(sums[0] + block * LANES);
        const uint8_t *of_rows = weights + block * TILE_BYTES;
        if (tokens == TILE_ROWS) tile_block(of_rows, x, first, TILE_ROWS, from_col, to_col, of_block);
        else tile_block(of_rows, x, first, tokens, from_col, to_col, of_block);
    }
}

static void multiply_by_tiles(const Matrix *w, int unit, const Quantised *x, int tokens, Finish finish, float *y, int stride, float *scratch) {
    if (tokens <= TOKENS) {
        multiply(w, unit, x, tokens, finish, y, stride, scratch);
        return;
    }
    float(*sums)[UNIT] = (float(*)[UNIT])scratch;
    uint8_t weights[OF_STRETCH] __attribute__((aligned(64)));
    const int whole = tokens / TILE_ROWS * TILE_ROWS;
    for (int from = 0; from < w->cols; from += STRETCH) {
        const int to = from + STRETCH < w->cols ? from + STRETCH : w->cols;
        as_signed(w, unit, from, to, weights);
        if (whole) shape_tiles(TILE_ROWS);
        for (int first = 0; first < whole; first += TILE_ROWS) tile_unit(weights, x, first, TILE_ROWS, from, to, sums + first);
        if (whole < tokens) shape_tiles(tokens - whole), tile_unit(weights, x, whole, tokens - whole, from, to, sums + whole);
    }
    tiles_end();
    finish_unit(w, unit, tokens, finish, y, stride, sums);
}
