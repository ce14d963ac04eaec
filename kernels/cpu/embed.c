/* SPDX-License-Identifier: Apache-2.0 */
/* Embedding rows and their gradient. Backward, two tokens may share a table row, so the work is
 * cut by columns: each piece walks all tokens in order and adds its own columns. */
#include "kernels/cpu/cpu_device.h"

#include <assert.h>
#include <string.h>

#define ELEMENTS_PER_PIECE 32768
#define COLUMN_PIECES 16
#define COLUMN_ALIGN 16 /* floats of a cache line, so that no two threads write one */

void mas_cpu_embed(mas_device *d, int64_t n, int64_t c, const int32_t *ids,
                   const int32_t *positions, const float *token_table, const float *position_table,
                   float *out)
{
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t chunk = mas_cpu_larger(ELEMENTS_PER_PIECE / c, 1);
    const int64_t pieces = mas_cpu_pieces(n, chunk);
    const int team = mas_cpu_team(d, pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++)
        for (int64_t i = p * chunk; i < mas_cpu_smaller(n, (p + 1) * chunk); i++) {
            assert(ids[i] >= 0);
            memcpy(out + i * c, token_table + ids[i] * c, (size_t)c * sizeof *out);
            if (position_table) {
                assert(positions[i] >= 0);
                rows->add(c, position_table + positions[i] * c, out + i * c);
            }
        }
}

void mas_cpu_embed_backward(mas_device *d, int64_t n, int64_t c, int64_t vocab, const int32_t *ids,
                            const int32_t *positions, const float *d_out, float *d_token_table,
                            float *d_position_table)
{
    (void)vocab; /* only needed for the assertion */
    const mas_cpu_rows *rows = mas_cpu(d)->rows;
    const int64_t wanted = mas_cpu_pieces(c, COLUMN_PIECES);
    const int64_t width = mas_cpu_pieces(wanted, COLUMN_ALIGN) * COLUMN_ALIGN;
    const int64_t pieces = mas_cpu_pieces(c, width);
    const int team = mas_cpu_team(d, n * c < ELEMENTS_PER_PIECE ? 1 : pieces);
#pragma omp parallel for num_threads(team) schedule(static)
    for (int64_t p = 0; p < pieces; p++) {
        const int64_t c0 = p * width, columns = mas_cpu_smaller(width, c - c0);
        for (int64_t i = 0; i < n; i++) {
            const float *from = d_out + i * c + c0;
            assert(ids[i] >= 0 && ids[i] < vocab);
            rows->add(columns, from, d_token_table + ids[i] * c + c0);
            if (d_position_table)
                rows->add(columns, from, d_position_table + positions[i] * c + c0);
        }
    }
}
