/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of simt.h on the emulated machine. */
#ifndef SIMT_INSTRUCTIONS_H
#define SIMT_INSTRUCTIONS_H

#include "kernels/cuda/simt/machine.h"

#define threadIdx (simt::blk->cur->tid)
#define blockIdx (simt::blk->bid)
#define blockDim (simt::blk->bdim)
#define gridDim (simt::blk->gdim)
#define warpSize 32

inline void __syncthreads()
{
    simt::barrier(0, simt::blk->f.size());
}
inline void __syncwarp(uint32_t mask = 0xffffffffu)
{
    simt::warp_op(mask, "syncwarp", nullptr, [](void **) {});
}
inline int simt_popcount(uint32_t x)
{
    return __builtin_popcount(x);
}
template <class T> struct SimtShfl {
    T in, out;
    int src;
};
template <class T> inline T __shfl_xor_sync(uint32_t mask, T v, int x)
{
    SimtShfl<T> s{v, v, simt::blk->cur->lane ^ x};
    simt::warp_op(mask, "shfl_xor", &s, [](void **sl) {
        for (int l = 0; l < 32; l++)
            if (sl[l]) {
                auto *p = (SimtShfl<T> *)sl[l];
                if (!sl[p->src])
                    simt::die("shfl reads a lane outside the mask");
                p->out = ((SimtShfl<T> *)sl[p->src])->in;
            }
    });
    return s.out;
}
inline uint32_t __ballot_sync(uint32_t m, int pred)
{
    struct S {
        int p;
        uint32_t r;
    } s{pred != 0, 0};
    simt::warp_op(m, "ballot", &s, [](void **sl) {
        uint32_t r = 0;
        for (int l = 0; l < 32; l++)
            if (sl[l] && ((S *)sl[l])->p)
                r |= 1u << l;
        for (int l = 0; l < 32; l++)
            if (sl[l])
                ((S *)sl[l])->r = r;
    });
    return s.r;
}
inline float bf2f(bf16 x)
{
    uint32_t u = (uint32_t)x << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
inline bf16 f2bf(float x)
{
    uint32_t u = simt::bits(&x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (bf16)0x7fff;
    return (bf16)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}
inline uint32_t pack_bf16x2(float lo, float hi)
{
    return (uint32_t)f2bf(lo) | (uint32_t)f2bf(hi) << 16;
}
inline float simt_exp2(float x)
{
    return exp2f(x);
}
inline float simt_reciprocal(float x)
{
    return 1.0f / x;
}
inline float simt_clamp(float x, float most)
{
    return x < -most ? -most : x > most ? most : x;
}
inline int simt_uniform(int x)
{
    int first = x;
    simt::warp_op(0xffffffffu, "uniform", &first, [](void **lanes) {
        for (int l = 1; l < 32; l++)
            if (lanes[l] && *(int *)lanes[l] != *(int *)lanes[0])
                simt::die("simt_uniform: lanes of a warp differ");
    });
    return x;
}
template <class T> inline T atomicAdd(T *p, T v)
{
    T old = *p, want;
    do {
        want = old + v;
    } while (!__atomic_compare_exchange(p, &old, &want, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

/* cp.async: by default the copy happens only when waited for, the latest moment allowed */
inline void simt_cp_do(const simt::CpAsync &c)
{
    if (c.bytes)
        memcpy(c.dst, c.src, (size_t)c.bytes);
    memset((char *)c.dst + c.bytes, 0, (size_t)(16 - c.bytes));
}
inline void cp_async_16(void *dst, const void *src, int bytes)
{
    if (((uintptr_t)dst & 15) || (bytes && ((uintptr_t)src & 15)))
        simt::die("cp.async: misaligned address");
    simt::CpAsync c{dst, src, bytes};
    if (simt::cfg.eager_cp)
        simt_cp_do(c);
    else
        simt::blk->cur->cp.push_back(c);
}
inline void cp_async_commit()
{
    simt::blk->cur->cp_group.push_back(simt::blk->cur->cp.size());
}
template <int N> inline void cp_async_wait()
{
    auto *f = simt::blk->cur;
    size_t ng = f->cp_group.size();
    if (ng <= N)
        return;
    size_t done = ng - N, end = f->cp_group[done - 1];
    for (size_t i = 0; i < end; i++)
        simt_cp_do(f->cp[i]);
    f->cp.erase(f->cp.begin(), f->cp.begin() + (ptrdiff_t)end);
    f->cp_group.erase(f->cp_group.begin(), f->cp_group.begin() + (ptrdiff_t)done);
    for (auto &e : f->cp_group)
        e -= end;
}

struct SimtLdm {
    uint32_t *r;
    const void *row;
};
inline void simt_ldmatrix(uint32_t r[4], const void *row, bool trans)
{
    if ((uintptr_t)row & 15)
        simt::die("ldmatrix: misaligned row");
    SimtLdm s{r, row};
    auto fn = [trans](void **sl) {
        for (int m = 0; m < 4; m++)
            for (int l = 0; l < 32; l++) {
                bf16 e[2];
                for (int j = 0; j < 2; j++) {
                    int i0 = l / 4, i1 = l % 4 * 2 + j; /* row, column of the 8x8 matrix */
                    if (trans)
                        std::swap(i0, i1);
                    e[j] = ((const bf16 *)((SimtLdm *)sl[m * 8 + i0])->row)[i1];
                }
                ((SimtLdm *)sl[l])->r[m] = (uint32_t)e[0] | (uint32_t)e[1] << 16;
            }
    };
    simt::warp_op(0xffffffffu, trans ? "ldmatrix.trans" : "ldmatrix", &s, fn);
}
inline void ldmatrix_x4(uint32_t r[4], const void *row)
{
    simt_ldmatrix(r, row, false);
}
inline void ldmatrix_x4_trans(uint32_t r[4], const void *row)
{
    simt_ldmatrix(r, row, true);
}

/* Tensor cores cut the running sum off towards zero; seen on an H100, and a source of error that
 * tolerances must know. */
inline float simt_truncated_sum(float c, double add)
{
    const double x = (double)c + add;
    const float f = (float)x;
    if (!(fabs((double)f) > fabs(x)))
        return f;
    uint32_t bits; /* one less is the next towards 0 */
    memcpy(&bits, &f, sizeof bits);
    bits--;
    float next;
    memcpy(&next, &bits, sizeof next);
    return next;
}

/* c = a b, in double: exact but for its last bits. All of it is the emulator's own, so no sanitizer need ask, which
 * would take most of a checked build's time. */
template <int M, int N>
__attribute__((no_sanitize("address", "undefined"))) inline void
simt_multiply(const double (&a)[M][16], const double (&b)[16][N], double (&c)[M][N], int columns)
{
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < columns; n++)
            c[m][n] = 0;
        for (int k = 0; k < 16; k++)
            for (int n = 0; n < columns; n++)
                c[m][n] += a[m][k] * b[k][n];
    }
}

struct SimtMma {
    float *c;
    const uint32_t *a, *b;
};
/* mma.m16n8k16; `widen`: a 16-bit number to float. */
template <class WIDEN>
inline void simt_mma(const char *name, float c[4], const uint32_t a[4], const uint32_t b[2],
                     WIDEN widen)
{
    SimtMma s{c, a, b};
    simt::warp_op(0xffffffffu, name, &s, [widen](void **sl) {
        double A[16][16], B[16][8], C[16][8];
        for (int l = 0; l < 32; l++) {
            const SimtMma *p = (const SimtMma *)sl[l];
            const int g = l / 4, t = l % 4;
            for (int i = 0; i < 8; i++) /* register i / 2, half i % 2 */
                A[g + (i / 2 & 1) * 8][t * 2 + i / 4 * 8 + i % 2] =
                    widen((uint16_t)(p->a[i / 2] >> 16 * (i % 2)));
            for (int i = 0; i < 4; i++)
                B[t * 2 + i / 2 * 8 + i % 2][g] = widen((uint16_t)(p->b[i / 2] >> 16 * (i % 2)));
        }
        simt_multiply(A, B, C, 8);
        for (int l = 0; l < 32; l++)
            for (int i = 0; i < 4; i++) {
                float *to = ((const SimtMma *)sl[l])->c + i;
                *to = simt_truncated_sum(*to, C[l / 4 + i / 2 * 8][l % 4 * 2 + i % 2]);
            }
    });
}
inline void mma_bf16_16816(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    simt_mma("mma.m16n8k16.bf16", c, a, b, bf2f);
}

#endif
