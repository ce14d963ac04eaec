/* SPDX-License-Identifier: Apache-2.0 */
/* What the CUDA device makes of failures, on the emulator. */
#include "kernels/cuda/device.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(cuda, .timeout = 60);

static mas_device *opened(void)
{
    mas_error err = {};
    mas_device *d = NULL;
    cr_assert_eq(mas_device_cuda.open(1, 0, &d, &err), MAS_OK, "%s", err.text);
    return d;
}

static void *some(mas_device *d, size_t bytes)
{
    mas_error err = {};
    void *p = NULL;
    cr_assert_eq(mas_alloc(d, bytes, MAS_MEMORY_WEIGHTS, &p, &err), MAS_OK, "%s", err.text);
    return p;
}

static mas_status product(mas_device *d, float *x, mas_error *err)
{
    mas_matmul m = {};
    m.m = m.n = m.k = m.lda = m.ldb = m.ldc = 1;
    m.a = m.b = x;
    m.c = x + 1;
    return d->ops->matmul(d, &m, err);
}

Test(cuda, f16_is_held_against_tensor_cores)
{
    mas_device *d = opened();
    cr_assert_eq(mas_device_limit(d, MAS_DTYPE_F32), MAS_LIMIT_F32);
    cr_assert_eq(mas_device_limit(d, MAS_DTYPE_BF16), MAS_LIMIT_BF16);
    cr_assert_eq(mas_device_limit(d, MAS_DTYPE_F16), MAS_LIMIT_BF16);
    mas_device_close(d);
}

/* A failure that was dealt with is over, for launches too. */
Test(cuda, goes_on_after_memory_was_refused)
{
    mas_device *d = opened();
    float *x = (float *)some(d, 16 * sizeof *x);
    void *too_much = NULL;
    mas_error err = {};
    cr_assert_eq(mas_alloc(d, SIZE_MAX / 2, MAS_MEMORY_WEIGHTS, &too_much, &err), MAS_E_MEMORY);
    d->ops->add(d, 4, x, x + 4);
    cr_assert_eq(product(d, x, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(d->ops->synchronize(d, &err), MAS_OK, "%s", err.text);
    d->ops->release(d, x);
    mas_device_close(d);
}

static void expect_refusal(mas_status status, const mas_error *err)
{
    cr_assert_eq(status, MAS_E_DEVICE);
    cr_assert_str_eq(err->text, "a copy: CUDA says \"invalid argument\"");
}

/* Whatever returns a status says what failed before, until the device is opened again. */
Test(cuda, a_noted_failure_is_reported_by_every_operation)
{
    mas_device *d = opened();
    float *x = (float *)some(d, 16 * sizeof *x);
    mas_error err = {};
    void *more = NULL;
    mas_attn_counts counts;
    mas_cuda_note(cudaErrorInvalidValue, "a copy");
    mas_cuda_note(cudaErrorMemoryAllocation, "a later failure");
    expect_refusal(mas_alloc(d, 4, MAS_MEMORY_WEIGHTS, &more, &err), &err);
    expect_refusal(product(d, x, &err), &err);
    expect_refusal(mas_cuda_expect(0, 0, NULL, &err), &err);
    expect_refusal(mas_cuda_expect(0, 0, &counts, &err), &err);
    expect_refusal(d->ops->synchronize(d, &err), &err);
    d->ops->release(d, x);
    mas_device_close(d);
    d = opened();
    cr_assert_eq(d->ops->synchronize(d, &err), MAS_OK, "%s", err.text);
    mas_device_close(d);
}

/* A call of two launches, of which the second failed, is over too. */
Test(cuda, half_a_call_of_attention_is_forgotten)
{
    mas_device *d = opened();
    mas_error err = {};
    mas_attn_plan plan = {};
    plan.kernel = &mas_cuda_backward_simple;
    mas_cuda_tallies()[1] +=
        5; /* what the first launch counts; the emulator's memory is the host's */
    cr_assert_eq(mas_cuda_finish(&plan, cudaErrorInvalidValue, NULL, &err), MAS_E_DEVICE);
    cr_assert_eq(d->ops->synchronize(d, &err), MAS_OK, "%s", err.text);
    mas_device_close(d);
}

/* After a fault of a kernel CUDA fails every call: no device can be opened, and the reason says what helps. */
Test(cuda, a_lost_gpu_cannot_be_opened_again)
{
    mas_device *d = opened();
    mas_error err = {};
    simt::lost = cudaErrorIllegalAddress;
    cr_assert_eq(d->ops->synchronize(d, &err), MAS_E_DEVICE);
    cr_assert(strstr(err.text, "start masbench again"), "%s", err.text);
    mas_device_close(d);
    err = {};
    cr_assert_eq(mas_device_cuda.open(1, 0, &d, &err), MAS_E_DEVICE);
    cr_assert(strstr(err.text, "an illegal memory access was encountered"), "%s", err.text);
    cr_assert(strstr(err.text, "start masbench again"), "%s", err.text);
}
