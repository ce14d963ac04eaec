/* SPDX-License-Identifier: Apache-2.0 */
/* Packed copies of the second operands of bf16 products that are kept from call to call, as long as
 * their version lasts. Packing costs about as much as multiplying by a few dozen rows, so only
 * products of few rows keep: a chunk of logits, a token to generate. */
#include "kernels/cpu/cpu_device.h"

#include <stdlib.h>

struct mas_cpu_packed {
    const void *b;
    int64_t n, k, ldb;
    bool trans_b;
    uint64_t version; /* 0: not packed yet */
    void *panels;
};

static mas_cpu_packed *find(const mas_cpu_device *d, const mas_matmul *g)
{
    for (size_t i = 0; i < d->kept_count; i++) {
        mas_cpu_packed *p = &d->kept[i];
        if (p->b == g->b && p->n == g->n && p->k == g->k && p->ldb == g->ldb &&
            p->trans_b == g->trans_b)
            return p;
    }
    return NULL;
}

void *mas_cpu_kept(mas_device *d, const mas_matmul *g, size_t bytes, bool *fresh)
{
    mas_cpu_device *cpu = mas_cpu(d);
    mas_cpu_packed *p = find(cpu, g);
    if (!p) {
        mas_cpu_packed *more = realloc(cpu->kept, (cpu->kept_count + 1) * sizeof *more);
        if (!more)
            return NULL;
        cpu->kept = more;
        void *panels = NULL;
        if (mas_cpu_alloc(d, bytes, MAS_MEMORY_WORKSPACE, &panels, NULL) != MAS_OK)
            return NULL;
        p = &more[cpu->kept_count++];
        *p = (mas_cpu_packed){.b = g->b,
                              .n = g->n,
                              .k = g->k,
                              .ldb = g->ldb,
                              .trans_b = g->trans_b,
                              .panels = panels};
    }
    *fresh = p->version == g->b_version;
    p->version = g->b_version;
    return p->panels;
}

void mas_cpu_forget(mas_device *d, const void *from, size_t bytes)
{
    mas_cpu_device *cpu = mas_cpu(d);
    for (size_t i = 0; i < cpu->kept_count;) {
        const char *b = cpu->kept[i].b;
        if (b >= (const char *)from && b < (const char *)from + bytes) {
            void *panels = cpu->kept[i].panels;
            cpu->kept[i] = cpu->kept[--cpu->kept_count];
            mas_cpu_release(d, panels);
        } else {
            i++;
        }
    }
}

void mas_cpu_forget_all(mas_device *d)
{
    mas_cpu_device *cpu = mas_cpu(d);
    while (cpu->kept_count > 0)
        mas_cpu_release(d, cpu->kept[--cpu->kept_count].panels);
    free(cpu->kept);
    cpu->kept = NULL;
}
