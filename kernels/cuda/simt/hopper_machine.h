/* SPDX-License-Identifier: Apache-2.0 */
/* hopper.h on the emulated machine. Bulk copies land when nothing else can go on (or at once: eager), one by
 * one; products run when their group is waited for; a barrier that gets more arrivals than it expects, a
 * destination on the wrong boundary, and a warpgroup whose threads disagree are trapped. */
#ifndef SIMT_HOPPER_MACHINE_H
#define SIMT_HOPPER_MACHINE_H

#define __grid_constant__

inline uint32_t simt_smem_addr(const void *p)
{
    return (uint32_t)((const unsigned char *)p - simt::blk->smem);
}

struct simt_tensor_map {
    simt_tensor t;
    uint32_t box_rows;
};

inline cudaError_t simt_tensor_map_make(simt_tensor_map *map, const simt_tensor *t,
                                        uint32_t box_rows)
{
    if ((uintptr_t)t->data % 16 || t->row_stride % 16 || t->head_stride % 16 ||
        t->batch_stride % 16 || box_rows > 256)
        return cudaErrorInvalidValue;
    *map = simt_tensor_map{*t, box_rows};
    return cudaSuccess;
}

struct SimtMbar {
    uint16_t expect, pending;
    int32_t tx : 31;
    uint32_t phase : 1;
};
static_assert(sizeof(SimtMbar) == 8, "mbarrier is 8 bytes");

inline void simt_mbar_check(SimtMbar *m)
{
    simt::blk->progress++;
    if (m->pending == 0 && m->tx == 0) {
        m->phase ^= 1;
        m->pending = m->expect;
    }
}
inline void mbar_init(uint64_t *b, int count)
{
    SimtMbar m{};
    m.expect = m.pending = (uint16_t)count;
    memcpy((void *)b, &m, sizeof m);
}
inline void mbar_fence_init()
{
}
inline void mbar_arrive_tx(uint64_t *b, int bytes)
{
    auto *m = (SimtMbar *)b;
    if (m->pending == 0 || m->pending > m->expect)
        simt::die("mbarrier: more arrivals than expected, or not initialised");
    m->tx += bytes;
    m->pending--;
    simt_mbar_check(m);
}
inline void mbar_arrive(uint64_t *b)
{
    mbar_arrive_tx(b, 0);
}
inline void mbar_wait(uint64_t *b, int parity)
{
    simt::poll([=] { return ((SimtMbar *)b)->phase != (uint32_t)(parity & 1); });
}

/* Where the 128-byte swizzle puts an address. */
inline uint32_t simt_swizzled(uint32_t address)
{
    return address ^ (address >> 7 & 7) << 4;
}

inline void tma_load(void *to, const simt_tensor_map *map, int column, int row, int head, int batch,
                     uint64_t *b)
{
    simt::Block *blk = simt::blk;
    const uint32_t d = simt_smem_addr(to);
    if (d % 1024)
        simt::die("tma: the destination of a swizzled box must be at a multiple of 1,024 bytes");
    const simt_tensor t = map->t;
    const uint32_t rows = map->box_rows;
    auto copy = [=] {
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t c = 0; c < 64; c++) {
                const uint64_t at_row = (uint64_t)(row + (int)r),
                               at_column = (uint64_t)(column + (int)c);
                const char *from = (const char *)t.data + (uint64_t)batch * t.batch_stride +
                                   (uint64_t)head * t.head_stride + at_row * t.row_stride;
                uint16_t x = 0;
                if (at_row < t.rows && at_column < t.columns)
                    memcpy(&x, from + at_column * 2, 2);
                memcpy(blk->smem + simt_swizzled(d + r * 128 + c * 2), &x, 2);
            }
        auto *m = (SimtMbar *)b;
        m->tx -= (int32_t)(rows * 128);
        simt_mbar_check(m);
    };
    blk->progress++;
    if (simt::cfg.eager_cp)
        copy();
    else
        blk->late.push_back(copy);
}

inline void fence_async()
{
}
inline void wg_fence()
{
}
template <int N> inline void registers_release()
{
}
template <int N> inline void registers_acquire()
{
}
inline void wg_commit()
{
    simt::Fiber *f = simt::blk->cur;
    f->wg_group.push_back(f->wg.size());
}
template <mas_dtype TYPE, int N>
inline void wgmma_shared(float (*d)[4], uint64_t a, uint64_t b, bool keep)
{
    simt::blk->cur->wg.push_back(
        {d, a, b, {0, 0, 0, 0}, N, false, false, keep, TYPE == MAS_DTYPE_F16});
}
template <mas_dtype TYPE, int N>
inline void wgmma_registers(float (*d)[4], const uint32_t a[4], uint64_t b)
{
    simt::blk->cur->wg.push_back(
        {d, 0, b, {a[0], a[1], a[2], a[3]}, N, true, true, true, TYPE == MAS_DTYPE_F16});
}

