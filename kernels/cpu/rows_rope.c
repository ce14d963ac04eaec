/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions. Compiled once per instruction level. */
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/rows_level.h"

#define ROPE_BLOCK (MAS_HEAD_DIM_MAX / 2)

/* Cosine and sine of position * frequency[j]. The angle is taken modulo pi/2 in f64 (to 1e-9 up to
 * 2^24, which is also the longest sequence; to 1.2e-7 at 2^31), the rest by the polynomials of
 * Cephes cosf and sinf on [-pi/4, pi/4]. Two loops, so that each has one width of number and
 * vectorises. */
static void rotations(int64_t count, double position, const double *frequency, float direction,
                      float *restrict cosine, float *restrict sine)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    float rest[ROPE_BLOCK];
    int32_t quarters[ROPE_BLOCK];
    for (int64_t j = 0; j < count; j++) {
        const double angle = position * frequency[j];
        const double quarter = (angle * 0.63661977236758134 + magic) - magic;
        rest[j] = (float)((angle - quarter * 1.5707963267341256) - quarter * 6.077100506506192e-11);
        quarters[j] = (int32_t)quarter;
    }
    for (int64_t j = 0; j < count; j++) {
        const float r = rest[j], r2 = r * r;
        const int32_t q = quarters[j];
        const float s =
            r + r * r2 * (-1.6666654611e-1f + r2 * (8.3321608736e-3f - r2 * 1.9515295891e-4f));
        const float c = 1.0f - 0.5f * r2 +
                        r2 * r2 *
                            (4.166664568298827e-2f +
                             r2 * (-1.388731625493765e-3f + r2 * 2.443315711809948e-5f));
        const float c_now = (q & 1) ? s : c, s_now = (q & 1) ? c : s;
        cosine[j] = ((q + 1) & 2) ? -c_now : c_now;
        sine[j] = (q & 2) ? -direction * s_now : direction * s_now;
    }
}

/* One head: the pairs (j, j + half). */
LANE_INLINE void rotate_step(mas_dtype type, int64_t half, const float *cosine, const float *sine,
                             void *x, int64_t j, int64_t left)
{
    const vf a = vt_load(type, x, j, left), b = vt_load(type, x, half + j, left);
    const vf c = vf_load_n(cosine + j, left), s = vf_load_n(sine + j, left);
    vt_store(type, x, j, a * c - b * s, left);
    vt_store(type, x, half + j, a * s + b * c, left);
}

/* Heads with fewer pairs than lanes: masks of stores close behind each other would stall the loads
 * between them. */
static void rotate_short(int64_t half, const float *restrict cosine, const float *restrict sine,
                         float *restrict first, float *restrict second)
{
    for (int64_t j = 0; j < half; j++) {
        const float a = first[j], b = second[j];
        first[j] = a * cosine[j] - b * sine[j];
        second[j] = a * sine[j] + b * cosine[j];
    }
}

/* Some of them side by side: widened together. */
#define SHORT_BLOCK 1024

LANE_INLINE void rotate_heads_short(mas_dtype type, int64_t heads, int64_t dim, const float *cosine,
                                    const float *sine, void *x)
{
    const int64_t half = dim / 2, count = heads * dim;
    float block[SHORT_BLOCK], *wide = block;
    if (type == MAS_DTYPE_F32)
        wide = x;
    else
        for (int64_t j = 0; j < count; j += LANES)
            vf_store_n(wide + j, vt_load(type, x, j, count - j), count - j);
    for (int64_t h = 0; h < heads; h++)
        rotate_short(half, cosine, sine, wide + h * dim, wide + h * dim + half);
    for (int64_t j = 0; type != MAS_DTYPE_F32 && j < count; j += LANES)
        vt_store(type, x, j, vf_load_n(wide + j, count - j), count - j);
}

/* All heads of a row. */
LANE_INLINE void rotate_heads(mas_dtype type, int64_t heads, int64_t dim, const float *cosine,
                              const float *sine, void *x)
{
    const int64_t half = dim / 2, most = SHORT_BLOCK / dim;
    for (int64_t h = 0; half < LANES && h < heads; h += most)
        rotate_heads_short(type, heads - h < most ? heads - h : most, dim, cosine, sine,
                           vt_at(type, x, h * dim));
    for (int64_t h = 0; half >= LANES && h < heads; h++) {
        void *head = vt_at(type, x, h * dim);
        int64_t j = 0;
        for (; j + LANES <= half; j += LANES)
            rotate_step(type, half, cosine, sine, head, j, LANES);
        if (j < half)
            rotate_step(type, half, cosine, sine, head, j, half - j);
    }
}

LANE_INLINE void rope_of(mas_dtype type, int64_t rows, int64_t heads, int64_t dim,
                         int64_t row_stride, const double *frequency, float direction,
                         const int32_t *positions, void *x)
{
    float cosine[ROPE_BLOCK], sine[ROPE_BLOCK];
    for (int64_t i = 0; i < rows; i++) {
        rotations(dim / 2, (double)positions[i], frequency, direction, cosine, sine);
        rotate_heads(type, heads, dim, cosine, sine, vt_at(type, x, i * row_stride));
    }
}

void LEVEL_NAME(rope)(int64_t rows, int64_t heads, int64_t dim, int64_t row_stride,
                      const double *frequency, float direction, const int32_t *positions,
                      mas_dtype type, void *x)
{
    BY_TYPE(type, rope_of, rows, heads, dim, row_stride, frequency, direction, positions, x);
}
