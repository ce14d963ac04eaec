/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that touch each element once: bound by memory, so four neighbours a thread and one pass.
 */
#include "kernels/cuda/device.h"
#include "kernels/cuda/typed.h"

#include <math.h>

enum { THREADS = 256, PER_BLOCK = 4 * THREADS };

static __device__ __forceinline__ int64_t first_of_thread(void)
{
    return ((int64_t)blockIdx.x * THREADS + threadIdx.x) * 4;
}

__global__ void __launch_bounds__(THREADS)
    convert(int64_t count, const float *from, mas_dtype type, void *to)
{
    const int64_t i = first_of_thread();
    if (i < count)
        store4(type, to, i, count - i, load4(MAS_DTYPE_F32, from, i, count - i));
}

__global__ void __launch_bounds__(THREADS) add(int64_t count, const float *y, float *x)
{
    const int64_t i = first_of_thread();
    if (i >= count)
        return;
    const four a = load4(MAS_DTYPE_F32, y, i, count - i);
    four b = load4(MAS_DTYPE_F32, x, i, count - i);
    for (int e = 0; e < 4; e++)
        b.x[e] += a.x[e];
    store4(MAS_DTYPE_F32, x, i, count - i, b);
}

__global__ void __launch_bounds__(THREADS)
    add_bias(int64_t count, int64_t c, const float *bias, mas_dtype type, void *x)
{
    const int64_t i = first_of_thread();
    if (i >= count)
        return;
    four a = load4(type, x, i, count - i);
    place p = place_of(i, c);
    for (int e = 0; e < 4; e++, place_advance(&p, c))
        a.x[e] += bias[p.column];
    store4(type, x, i, count - i, a);
}

/* ---- activations ---- */

#define GELU_ROOT 0.797884560802865356f /* sqrt(2 / pi) */
#define GELU_CUBE 0.044715f

static __device__ __forceinline__ float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(GELU_ROOT * (x + GELU_CUBE * x * x * x)));
}

static __device__ __forceinline__ float gelu_slope(float x)
{
    const float t = tanhf(GELU_ROOT * (x + GELU_CUBE * x * x * x)),
                inner = GELU_ROOT * (1.0f + 3.0f * GELU_CUBE * x * x);
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
}

static __device__ __forceinline__ float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Four outputs, of which `left` exist, from place p on: the gate of output (row, j) is in[row][j], its other factor
 * in[row][f + j]. Where the four are of one row, as they are when f is a multiple of 4, they are read, and written, four at
 * a time. */
struct gated {
    four gate, up;
};

static __device__ __forceinline__ gated load_gated(mas_dtype type, const void *in, place p,
                                                   int64_t left, int64_t f)
{
    gated r = {};
    if (p.column + 4 <= f) {
        const int64_t at = p.row * 2 * f + p.column;
        r.gate = load4(type, in, at, 4);
        r.up = load4(type, in, at + f, 4);
        return r;
    }
    for (int e = 0; e < 4 && e < left; e++, place_advance(&p, f)) {
        r.gate.x[e] = typed_load(type, in, p.row * 2 * f + p.column);
        r.up.x[e] = typed_load(type, in, p.row * 2 * f + f + p.column);
    }
    return r;
}

static __device__ __forceinline__ void store_gated(mas_dtype type, void *out, place p, int64_t left,
                                                   int64_t f, gated v)
{
    if (p.column + 4 <= f) {
        const int64_t at = p.row * 2 * f + p.column;
        store4(type, out, at, 4, v.gate);
        store4(type, out, at + f, 4, v.up);
        return;
    }
    for (int e = 0; e < 4 && e < left; e++, place_advance(&p, f)) {
        typed_store(type, out, p.row * 2 * f + p.column, v.gate.x[e]);
        typed_store(type, out, p.row * 2 * f + f + p.column, v.up.x[e]);
    }
}

__global__ void __launch_bounds__(THREADS)
    activate(mas_activation kind, int64_t n, int64_t f, mas_dtype type, const void *in, void *out)
{
    const int64_t i = first_of_thread(), count = n * f;
    if (i >= count)
        return;
    four r;
    if (kind == MAS_ACTIVATION_GELU) {
        r = load4(type, in, i, count - i);
        for (int e = 0; e < 4; e++)
            r.x[e] = gelu(r.x[e]);
    } else {
        const gated x = load_gated(type, in, place_of(i, f), count - i, f);
        for (int e = 0; e < 4; e++)
            r.x[e] = x.gate.x[e] * sigmoid(x.gate.x[e]) * x.up.x[e];
    }
    store4(type, out, i, count - i, r);
}

