/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Span schedules: a mask cut into tiles of q_tile queries by k_tile keys. For each tile of queries
 * the schedule lists the runs of key tiles to visit, and for each tile of keys (the transposed
 * schedule, for dK and dV) the runs of query tiles. A run is either
 *
 *   whole    every tile of it lies inside kv_len, and every query row of it sees all k_tile
 *            keys: no mask test at all;
 *   partial  row r of the query tile sees exactly the keys lo[r] .. hi[r]-1 of the key tile
 *            (relative to its first key; lo == hi: none). Rows past q_len see nothing, hi never
 *            passes kv_len. Runs of the same partial pattern may cover several tiles.
 *
 * A row that sees several separate runs inside one tile makes that tile appear several times with
 * disjoint patterns; an online softmax needs no special case for that. Tiles without a visible pair
 * do not appear, so a kernel that executes the schedule does exactly the work the mask asks for,
 * and the tiles it visits can be counted and compared.
 *
 *          k tile 0   1   2   3
 *   q tile 0    [P]                      causal window, q_tile = k_tile:
 *          1    [P] [P]                  P partial, W whole
 *          2    [P] [W] [P]
 *          3        [P] [W] [P]
 */
#ifndef MASBENCH_SCHEDULE_H
#define MASBENCH_SCHEDULE_H

#include "masbench/mask.h"
#include "masbench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which corner a causal mask hangs from when q_len != kv_len. */
typedef enum mas_alignment {
    MAS_ALIGN_BOTTOM_RIGHT,
    MAS_ALIGN_TOP_LEFT,
    MAS_ALIGNMENT_COUNT
} mas_alignment;

/** "bottom_right", "top_left". */
const char *mas_alignment_name(mas_alignment alignment);

#define MAS_SPAN_WHOLE (-1)
#define MAS_TILE_MAX 4096 /* largest tile edge, so that pattern entries fit uint16_t */

typedef struct mas_span {
    int32_t first;   /* first tile */
    int32_t count;   /* tiles in the run, >= 1 */
    int32_t pattern; /* MAS_SPAN_WHOLE, or index for mas_schedule_pattern */
} mas_span;

/** Keys lo .. hi-1 of a key tile, seen by one row of a query tile. */
typedef struct mas_row_span {
    uint16_t lo, hi;
} mas_row_span;

typedef struct mas_schedule {
    int64_t q_len, kv_len;
    int32_t q_tile, k_tile;   /* tile edges in rows and keys */
    int32_t q_tiles, k_tiles; /* ceil(q_len / q_tile), ceil(kv_len / k_tile) */
    const size_t *q_start;    /* [q_tiles + 1]: key runs of query tile t are
                                 q_spans[q_start[t]] .. q_spans[q_start[t + 1] - 1] */
    const mas_span *q_spans;  /* ascending in `first` within a tile */
    const size_t *k_start;    /* [k_tiles + 1]: likewise the query runs of key tile t in k_spans */
    const mas_span *k_spans;
    const mas_row_span *patterns; /* [pattern_count][q_tile] */
    int32_t pattern_count;
    int64_t tiles;          /* tile visits of one head, the same in both directions */
    int64_t pairs;          /* visible (query, key) pairs of one head */
    int64_t executed_pairs; /* pairs of the visited tiles, cut at q_len and kv_len */
    int64_t empty_rows;     /* queries that see no key */
} mas_schedule;

/** Build the schedule of a mask. Cost: O(q_len * runs + tiles * q_tile) time; memory O(spans +
 * patterns), far below q_len * kv_len. Equal patterns are stored once.
 *  @param q_len, kv_len   >= 1
 *  @param q_tile, k_tile  1 .. MAS_TILE_MAX
 *  @param[out] out        owned by the caller, free with mas_schedule_free; untouched on error
 *  @return MAS_OK, MAS_E_ARGUMENT, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_schedule_build(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                                           mas_alignment alignment, int32_t q_tile, int32_t k_tile,
                                           mas_schedule **out, mas_error *err);
/** The counts of mas_schedule_build without its lists: tiles, pairs, executed_pairs, empty_rows. Cost: O(q_len * runs +
 *  visits of partial tiles * q_tile) time, whatever the number of whole tiles; memory O(q_tile * runs).
 *  @param[out] out  every list NULL, pattern_count 0; untouched on error
 *  @return MAS_OK, MAS_E_ARGUMENT, MAS_E_MEMORY */
MAS_MUST_USE mas_status mas_schedule_count(const mas_mask *mask, int64_t q_len, int64_t kv_len,
                                           mas_alignment alignment, int32_t q_tile, int32_t k_tile,
                                           mas_schedule *out, mas_error *err);
/** NULL is allowed. */
void mas_schedule_free(mas_schedule *schedule);

/** Row spans of a partial pattern, q_tile entries. */
static inline const mas_row_span *mas_schedule_pattern(const mas_schedule *s, int32_t pattern)
{
    return s->patterns + (size_t)pattern * (size_t)s->q_tile;
}

/** Visible pairs of one head without building tiles: exact, O(q_len * runs). -1 without memory.
 *  @param[out] empty_rows  may be NULL; queries that see no key */
int64_t mas_mask_pairs(const mas_mask *mask, int64_t q_len, int64_t kv_len, mas_alignment alignment,
                       int64_t *empty_rows);

/** Position of query row i: i + kv_len - q_len (bottom-right) or i (top-left). */
static inline int64_t mas_position(int64_t row, int64_t q_len, int64_t kv_len,
                                   mas_alignment alignment)
{
    return alignment == MAS_ALIGN_BOTTOM_RIGHT ? row + kv_len - q_len : row;
}

#ifdef __cplusplus
}
#endif
#endif
