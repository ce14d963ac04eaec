/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_pack.h"

enum { THREADS = 128 };

/* One block a row of all heads. */
__global__ void __launch_bounds__(THREADS)
    pack_rows(mas_view from, mas_view to, int heads, int columns)
{
    const int row = (int)blockIdx.x, batch = (int)blockIdx.y;
    const uint16_t *source = (const uint16_t *)from.data + batch * from.batch + row * from.row;
    uint16_t *target = (uint16_t *)to.data + batch * to.batch + row * to.row;
    for (int i = (int)threadIdx.x; i < heads * columns; i += THREADS)
        target[i / columns * to.head + i % columns] = source[i / columns * from.head + i % columns];
}

/* Do all rows begin at multiples of 16 bytes? */
static bool view_aligned(const mas_view *v)
{
    return (uintptr_t)v->data % 16 == 0 && v->batch % 8 == 0 && v->row % 8 == 0 && v->head % 8 == 0;
}

static cudaError_t pack(void **memory, mas_view *view, int64_t batches, int64_t rows, int64_t heads,
                        int32_t columns)
{
    if (!view->data || view_aligned(view))
        return cudaSuccess;
    const int64_t padded = (columns + 7) / 8 * 8;
    cudaError_t code = cudaMallocAsync(
        memory, (size_t)(batches * rows * heads * padded) * sizeof(uint16_t), mas_cuda_stream());
    if (code != cudaSuccess)
        return code;
    const mas_view to = mas_view_dense(*memory, rows, heads, padded);
    code = simt_launch(pack_rows, dim3((unsigned)rows, (unsigned)batches), dim3(THREADS), 0,
                       mas_cuda_stream(), *view, to, (int)heads, (int)columns);
    *view = to;
    return code;
}

cudaError_t mas_cuda_pack(mas_cuda_packed *packed, const mas_attn_problem *p, mas_cuda_attention *a)
{
    *packed = {};
    cudaError_t code = pack(&packed->memory[0], &a->q, p->batch, p->q_len, p->q_heads, p->d_qk);
    if (code == cudaSuccess)
        code = pack(&packed->memory[1], &a->k, p->batch, p->kv_len, p->kv_heads, p->d_qk);
    if (code == cudaSuccess)
        code = pack(&packed->memory[2], &a->v, p->batch, p->kv_len, p->kv_heads, p->d_v);
    if (code == cudaSuccess)
        code = pack(&packed->memory[3], &a->d_o, p->batch, p->q_len, p->q_heads, p->d_v);
    return code;
}

void mas_cuda_unpack(mas_cuda_packed *packed)
{
    for (void *memory : packed->memory)
        if (memory)
            mas_cuda_note(cudaFreeAsync(memory, mas_cuda_stream()), "freeing packed inputs");
}
