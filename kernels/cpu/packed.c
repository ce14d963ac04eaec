/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that bf16 products keep from call to call: room for packing, and packed copies of second
 * operands, as long as their version lasts. Packing costs about as much as multiplying by a few
 * dozen rows, so only products of few rows keep copies: a chunk of logits, a token to generate.
 *
 * All of it can be had again, so it gives way to whoever needs memory (memory.c). What fits a memory
 * limit therefore depends on what is needed at one time alone, not on what was done before. */
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
        if (mas_cpu_try_alloc(d, bytes, MAS_MEMORY_WORKSPACE, &panels, NULL) != MAS_OK)
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

static void give_up_room(mas_device *d)
{
    mas_cpu_device *cpu = mas_cpu(d);
    mas_cpu_release(d, cpu->packed);
    cpu->packed = NULL;
    cpu->packed_bytes = 0;
}

mas_status mas_cpu_packing_room(mas_device *d, size_t bytes, mas_error *err)
{
    mas_cpu_device *cpu = mas_cpu(d);
    if (bytes <= cpu->packed_bytes)
        return MAS_OK;
    give_up_room(d);
    const mas_status status = mas_cpu_try_alloc(d, bytes, MAS_MEMORY_WORKSPACE, &cpu->packed, err);
    if (status == MAS_OK)
        cpu->packed_bytes = bytes;
    return status;
}

bool mas_cpu_forget_all(mas_device *d)
{
    mas_cpu_device *cpu = mas_cpu(d);
    const bool any = cpu->packed || cpu->kept_count > 0;
    while (cpu->kept_count > 0)
        mas_cpu_release(d, cpu->kept[--cpu->kept_count].panels);
    free(cpu->kept);
    cpu->kept = NULL;
    give_up_room(d);
    return any;
}
