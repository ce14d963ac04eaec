/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the CPU device: accounts by category, limit, alignment, failure of the n-th
 * allocation. */
#include "device_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

Test(device_memory, opens_and_names_itself)
{
    mas_error err = {0};
    mas_device *d = NULL;
    cr_assert_eq(mas_device_open_cpu(3, 0, &d, &err), MAS_OK, "%s", err.text);
    cr_assert_str_eq(d->name, "cpu");
    cr_assert_eq(d->threads, 3);
    cr_assert_eq(d->memory.total_bytes, 0u);
    cr_assert(strncmp(d->matmul_library, "oneDNN ", 7) == 0 ||
                  strcmp(d->matmul_library, "plain") == 0,
              "%s", d->matmul_library);
    mas_cpu_use_plain_matmul(d, true);
    cr_assert_str_eq(d->matmul_library, "plain");
    mas_device_close(d);
    mas_device_close(NULL);
}

Test(device_memory, refuses_a_thread_count_out_of_range)
{
    mas_error err = {0};
    mas_device *d = NULL;
    cr_assert_eq(mas_device_open_cpu(0, 0, &d, &err), MAS_E_ARGUMENT);
    cr_assert(strstr(err.text, "0 were asked for"), "%s", err.text);
    cr_assert_eq(mas_device_open_cpu(1 << 20, 0, &d, &err), MAS_E_ARGUMENT);
    cr_assert_null(d);
}

Test(device_memory, names_its_categories)
{
    static const char *const names[] = {"weights",     "gradients", "optimiser",
                                        "activations", "workspace", "kv_cache"};
    for (int i = 0; i < MAS_MEMORY_COUNT; i++)
        cr_assert_str_eq(mas_memory_name((mas_memory)i), names[i]);
    cr_assert_str_eq(mas_memory_name(MAS_MEMORY_COUNT), "unknown");
}

Test(device_memory, is_aligned_zero_and_counted)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    mas_error err = {0};
    void *a = NULL, *b = NULL, *empty = NULL;
    cr_assert_eq(mas_alloc(d, 1001, MAS_MEMORY_WEIGHTS, &a, &err), MAS_OK);
    memset(a, 0xff, 1001);
    cr_assert_eq(mas_alloc(d, 77, MAS_MEMORY_KV_CACHE, &b, &err), MAS_OK);
    cr_assert_eq(mas_alloc(d, 0, MAS_MEMORY_GRADIENTS, &empty, &err), MAS_OK);
    cr_assert_eq((uintptr_t)a % 64, 0u);
    cr_assert_eq((uintptr_t)b % 64, 0u);
    cr_assert_not_null(empty);
    for (int i = 0; i < 77; i++)
        cr_assert_eq(((const char *)b)[i], 0);
    cr_assert_eq(d->memory.bytes[MAS_MEMORY_WEIGHTS], 1001u);
    cr_assert_eq(d->memory.bytes[MAS_MEMORY_KV_CACHE], 77u);
    cr_assert_eq(d->memory.total_bytes, 1078u);
    d->ops->release(d, a);
    cr_assert_eq(d->memory.bytes[MAS_MEMORY_WEIGHTS], 0u);
    cr_assert_eq(d->memory.peak_bytes[MAS_MEMORY_WEIGHTS], 1001u);
    cr_assert_eq(d->memory.total_bytes, 77u);
    cr_assert_eq(mas_alloc(d, 50, MAS_MEMORY_KV_CACHE, &a, &err), MAS_OK);
    cr_assert_eq(d->memory.peak_bytes[MAS_MEMORY_KV_CACHE], 127u);
    cr_assert_eq(d->memory.total_peak_bytes, 1078u);
    d->ops->release(d, a);
    d->ops->release(d, b);
    d->ops->release(d, empty);
    d->ops->release(d, NULL);
    cr_assert_eq(d->memory.total_bytes, 0u);
    mas_device_close(d);
}

