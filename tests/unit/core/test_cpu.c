/* SPDX-License-Identifier: Apache-2.0 */
/* Every Criterion test is a process of its own, so lowering the level here touches nobody else. */
#include "masbench/cpu.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void forget_environment(void)
{
    unsetenv("MASBENCH_CPU");
}

TestSuite(cpu, .timeout = 10, .init = forget_environment);

Test(cpu, names)
{
    static const char *const names[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};
    for (int i = 0; i < MAS_ISA_COUNT; i++) {
        mas_isa isa = MAS_ISA_COUNT;
        cr_assert_str_eq(mas_isa_name((mas_isa)i), names[i]);
        cr_assert_eq(mas_isa_from_name(names[i], &isa, NULL), MAS_OK);
        cr_assert_eq((int)isa, i);
    }
    cr_assert_str_eq(mas_isa_name(MAS_ISA_COUNT), "unknown");
}

Test(cpu, unknown_name)
{
    static const char *const bad[] = {"", "avx", "AVX2", "avx512 ", "sse"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mas_isa isa = MAS_ISA_AVX2;
        mas_error err;
        cr_assert_eq(mas_isa_from_name(bad[i], &isa, &err), MAS_E_ARGUMENT);
        cr_assert_eq(isa, MAS_ISA_AVX2);
        cr_assert_not_null(strstr(err.text, "scalar, avx2, avx512, avx512bf16, amx"), "%s",
                           err.text);
    }
}

Test(cpu, limit_lowers)
{
    const mas_isa have = mas_cpu_offered();
    for (int isa = have; isa >= 0; isa--) {
        cr_assert_eq(mas_cpu_limit((mas_isa)isa, NULL), MAS_OK);
        cr_assert_eq((int)mas_cpu_isa(), isa);
    }
}

Test(cpu, limit_cannot_raise)
{
    mas_error err;
    const mas_isa have = mas_cpu_offered(), used = mas_cpu_isa();
    for (int isa = have + 1; isa <= MAS_ISA_COUNT; isa++) {
        cr_assert_eq(mas_cpu_limit((mas_isa)isa, &err), MAS_E_UNSUPPORTED);
        cr_assert_not_null(strstr(err.text, mas_isa_name(have)), "%s", err.text);
        cr_assert_eq(mas_cpu_isa(), used);
    }
}

Test(cpu, environment_lowers)
{
    const mas_isa have = mas_cpu_offered();
    setenv("MASBENCH_CPU", "scalar", 1);
    cr_assert_eq(mas_cpu_isa(), MAS_ISA_SCALAR);
    setenv("MASBENCH_CPU", mas_isa_name(MAS_ISA_COUNT - 1), 1);
    cr_assert_eq(mas_cpu_isa(), have);
    setenv("MASBENCH_CPU", "scalar", 1);
    cr_assert_eq(mas_cpu_offered(), MAS_ISA_SCALAR);
}

Test(cpu, used_is_offered)
{
    cr_assert_leq(mas_cpu_isa(), mas_cpu_offered());
    cr_assert_geq(mas_cpu_isa(),
                  mas_cpu_offered() < MAS_ISA_AVX512 ? mas_cpu_offered() : MAS_ISA_AVX512);
}

Test(cpu, model_name)
{
    const char *model = mas_cpu_model();
    cr_assert(model[0] != '\0' && !strchr(model, '\n'));
    cr_assert_eq(mas_cpu_model(), model);
}
