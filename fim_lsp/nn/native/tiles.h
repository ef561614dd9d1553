/* Products of many tokens by tiles (Intel's AMX): 16 tokens × 16 rows of a GROUP of columns in one instruction.

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
static void tile_product(int sum, int x, int w) { /* tdpbsud: x is signed, w is not */
    for (int m = 0; m < tiles.shapes.rows[x]; m++)
        for (int n = 0; n < LANES; n++) {
            int32_t total;
            memcpy(&total, &tiles.data[sum][m][4 * n], 4);
            for (int k = 0; k < GROUP; k++) total += (int8_t)tiles.data[x][m][k] * tiles.data[w][k / 4][4 * n + k % 4];
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
#define tile_product(sum, x, w) _tile_dpbsud(sum, x, w)
#endif

/* Tiles 0 … 3 sum, 4 and 5 hold activations, 6 and 7 weights. */
static void shape_tiles(int tokens) {
    TileShapes shapes __attribute__((aligned(64))) = {.palette = 1};
    for (int t = 0; t < 8; t++) shapes.bytes[t] = TILE_BYTES, shapes.rows[t] = t < 6 ? (uint8_t)tokens : GROUP / 4;
    tile_shapes(&shapes);
}

/* Add to sums[token][row] of UNIT rows what some groups of columns give for up to 16 tokens; `weights` is where the first
   of these groups begins. Each group's sum is exact and then scaled, as in `tile`: the same bits come out. */
static void tile_block(const Matrix *w, const uint8_t *weights, const Quantised *x, int first, int tokens, int from_group,
                       int to_group, float (*sums_of)[UNIT]) {
    const int groups = w->cols / GROUP, parts = w->cols / PART;
    int32_t exact[4][TILE_ROWS][LANES] __attribute__((aligned(64)));
    for (int block = 0; block < UNIT / LANES; block++) {
        floats sums[TILE_ROWS];
        for (int m = 0; m < TILE_ROWS; m++) sums[m] = m < tokens && from_group ? load(&sums_of[m][block * LANES]) : splat(0);
        for (int g = from_group; g < to_group; g += 4) {
            const int8_t *values = x->values + (size_t)first * w->cols + g * GROUP;
            const uint8_t *from = weights + (size_t)(g - from_group) * GROUP * UNIT + block * TILE_BYTES;
#define ONE_GROUP(i, of_x, of_w)                                             \
    if (g + i < to_group) {                                                  \
        tile_zero(i);                                                        \
        tile_load(of_x, values + i * GROUP, w->cols);                        \
        tile_load(of_w, from + (size_t)i * GROUP * UNIT, 4 * UNIT);          \
        tile_product(i, of_x, of_w);                                         \
    }
            ONE_GROUP(0, 4, 6) ONE_GROUP(1, 5, 7) ONE_GROUP(2, 4, 6) ONE_GROUP(3, 5, 7)
            tile_store(0, exact[0], TILE_BYTES);
            if (g + 1 < to_group) { tile_store(1, exact[1], TILE_BYTES); }
            if (g + 2 < to_group) { tile_store(2, exact[2], TILE_BYTES); }
            if (g + 3 < to_group) { tile_store(3, exact[3], TILE_BYTES); }
            for (int i = 0; i < 4 && g + i < to_group; i++)
                for (int m = 0; m < tokens; m++) {
                    const int32_t *of_parts = x->sums + (size_t)(first + m) * parts + (g + i) * (GROUP / PART);
                    const ints whole = *(const ints *)exact[i][m] - 128 * (of_parts[0] + of_parts[1]);
                    sums[m] += __builtin_convertvector(whole, floats) * splat(x->scales[(size_t)(first + m) * groups + g + i]);
                }
        }
        for (int m = 0; m < tokens; m++) store(&sums_of[m][block * LANES], sums[m]);
    }
}

static void multiply_by_tiles(const Matrix *w, int unit, const Quantised *x, int tokens, Finish finish, float *y, int stride, float *scratch) {
    if (tokens <= TOKENS) {
        multiply(w, unit, x, tokens, finish, y, stride, scratch);
        return;
    }
    float(*sums)[UNIT] = (float(*)[UNIT])scratch;
    uint8_t unpacked[OF_STRETCH] __attribute__((aligned(64)));
    const int groups = w->cols / GROUP, whole = tokens / TILE_ROWS * TILE_ROWS;
    for (int from = 0; from < groups; from += STRETCH) {
        const int to = from + STRETCH < groups ? from + STRETCH : groups;
        const uint8_t *weights = w->data + ((size_t)unit * w->cols + from * GROUP) * UNIT * w->bits / 8;
        if (w->bits == 4) unpack(w, unit, from, to, unpacked), weights = unpacked;
        if (whole) shape_tiles(TILE_ROWS);
        for (int first = 0; first < whole; first += TILE_ROWS) tile_block(w, weights, x, first, TILE_ROWS, from, to, sums + first);
        if (whole < tokens) shape_tiles(tokens - whole), tile_block(w, weights, x, whole, tokens - whole, from, to, sums + whole);
    }
    tiles_end();
    finish_unit(w, unit, tokens, finish, y, stride, sums);
}