inline float simt_wg_value(const simt::WgOp &op, uint16_t x)
{
    return op.f16 ? f16_to_float(x) : bf2f(x);
}

/* Element (mn, k) of an operand in shared memory; transposed: mn runs along the rows of the tile. */
inline float simt_wg_element(const simt::WgOp &op, uint64_t descriptor, int mn, int k,
                             bool transposed)
{
    const uint32_t base = (uint32_t)(descriptor & 0x3fff) << 4,
                   across = (uint32_t)(descriptor >> 16 & 0x3fff) << 4,
                   rows = (uint32_t)(descriptor >> 32 & 0x3fff) << 4;
    const uint32_t at =
        transposed ? (uint32_t)(mn / 64) * across + (uint32_t)(k / 8) * rows +
                         (uint32_t)(k % 8) * 128 + (uint32_t)(mn % 64) * 2
                   : (uint32_t)(mn / 8) * rows + (uint32_t)(mn % 8) * 128 + (uint32_t)k * 2;
    uint16_t x;
    memcpy(&x, simt::blk->smem + simt_swizzled(base + at), 2);
    return simt_wg_value(op, x);
}

/* Product `index` of the warpgroup whose first thread is f. */
inline void simt_wg_run(simt::Fiber *f, size_t index)
{
    const simt::WgOp &op = f[0].wg[index];
    static thread_local double A[64][16], B[16][128], C[64][128];
    for (int t = 0; t < 128; t++) {
        const simt::WgOp &o = f[t].wg[index];
        if (o.a != op.a || o.b != op.b || o.n != op.n || o.from_regs != op.from_regs ||
            o.keep != op.keep)
            simt::die("wgmma: threads of the warpgroup disagree on the operation");
        const int row = t / 32 * 16 + t % 32 / 4, column = t % 4 * 2;
        for (int i = 0; op.from_regs && i < 8; i++) /* register i / 2, half i % 2 */
            A[row + (i / 2 & 1) * 8][column + i / 4 * 8 + i % 2] =
                simt_wg_value(op, (uint16_t)(o.ra[i / 2] >> 16 * (i % 2)));
    }
    for (int m = 0; !op.from_regs && m < 64; m++)
        for (int k = 0; k < 16; k++)
            A[m][k] = simt_wg_element(op, op.a, m, k, false);
    for (int k = 0; k < 16; k++)
        for (int n = 0; n < op.n; n++)
            B[k][n] = simt_wg_element(op, op.b, n, k, op.b_transposed);
    simt_multiply(A, B, C, op.n);
    for (int m = 0; m < 64; m++)
        for (int n = 0; n < op.n; n++) {
            const int t = m / 16 * 32 + m % 8 * 4 + n % 8 / 2;
            float *d = &f[t].wg[index].d[n / 8][m % 16 / 8 * 2 + n % 2];
            *d = simt_truncated_sum(op.keep ? *d : 0.0f, C[m][n]);
        }
}

/* The last of the warpgroup's threads to arrive runs every group but the newest N. */
template <int N> inline void wg_wait()
{
    simt::Block *b = simt::blk;
    const int group = b->cur->warp / 4;
    if (b->at_barrier[1 + group] == 127) {
        simt::Fiber *f = &b->f[(size_t)group * 128];
        const size_t groups = f->wg_group.size(), done = groups > N ? groups - N : 0,
                     end = done ? f->wg_group[done - 1] : 0;
        for (int t = 0; t < 128; t++)
            if (f[t].wg.size() != f->wg.size() || f[t].wg_group != f->wg_group)
                simt::die("wgmma: threads of the warpgroup issued different sequences");
        for (size_t i = 0; i < end; i++)
            simt_wg_run(f, i);
        for (int t = 0; t < 128 && end; t++) {
            f[t].wg.erase(f[t].wg.begin(), f[t].wg.begin() + (ptrdiff_t)end);
            f[t].wg_group.erase(f[t].wg_group.begin(), f[t].wg_group.begin() + (ptrdiff_t)done);
            for (size_t &e : f[t].wg_group)
                e -= end;
        }
    }
    simt::barrier(1 + group, 128);
}

#endif
