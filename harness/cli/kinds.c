/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/kinds.h"

#include "harness/run/estimate.h"

static int32_t model_length(const mas_point *point)
{
    return point->training.seq_len;
}

static double model_work(const mas_point *point)
{
    mas_point_cost cost;
    const bool known = mas_point_cost_of(&mas_device_cpu, point, &cost, NULL) == MAS_OK;
    return known ? cost.training_flops + cost.evaluation_flops + 1 : 1;
}

static int32_t kernel_length(const mas_point *point)
{
    return point->kernel.length;
}

/* A point's time is mostly its budget of seconds, the same for all. */
static double kernel_work(const mas_point *point)
{
    (void)point;
    return 1;
}

const mas_cli_kind mas_cli_kinds[MAS_EXPERIMENT_KIND_COUNT] = {
    [MAS_KIND_TRAIN] = {mas_cli_model_points, mas_cli_model_kernels, mas_cli_model_explain,
                        model_length, model_work},
    [MAS_KIND_PLAN] = {mas_cli_model_points, mas_cli_model_kernels, mas_cli_model_explain,
                       model_length, model_work},
    [MAS_KIND_KERNEL] = {mas_cli_kernel_points, mas_cli_kernel_kernels, mas_cli_kernel_explain,
                         kernel_length, kernel_work},
};