__global__ void __launch_bounds__(THREADS)
    activate_backward(mas_activation kind, int64_t n, int64_t f, mas_dtype type, const void *in,
                      const void *d_out, void *d_in)
{
    const int64_t i = first_of_thread(), count = n * f;
    if (i >= count)
        return;
    const four d = load4(type, d_out, i, count - i);
    if (kind == MAS_ACTIVATION_GELU) {
        four r = load4(type, in, i, count - i);
        for (int e = 0; e < 4; e++)
            r.x[e] = d.x[e] * gelu_slope(r.x[e]);
        store4(type, d_in, i, count - i, r);
        return;
    }
    const place p = place_of(i, f);
    gated x = load_gated(type, in, p, count - i, f);
    for (int e = 0; e < 4; e++) {
        const float gate = x.gate.x[e], up = x.up.x[e], s = sigmoid(gate);
        x.gate.x[e] = d.x[e] * up * s * (1.0f + gate * (1.0f - s));
        x.up.x[e] = d.x[e] * gate * s;
    }
    store_gated(type, d_in, p, count - i, f, x);
}

/* ---- rotary positions ---- */

/* A thread has one pair (j, j + half) of a row in all heads, so that an angle is computed once; in
 * f64, since an angle of many turns has few digits left in f32. */
__global__ void __launch_bounds__(THREADS)
    rotate(int64_t n, int64_t heads, int64_t dim, int64_t row_stride, double log2_theta,
           bool inverse, const int32_t *positions, mas_dtype type, void *x)
{
    const int64_t half = dim / 2, i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= n * half)
        return;
    const int64_t row = i / half, j = i % half;
    double sine, cosine;
    sincos((double)positions[row] * exp2(-2.0 * (double)j / (double)dim * log2_theta), &sine,
           &cosine);
    const float s = inverse ? -(float)sine : (float)sine, c = (float)cosine;
    for (int64_t h = 0; h < heads; h++) {
        const int64_t at = row * row_stride + h * dim + j;
        const float a = typed_load(type, x, at), b = typed_load(type, x, at + half);
        typed_store(type, x, at, a * c - b * s);
        typed_store(type, x, at + half, a * s + b * c);
    }
}

/* ---- host ---- */

void mas_cuda_convert(mas_device *d, int64_t count, const float *from, mas_dtype type, void *to)
{
    (void)d;
    mas_cuda_note(simt_launch(convert, dim3(mas_cuda_blocks(count, PER_BLOCK)), dim3(THREADS), 0,
                              mas_cuda_stream(), count, from, type, to),
                  "convert");
}

void mas_cuda_add(mas_device *d, int64_t count, const float *y, float *x)
{
    (void)d;
    mas_cuda_note(simt_launch(add, dim3(mas_cuda_blocks(count, PER_BLOCK)), dim3(THREADS), 0,
                              mas_cuda_stream(), count, y, x),
                  "add");
}

void mas_cuda_add_bias(mas_device *d, int64_t n, int64_t c, const float *bias, mas_dtype type,
                       void *x)
{
    (void)d;
    mas_cuda_note(simt_launch(add_bias, dim3(mas_cuda_blocks(n * c, PER_BLOCK)), dim3(THREADS), 0,
                              mas_cuda_stream(), n * c, c, bias, type, x),
                  "add_bias");
}

void mas_cuda_activation(mas_device *d, mas_activation kind, int64_t n, int64_t f, mas_dtype type,
                         const void *in, void *out)
{
    (void)d;
    mas_cuda_note(simt_launch(activate, dim3(mas_cuda_blocks(n * f, PER_BLOCK)), dim3(THREADS), 0,
                              mas_cuda_stream(), kind, n, f, type, in, out),
                  "activation");
}

void mas_cuda_activation_backward(mas_device *d, mas_activation kind, int64_t n, int64_t f,
                                  mas_dtype type, const void *in, const void *d_out, void *d_in)
{
    (void)d;
    mas_cuda_note(simt_launch(activate_backward, dim3(mas_cuda_blocks(n * f, PER_BLOCK)),
                              dim3(THREADS), 0, mas_cuda_stream(), kind, n, f, type, in, d_out,
                              d_in),
                  "activation_backward");
}

void mas_cuda_rope(mas_device *d, int64_t n, int64_t heads, int64_t dim, int64_t row_stride,
                   float theta, bool inverse, const int32_t *positions, mas_dtype type, void *x)
{
    (void)d;
    mas_cuda_note(simt_launch(rotate, dim3(mas_cuda_blocks(n * dim / 2, THREADS)), dim3(THREADS), 0,
                              mas_cuda_stream(), n, heads, dim, row_stride, log2((double)theta),
                              inverse, positions, type, x),
                  "rope");
}
