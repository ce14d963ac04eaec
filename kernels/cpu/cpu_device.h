/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of the CPU device: its state, the operations by file, and two hooks for tests. Private
 * to kernels/cpu and tests/unit/kernels.
 *
 * How every operation keeps its result independent of the thread count: the shapes alone cut the
 * work into pieces, each piece is computed serially, and where pieces are summed they are summed
 * in order of their number. Threads only decide who computes a piece.
 */
#ifndef MASBENCH_CPU_DEVICE_H
#define MASBENCH_CPU_DEVICE_H

#include "kernels/cpu/rows.h"
#include "masbench/device.h"

/** Floats of the fixed scratch (4 MiB) for partial sums. Operations that return void cannot
 *  report a failed allocation, so the scratch is part of the device, made at open and outside
 *  the accounts and the limit; the number of partial sums is chosen to fit. */
#define MAS_CPU_SCRATCH ((int64_t)1 << 20)

typedef struct mas_cpu_packed mas_cpu_packed; /* packed.c */

typedef struct mas_cpu_device {
    mas_device base; /* first: a mas_device * of this device is a mas_cpu_device * */
    const mas_cpu_rows *rows;
    float *scratch;
    char *traffic;          /* what limits.c reads and copies, or NULL; outside the accounts, too */
    int64_t fail_countdown; /* 1: the next allocation fails; 0: off */
    bool plain_matmul;
    void *packed; /* operands of a bf16 product in the order of the inner kernel */
    size_t packed_bytes;
    mas_cpu_packed *kept; /* second operands that stay packed */
    size_t kept_count;
    char library[32];
    char hardware[160]; /* model and instruction level */
} mas_cpu_device;

static inline mas_cpu_device *mas_cpu(mas_device *d)
{
    return (mas_cpu_device *)(void *)d;
}

/** Test hook: the n-th allocation from now (1: the next) fails as if the system had no memory; 0:
 * none does. */
void mas_cpu_fail_allocation(mas_device *d, int64_t n);
/** Test hook: use the plain matrix product although a library is there, or go back. */
void mas_cpu_use_plain_matmul(mas_device *d, bool plain);

/** Threads for that many pieces of work. */
static inline int mas_cpu_team(const mas_device *d, int64_t pieces)
{
    const int64_t most = pieces > 1 ? pieces : 1;
    return most < d->threads ? (int)most : d->threads;
}

static inline int64_t mas_cpu_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t mas_cpu_larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** Element i of an array of that type and what follows. */
static inline void *mas_cpu_at(mas_dtype type, void *x, int64_t i)
{
    return (char *)x + i * (int64_t)mas_dtype_bytes(type);
}

static inline const void *mas_cpu_from(mas_dtype type, const void *x, int64_t i)
{
    return (const char *)x + i * (int64_t)mas_dtype_bytes(type);
}

/** ceil(a / b). */
static inline int64_t mas_cpu_pieces(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* memory.c */
/** MAS_E_MEMORY where the limit or the system refuses it, though what is only kept was given up. */
mas_status mas_cpu_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                         mas_error *err);
/** The same, giving up nothing. */
mas_status mas_cpu_try_alloc(mas_device *d, size_t bytes, mas_memory category, void **out,
                             mas_error *err);
void mas_cpu_release(mas_device *d, void *pointer); /* NULL allowed */
size_t mas_cpu_size(const void *pointer);           /* bytes that were asked for */

/* product_cut.c */
/** C = A B^T, of which rows must not depend on the rows beside them: matmul.c. */
static inline bool mas_cpu_is_forward(const mas_matmul *g)
{
    return !g->trans_a && g->trans_b;
}
#define MAS_CPU_ROWS_ALONE 16 /* of a piece of such a product, at least */
/** How a product is cut into pieces. */
typedef struct mas_cpu_cut {
    int64_t rows, columns, terms; /* size of a piece */
    int64_t m, n, k;              /* pieces along each; the last along m may be larger or smaller */
} mas_cpu_cut;
mas_cpu_cut mas_cpu_cut_product(const mas_matmul *g);
/** Piece number p; when the sum is cut its output is a part of the k-th partial product. */
mas_matmul mas_cpu_piece(const mas_matmul *g, const mas_cpu_cut *c, int64_t p, float *partial);
/** c[row] (+)= that row of the `count` partial products in the device's scratch, in order. */
void mas_cpu_sum_partials(const mas_cpu_device *d, const mas_matmul *g, int64_t count, int64_t row);

