/* SPDX-License-Identifier: Apache-2.0 */
/** What the commands say about an experiment before it runs: one row a kind. */
#ifndef MASBENCH_CLI_KINDS_H
#define MASBENCH_CLI_KINDS_H

#include "harness/config/experiment.h"

typedef struct mas_cli_kind {
    /** The points as an aligned table. */
    void (*print_points)(const mas_experiment *experiment, const mas_device_kind *device,
                         FILE *out);
    /** One line per distinct attention problem: the kernels that serve it; with `refusals`, also why better ones do
     *  not. */
    void (*print_kernels)(const mas_experiment *experiment, const mas_device_kind *device,
                          bool refusals, FILE *out);
    /** One point in detail.
     *  @return expected seconds, 0: not known */
    double (*explain)(const mas_experiment *experiment, int64_t index,
                      const mas_device_kind *device, int threads, FILE *out);
    int32_t (*length)(const mas_point *point); /* at which its masks are drawn */
    double (*work)(const mas_point *point);    /* for the time left, in any one unit */
} mas_cli_kind;
extern const mas_cli_kind mas_cli_kinds[MAS_EXPERIMENT_KIND_COUNT];

void mas_cli_model_points(const mas_experiment *experiment, const mas_device_kind *device,
                          FILE *out);
void mas_cli_model_kernels(const mas_experiment *experiment, const mas_device_kind *device,
                           bool refusals, FILE *out);
double mas_cli_model_explain(const mas_experiment *experiment, int64_t index,
                             const mas_device_kind *device, int threads, FILE *out);

void mas_cli_kernel_points(const mas_experiment *experiment, const mas_device_kind *device,
                           FILE *out);
void mas_cli_kernel_kernels(const mas_experiment *experiment, const mas_device_kind *device,
                            bool refusals, FILE *out);
double mas_cli_kernel_explain(const mas_experiment *experiment, int64_t index,
                              const mas_device_kind *device, int threads, FILE *out);

#endif