Test(device_memory, keeps_to_its_limit)
{
    mas_error err = {0};
    mas_device *d = NULL;
    void *a = NULL, *b = NULL;
    cr_assert_eq(mas_device_open_cpu(1, 1000, &d, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_alloc(d, 600, MAS_MEMORY_WEIGHTS, &a, &err), MAS_OK, "%s", err.text);
    cr_assert_eq(mas_alloc(d, 401, MAS_MEMORY_ACTIVATIONS, &b, &err), MAS_E_MEMORY);
    cr_assert(strstr(err.text, "401 bytes of activations"), "%s", err.text);
    cr_assert(strstr(err.text, "only 400 of the memory limit of 1000 bytes are available"), "%s",
              err.text);
    cr_assert_null(b);
    cr_assert_eq(d->memory.total_bytes, 600u);
    cr_assert_eq(mas_alloc(d, 400, MAS_MEMORY_ACTIVATIONS, &b, &err), MAS_OK, "%s", err.text);
    d->ops->release(d, a);
    d->ops->release(d, b);
    mas_device_close(d);
}

#define ROWS 20
#define WIDTH 256
#define MATRIX_BYTES ((size_t)WIDTH * WIDTH * sizeof(uint16_t))

#define MORE_BYTES (4 * MATRIX_BYTES) /* more than packing takes at any level */

/* Two products, of which a device may keep something, then other memory. */
static mas_status products_then_memory(size_t limit)
{
    static uint16_t a[ROWS * WIDTH], c[ROWS * WIDTH];
    mas_error err = {0};
    mas_device *d = NULL;
    void *b[2] = {NULL}, *more = NULL;
    cr_assert_eq(mas_device_open_cpu(1, limit, &d, &err), MAS_OK, "%s", err.text);
    mas_status status = MAS_OK;
    for (int i = 0; status == MAS_OK && i < 2; i++)
        status = mas_alloc(d, MATRIX_BYTES, MAS_MEMORY_WEIGHTS, &b[i], &err);
    for (int i = 0; status == MAS_OK && i < 2; i++) {
        const mas_matmul g = {.m = ROWS,
                              .n = WIDTH,
                              .k = WIDTH,
                              .type = MAS_DTYPE_BF16,
                              .c_type = MAS_DTYPE_BF16,
                              .a = a,
                              .b = b[i],
                              .c = c,
                              .lda = WIDTH,
                              .ldb = WIDTH,
                              .ldc = WIDTH,
                              .trans_b = true,
                              .b_version = 1};
        status = d->ops->matmul(d, &g, &err);
    }
    if (status == MAS_OK)
        status = mas_alloc(d, MORE_BYTES, MAS_MEMORY_ACTIVATIONS, &more, &err);
    cr_assert(d->memory.total_peak_bytes <= limit || limit == 0);
    d->ops->release(d, more);
    d->ops->release(d, b[0]);
    d->ops->release(d, b[1]);
    mas_device_close(d);
    return status;
}

/* What is kept to save time gives way to what is needed. */
Test(device_memory, a_higher_limit_never_fits_less)
{
    cr_assert_eq(products_then_memory(0), MAS_OK);
    const size_t needed = 2 * MATRIX_BYTES + MORE_BYTES;
    bool fits = false;
    for (size_t limit = MATRIX_BYTES; limit <= 2 * needed; limit += MATRIX_BYTES / 8) {
        const mas_status status = products_then_memory(limit);
        cr_assert(status == MAS_OK || (status == MAS_E_MEMORY && !fits && limit < needed),
                  "%zu of %zu bytes: %s", limit, needed, mas_status_name(status));
        fits = status == MAS_OK;
    }
    cr_assert(fits);
}

Test(device_memory, reports_what_the_system_refuses)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    mas_error err = {0};
    void *a = NULL;
    cr_assert_eq(mas_alloc(d, SIZE_MAX, MAS_MEMORY_OPTIMISER, &a, &err), MAS_E_MEMORY);
    cr_assert(strstr(err.text, "of optimiser were asked for"), "%s", err.text);
    cr_assert_eq(mas_alloc(d, SIZE_MAX / 2, MAS_MEMORY_OPTIMISER, &a, &err), MAS_E_MEMORY);
    cr_assert_eq(d->memory.total_peak_bytes, 0u);
    mas_device_close(d);
}

Test(device_memory, fails_the_nth_allocation_on_request)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    mas_error err = {0};
    for (int64_t n = 1; n <= 3; n++) {
        void *p[4] = {0};
        mas_cpu_fail_allocation(d, n);
        for (int64_t i = 1; i <= 4; i++) {
            const mas_status status = mas_alloc(d, 8, MAS_MEMORY_WORKSPACE, &p[i - 1], &err);
            cr_assert_eq(status, i == n ? MAS_E_MEMORY : MAS_OK);
            if (i == n)
                cr_assert(strstr(err.text, "8 bytes of workspace"), "%s", err.text);
        }
        for (int i = 0; i < 4; i++)
            d->ops->release(d, p[i]);
    }
    mas_cpu_fail_allocation(d, 1);
    mas_cpu_fail_allocation(d, 0);
    void *p = NULL;
    cr_assert_eq(mas_alloc(d, 8, MAS_MEMORY_WORKSPACE, &p, &err), MAS_OK);
    d->ops->release(d, p);
    mas_device_close(d);
}

Test(device_memory, copies_and_clears)
{
    mas_device *d = test_open(MAS_ISA_SCALAR, 1);
    const float host[3] = {1.0f, 2.0f, 3.0f};
    float back[3] = {0};
    float *x = test_zeros(d, 3);
    d->ops->upload(d, x, host, sizeof host);
    d->ops->download(d, back, x, sizeof back);
    cr_assert_eq(memcmp(host, back, sizeof host), 0);
    d->ops->zero(d, x, sizeof host);
    cr_assert(x[0] == 0.0f && x[1] == 0.0f && x[2] == 0.0f);
    d->ops->zero(d, NULL, 0);
    test_close(d);
}