/* matmul.c */
mas_status mas_cpu_matmul(mas_device *d, const mas_matmul *m, mas_error *err);
/** Name and version of the library, or "plain", into text. */
void mas_cpu_matmul_library(char *text, size_t size);

/* matmul_bf16.c */
mas_status mas_cpu_matmul_bf16(mas_device *d, const mas_matmul *m, mas_error *err);

/* packed.c */
/** Room for the packed b of a product with a version; NULL: there is none, pack elsewhere.
 *  @param bytes       the same whenever the operand is
 *  @param[out] fresh  it holds this version already; otherwise the caller fills it */
void *mas_cpu_kept(mas_device *d, const mas_matmul *g, size_t bytes, bool *fresh);
/** That memory is given back: whatever was packed from it is void. */
void mas_cpu_forget(mas_device *d, const void *from, size_t bytes);
/** At least that many bytes at mas_cpu_device.packed, content undefined; MAS_E_MEMORY, and then none. */
mas_status mas_cpu_packing_room(mas_device *d, size_t bytes, mas_error *err);
/** Give up all of the above; false when there was nothing. */
bool mas_cpu_forget_all(mas_device *d);

/* embed.c */
void mas_cpu_embed(mas_device *d, int64_t n, int64_t c, const int32_t *ids,
                   const int32_t *positions, const float *token_table, const float *position_table,
                   float *out);
void mas_cpu_embed_backward(mas_device *d, int64_t n, int64_t c, int64_t vocab, const int32_t *ids,
                            const int32_t *positions, const float *d_out, float *d_token_table,
                            float *d_position_table);

/* row_ops.c */
void mas_cpu_convert(mas_device *d, int64_t count, const float *from, mas_dtype type, void *to);
void mas_cpu_norm(mas_device *d, mas_norm kind, int64_t n, int64_t c, float epsilon, const float *x,
                  const void *y, float *sum, const float *weight, const float *bias, mas_dtype type,
                  void *out, float *mean, float *rstd);
void mas_cpu_norm_backward(mas_device *d, mas_norm kind, int64_t n, int64_t c, const float *x,
                           const float *weight, const float *mean, const float *rstd,
                           mas_dtype type, const void *d_out, float *d_x, void *d_x_copy,
                           float *d_weight, float *d_bias);
void mas_cpu_activation(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                        const void *in, void *out);
void mas_cpu_activation_backward(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                 mas_dtype type, const void *in, const void *d_out, void *d_in);
void mas_cpu_add_bias(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                      void *x);
void mas_cpu_bias_backward(mas_device *d, int64_t n, int64_t c, mas_dtype type, const void *d_out,
                           float *d_bias);
void mas_cpu_add(mas_device *d, int64_t count, const float *y, float *x);
void mas_cpu_rope(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                  float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x);

/* cross_entropy.c */
mas_status mas_cpu_cross_entropy(mas_device *d, int64_t n, int64_t c, int64_t vocab, mas_dtype type,
                                 const void *x, const void *weight, uint64_t weight_version,
                                 const int32_t *targets, float grad_scale, float *losses,
                                 uint8_t *correct, void *d_x, float *d_weight, void *workspace,
                                 mas_error *err);
size_t mas_cpu_cross_entropy_workspace(const mas_device *d, int64_t n, int64_t c, int64_t vocab,
                                       mas_dtype type);

/* optimiser.c */
double mas_cpu_sum_squares(mas_device *d, int64_t count, const float *x);
void mas_cpu_adamw_step(mas_device *d, int64_t count, const mas_adamw *hyper, const float *gradient,
                        float *weight, float *m, float *v, uint16_t *copy);

#endif
