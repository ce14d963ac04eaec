/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check/emulated.h"

#include "kernels/cpu/cpu_device.h"
#include "kernels/reference/reference.h"
#include "masbench/cpu.h"

#if defined(__x86_64__)

extern const mas_attn_kernel mas_attn_forward_flash_amx_emulated;
extern const mas_attn_kernel mas_attn_backward_flash_amx_emulated;

static const mas_attn_kernel *const table[] = {
    &mas_attn_forward_flash_amx_emulated, &mas_attn_backward_flash_amx_emulated,
    &mas_attn_forward_reference, &mas_attn_backward_reference, NULL};

static mas_status open_device(int threads, size_t limit_bytes, mas_device **out, mas_error *err)
{
    static mas_cpu_rows rows;
    const mas_status status = mas_device_open_cpu(threads, limit_bytes, out, err);
    if (status != MAS_OK)
        return status;
    rows = *mas_cpu(*out)->rows;
    rows.tiles = &mas_cpu_tiles_amx_emulated;
    mas_cpu(*out)->rows = &rows;
    return MAS_OK;
}

mas_status emulate_tiles(mas_check_options *options, mas_error *err)
{
    if (mas_cpu_isa() < MAS_ISA_AVX512BF16)
        return mas_fail(err, MAS_E_UNSUPPORTED, "emulated tiles need avx512bf16, this is %s",
                        mas_isa_name(mas_cpu_isa()));
    options->table = table;
    options->open_device = open_device;
    return MAS_OK;
}

#else

mas_status emulate_tiles(mas_check_options *options, mas_error *err)
{
    (void)options;
    return mas_fail(err, MAS_E_UNSUPPORTED, "emulated tiles need an x86-64 processor");
}

#endif
