/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the CUDA back end share. Private to kernels/cuda.
 *
 * Every .cu file is compiled twice: by nvcc, and as plain C++ against the emulator of simt/, which
 * runs the same kernels on the CPU in the tests. So files here include this header instead of
 * CUDA's own, launch by simt_launch, and keep to the subset that simt/simt.h lists.
 *
 * One GPU and one stream a process: everything is queued on mas_cuda_stream() in program order. What waits: opening
 * and closing, `download`, `sum_squares`, `synchronize`, `limit`, counted runs of attention, `prepare` and `discard` of
 * its schedules, and what failed. */
#ifndef MAS_CUDA_CUDA_H
#define MAS_CUDA_CUDA_H

#include "kernels/cuda/simt/simt.h"
#include "masbench/device.h"

/* ---- the GPU of this process: context.cu ---- */

/** Compute capability times ten of the GPU in use (90: 9.0); 0 when there is none. The emulator
 * says 90 where MASBENCH_SIMT does not say otherwise. */
int mas_cuda_capability(void);
/** mas_cuda_start, and a fresh start: what was noted before, on a device that is closed, is forgotten.
 * MAS_E_DEVICE after a fault of a kernel, since CUDA then serves the process no more. */
mas_status mas_cuda_renew(mas_error *err);
/** The stream that everything is queued on. */
cudaStream_t mas_cuda_stream(void);
/** MAS_OK, or what CUDA said: "what: message", and whether the process can go on. Out of memory is
 * MAS_E_MEMORY, the rest MAS_E_DEVICE. */
mas_status mas_cuda_check(cudaError_t code, const char *what, mas_error *err);
/** Open the GPU if that has not happened yet. MAS_E_UNSUPPORTED with the reason when there is
 * none. */
mas_status mas_cuda_start(mas_error *err);

/** Remember a failure of work that was only queued, for mas_cuda_noted. cudaSuccess is nothing. */
void mas_cuda_note(cudaError_t code, const char *what);
/** MAS_OK, or the first failure noted since mas_cuda_renew: what an operation that returns a status
 * asks first. */
mas_status mas_cuda_noted(mas_error *err);

/* Tiles that attention kernels visited, added up in device memory by the kernels themselves. */
typedef unsigned long long mas_cuda_tally; /* what atomicAdd takes */
/** Two tallies in device memory: of the forward pass and the dK/dV pass, and of the dQ pass. */
mas_cuda_tally *mas_cuda_tallies(void);
/** In device memory: what blocks that stay count their work with. Whoever launches them clears it first. */
unsigned *mas_cuda_queue(void);
/** Multiprocessors of the GPU. */
int mas_cuda_processors(void);
/** Called by an attention kernel's `run` after its launches: they are expected to add that much.
 * Where counts is not NULL, waits and fills it in. MAS_E_DEVICE, MAS_E_MEMORY: as CUDA said or was noted. */
mas_status mas_cuda_expect(int64_t tiles, int64_t tiles_q, mas_attn_counts *counts, mas_error *err);
/** Called in its place where one of the launches failed: what the others add is nobody's. Waits. */
void mas_cuda_forget(void);
/** Wait for the stream; MAS_E_DEVICE or MAS_E_SCHEDULE as `synchronize` in device.h. */
mas_status mas_cuda_wait(mas_error *err);

/* ---- attention ---- */

/** Which parts of a pattern, of MAS_CUDA_PART queries by as many keys, hold a visible pair, and which hold
 * nothing else: bit `part of the queries * parts of the keys + part of the keys`. */
typedef struct mas_cuda_parts {
    uint32_t some, all;
} mas_cuda_parts;

enum { MAS_CUDA_PART = 64 }; /* rows of a warpgroup's product */

/** A schedule in device memory, handed to kernels by value. */
typedef struct mas_cuda_schedule {
    int32_t q_tile, k_tile, q_tiles, k_tiles;
    const int32_t *q_start, *k_start; /* as in mas_schedule */
    const mas_span *q_spans, *k_spans;
    const mas_row_span *patterns; /* [pattern_count][q_tile] */
    const uint64_t *seen; /* [pattern_count][seen_words]: bit j of a pattern: some row sees key j */
    const mas_cuda_parts *parts;      /* [pattern_count]; of tiles of at most 32 parts */
    const int32_t *q_order, *k_order; /* tiles, those with most visits first */
    int32_t seen_words;
} mas_cuda_schedule;

/** `prepare` and `discard` of every CUDA kernel that executes schedules: plan->prepared is a
 * mas_cuda_schedule in host memory. */
mas_status mas_cuda_schedule_prepare(const mas_attn_plan *plan, void **out, mas_error *err);
void mas_cuda_schedule_discard(void *prepared);

/** All of an attention call that kernels need, by value. */
typedef struct mas_cuda_attention {
    mas_cuda_schedule s;
    mas_view q, k, v, o, d_o, d_q, d_k, d_v;
    float *lse;
    const float *sinks;
    float *d_sinks;
    int32_t q_heads, group; /* query heads, query heads per key/value head */
    int32_t q_len, kv_len, d_qk, d_v_size;
    float scale, softcap, cap_scale; /* softcap 0: none; cap_scale: scale / softcap */
    int32_t batches;
    mas_cuda_tally *tally;
    unsigned *queue; /* mas_cuda_queue() */
} mas_cuda_attention;

/** What every tensor-core kernel asks of a problem: 16-bit elements, head sizes up to `most`, a scale above 0
 * (maxima are taken before it), a grid that CUDA has. */
mas_status mas_cuda_tensor_core_supports(const mas_attn_problem *p, int32_t most, mas_error *why);

/** A call by value, its schedule as prepared. */
mas_cuda_attention mas_cuda_attention_of(const mas_attn_plan *plan, const mas_attn_args *args);

/** What every kernel's `run` ends with: `code` of its launches is the error, or its schedule's tiles are expected. */
mas_status mas_cuda_finish(const mas_attn_plan *plan, cudaError_t code, mas_attn_counts *counts,
                           mas_error *err);

/* kernels, in the order of the table (table.cu) */
extern "C" {
extern const mas_attn_kernel mas_cuda_forward_sm90, mas_cuda_forward_sm80, mas_cuda_forward_simple,
    mas_cuda_backward_sm90, mas_cuda_backward_sm80, mas_cuda_backward_simple, mas_cuda_decode_sm80,
    mas_cuda_decode_simple, mas_cuda_forward_cudnn,
    mas_cuda_backward_cudnn; /* cuDNN's: in builds that saw its headers */
}

#endif
