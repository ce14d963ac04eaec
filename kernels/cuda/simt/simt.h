/* simt.h - one header, two faces.
 *
 * nvcc (__CUDACC__): thin inline-PTX wrappers (cp.async, ldmatrix, mma.sync ...).
 * any C++17 compiler: a SIMT emulator for tests. Each CUDA thread of a block is a
 * fiber; fibers of one block run on one OS thread, in an order the test picks, and
 * switch only at barriers and warp collectives. Needs no CUDA header or library.
 *
 * Kernels must keep to this subset:
 *   launch        simt_launch(kernel, grid, block, smem_bytes, stream, args...)
 *   shared memory SIMT_DYN_SMEM(type, name)
 *   barriers      __syncthreads, __syncwarp
 *   warp ops      __shfl_xor_sync, __ballot_sync
 *   async copy    cp_async_16, cp_async_commit, cp_async_wait<N>
 *   tensor core   ldmatrix_x4, ldmatrix_x4_trans, mma_bf16_16816
 *   bf16          bf16 (storage), f2bf, bf2f, pack_bf16x2
 *   atomics       atomicAdd
 */
#ifndef SIMT_H
#define SIMT_H

#include <stddef.h>
#include <stdint.h>

typedef uint16_t bf16; /* storage only; arithmetic is in float */

#ifdef __CUDACC__
/* ------------------------------------------------------------------ CUDA -- */
#include <cuda_bf16.h>
#include <cuda_runtime.h>

constexpr bool simt_emulated = false;
static inline void simt_configure(void)
{
}

#define SIMT_DYN_SMEM(type, name)                                                                  \
    extern __shared__ __align__(1024) unsigned char simt_smem_[];                                  \
    type *name = reinterpret_cast<type *>(simt_smem_)

template <class... P, class... A>
static cudaError_t simt_launch(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t s, A... a)
{
    if (smem > 48 * 1024) {
        cudaError_t e = cudaFuncSetAttribute(
            (const void *)k, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)smem);
        if (e != cudaSuccess)
            return e;
    }
    k<<<g, b, smem, s>>>(static_cast<P>(a)...);
    return cudaGetLastError();
}

__device__ __forceinline__ uint32_t simt_smem_addr(const void *p)
{
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* 16-byte async copy; bytes 0 or 16, 0 fills with zeros */
__device__ __forceinline__ void cp_async_16(void *dst, const void *src, int bytes)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(simt_smem_addr(dst)),
                 "l"(src), "r"(bytes)
                 : "memory");
}
__device__ __forceinline__ void cp_async_commit()
{
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}
template <int N> __device__ __forceinline__ void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
}

__device__ __forceinline__ void ldmatrix_x4(uint32_t r[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(simt_smem_addr(row))
                 : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t r[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(simt_smem_addr(row))
                 : "memory");
}
__device__ __forceinline__ void mma_bf16_16816(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                 "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ float simt_exp2(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
__host__ __device__ __forceinline__ float bf2f(bf16 x)
{
    union {
        uint32_t u;
        float f;
    } v;
    v.u = (uint32_t)x << 16;
    return v.f;
}
__device__ __forceinline__ bf16 f2bf(float x)
{
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
__device__ __forceinline__ uint32_t pack_bf16x2(float lo, float hi)
{
    uint32_t r; /* cvt packs its first source into the upper half */
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
}
__device__ __forceinline__ int simt_popcount(uint32_t x)
{
    return __popc(x);
}

#else
/* -------------------------------------------------------------- emulator -- */
#include <atomic>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thread>
#include <utility>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#include <sys/mman.h>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define SIMT_DYN_SMEM(type, name) type *name = reinterpret_cast<type *>(simt::blk->smem)

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c)
    {
    }
};

namespace simt
{

constexpr int WARP = 32;
constexpr size_t STACK = 128 << 10, SMEM_MAX = 232448, CANARY = 16384;

enum State : uint8_t { RUN, WARPWAIT, BARWAIT, DONE };

struct CpAsync {
    void *dst;
    const void *src;
    int bytes;
};

struct Fiber {
    void *sp;
    State state;
    uint32_t mask;  /* warp collective: lanes waited for */
    const char *op; /* warp collective: name, checked for divergence */
    void *slot;     /* warp collective: this lane's operands */
    uint3 tid;
    int lane, warp;
    std::vector<CpAsync> cp;      /* issued, in order */
    std::vector<size_t> cp_group; /* ends of committed groups */
#if defined(__SANITIZE_ADDRESS__)
    void *fake;
#endif
};

struct Block {
    unsigned char *smem = nullptr;
    size_t smem_bytes = 0;
    unsigned char *stacks = nullptr;
    std::vector<Fiber> f;
    Fiber *cur = nullptr;
    void *sched_sp = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    const void *sched_bottom = nullptr;
    size_t sched_size = 0;
    void *sched_fake = nullptr;
#endif
    size_t at_barrier = 0, live = 0; /* threads */
    uint3 bid{0, 0, 0};
    dim3 bdim, gdim;
    void (*call)(void *) = nullptr;
    void *arg = nullptr;
};

inline thread_local Block *blk = nullptr;

struct Config {
    int order = 0; /* 0 forward, 1 reverse, 2 random: the order fibers get to run in */
    uint64_t seed = 1;
    int threads = 1; /* OS threads over blocks */
    bool eager_cp =
        false; /* async copies complete at issue, not at the last moment: run tests both ways */
};
inline Config cfg;

[[noreturn]] inline void die(const char *msg)
{
    Block *b = blk;
    fprintf(stderr, "simt: %s", msg);
    if (b) {
        fprintf(stderr, " [block %u,%u,%u]\n", b->bid.x, b->bid.y, b->bid.z);
        int shown = 0;
        for (auto &f : b->f)
            if (f.state != DONE && shown++ < 8)
                fprintf(stderr, "simt:   thread %u,%u,%u warp %d lane %d: %s %s mask %08x\n",
                        f.tid.x, f.tid.y, f.tid.z, f.warp, f.lane,
                        f.state == RUN        ? "runnable"
                        : f.state == WARPWAIT ? "in warp op"
                                              : "at barrier",
                        f.state == WARPWAIT ? f.op : "", f.state == WARPWAIT ? f.mask : 0);
    } else
        fputc('\n', stderr);
    abort();
}

/* save callee-saved registers on the current stack, switch stacks */
extern "C" void simt_switch(void **save, void *load);
#if defined(__x86_64__)
#define SIMT_SWITCH_ASM                                                                            \
    asm(".text\n.weak simt_switch\n.type simt_switch,@function\nsimt_switch:\n"                    \
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"                 \
        "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"                                                       \
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"                  \
        ".size simt_switch,.-simt_switch\n")
inline void *make_stack(unsigned char *base, void (*entry)())
{
    void **sp = (void **)(base + STACK);
    *--sp = nullptr; /* keep rsp % 16 == 8 at entry, as after a call */
    *--sp = (void *)entry;
    for (int i = 0; i < 6; i++)
        *--sp = nullptr;
    return sp;
}
#elif defined(__aarch64__)
#define SIMT_SWITCH_ASM                                                                            \
    asm(".text\n.weak simt_switch\n.type simt_switch,@function\nsimt_switch:\n"                    \
        "sub sp,sp,#160\nstp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\n"           \
        "stp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\nstp x29,x30,[sp,#80]\n"                       \
        "stp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\nstp "                   \
        "d14,d15,[sp,#144]\n"                                                                      \
        "mov x9,sp\nstr x9,[x0]\nmov sp,x1\n"                                                      \
        "ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\n"     \
        "ldp x27,x28,[sp,#64]\nldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\n"  \
        "ldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\nadd sp,sp,#160\nret\n"                      \
        ".size simt_switch,.-simt_switch\n")
inline void *make_stack(unsigned char *base, void (*entry)())
{
    void **sp = (void **)(base + STACK - 160);
    memset(sp, 0, 160);
    sp[11] = (void *)entry; /* x30 */
    return sp;
}
#else
#error "simt.h: add a stack switch for this processor"
#endif
SIMT_SWITCH_ASM;

inline void to_sched()
{
    Block *b = blk;
    Fiber *f = b->cur;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(f->state == DONE ? nullptr : &f->fake, b->sched_bottom,
                                   b->sched_size);
#endif
    simt_switch(&f->sp, b->sched_sp);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(b->cur->fake, &b->sched_bottom, &b->sched_size);
#endif
}

inline void fiber_main()
{
    Block *b = blk;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &b->sched_bottom, &b->sched_size);
#endif
    b->call(b->arg);
    b = blk;
    b->cur->state = DONE;
    b->live--;
    to_sched();
    abort();
}

inline void block_sync()
{
    Block *b = blk;
    if (++b->at_barrier == b->f.size()) { /* last one in: release */
        b->at_barrier = 0;
        for (auto &o : b->f)
            if (o.state == BARWAIT)
                o.state = RUN;
        return;
    }
    b->cur->state = BARWAIT;
    to_sched();
}

/* every lane of mask calls this; the last to arrive runs fn over all the slots */
template <class F> inline void warp_op(uint32_t mask, const char *op, void *slot, F fn)
{
    Block *b = blk;
    Fiber *f = b->cur;
    if (!(mask >> f->lane & 1))
        die("warp op: calling lane is not in its mask");
    f->slot = slot;
    f->mask = mask;
    f->op = op;
    f->state = WARPWAIT;
    Fiber *w = &b->f[(size_t)f->warp * WARP];
    size_t nl = b->f.size() - (size_t)f->warp * WARP;
    if (nl > WARP)
        nl = WARP;
    void *slots[WARP] = {};
    for (int l = 0; l < WARP; l++) {
        if (!(mask >> l & 1))
            continue;
        if ((size_t)l >= nl) {
            if (mask ==
                0xffffffffu) /* partial last warp under a full mask: as on hardware, lanes do not exist */
                continue;
            die("warp op: mask names a lane that does not exist");
        }
        if (w[l].state == DONE)
            die("warp op: mask names a lane that has exited");
        if (w[l].state != WARPWAIT || w[l].mask != mask) {
            to_sched(); /* not complete yet */
            return;
        }
        if (w[l].op != op && strcmp(w[l].op, op))
            die("warp op: lanes of one mask met in different operations");
        slots[l] = w[l].slot;
    }
    fn(slots);
    for (int l = 0; l < WARP && (size_t)l < nl; l++)
        if (mask >> l & 1)
            w[l].state = RUN;
}

inline uint64_t rng(uint64_t &s)
{
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return s;
}

inline void run_block(Block *b)
{
    size_t n = b->f.size();
    b->at_barrier = 0;
    memset(b->smem, 0xff,
           b->smem_bytes +
               CANARY); /* NaN in float, bf16 and fp16: reads of unwritten memory show */
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(b->smem + b->smem_bytes, CANARY);
#endif
    for (size_t i = 0; i < n; i++) {
        Fiber &f = b->f[i];
        f.sp = make_stack(b->stacks + i * STACK, fiber_main);
        f.state = RUN;
        f.cp.clear();
        f.cp_group.clear();
    }
    b->live = n;
    std::vector<uint32_t> order(n);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)(cfg.order == 1 ? n - 1 - i : i);
    uint64_t seed =
        cfg.seed * 0x9e3779b97f4a7c15ull + b->bid.x * 7919 + b->bid.y * 104729 + b->bid.z + 1;
    while (b->live) {
        bool ran = false;
        if (cfg.order == 2)
            for (size_t i = n - 1; i > 0; i--)
                std::swap(order[i], order[rng(seed) % (i + 1)]);
        for (size_t i = 0; i < n; i++) {
            Fiber &f = b->f[order[i]];
            if (f.state != RUN)
                continue;
            ran = true;
            b->cur = &f;
#if defined(__SANITIZE_ADDRESS__)
            __sanitizer_start_switch_fiber(&b->sched_fake, b->stacks + order[i] * STACK, STACK);
#endif
            simt_switch(&b->sched_sp, f.sp);
#if defined(__SANITIZE_ADDRESS__)
            __sanitizer_finish_switch_fiber(b->sched_fake, nullptr, nullptr);
#endif
        }
        if (b->live && !ran)
            die("deadlock: no thread of the block can go on");
    }
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(b->smem + b->smem_bytes, CANARY);
#endif
    for (size_t i = 0; i < CANARY; i++)
        if (b->smem[b->smem_bytes + i] != 0xff)
            die("write past the end of dynamic shared memory");
}

inline Block *new_block(dim3 g, dim3 bd, size_t smem)
{
    Block *b = new Block;
    b->smem_bytes = (smem + 15) & ~(size_t)15;
    size_t n = (size_t)bd.x * bd.y * bd.z;
    b->gdim = g;
    b->bdim = bd;
    b->f.resize(n);
    b->smem = (unsigned char *)aligned_alloc(1024, SMEM_MAX + CANARY);
    b->stacks = (unsigned char *)mmap(nullptr, n * STACK, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!b->smem || b->stacks == MAP_FAILED)
        die("out of memory");
    for (size_t i = 0; i < n; i++) {
        Fiber &f = b->f[i];
        f.tid =
            uint3{(unsigned)(i % bd.x), (unsigned)(i / bd.x % bd.y), (unsigned)(i / bd.x / bd.y)};
        f.lane = (int)(i % WARP);
        f.warp = (int)(i / WARP);
    }
    return b;
}

inline void free_block(Block *b)
{
    munmap(b->stacks, b->f.size() * STACK);
    free(b->smem);
    delete b;
}

template <class Fn> void launch(dim3 g, dim3 bd, size_t smem, Fn fn)
{
    if (smem > SMEM_MAX || (size_t)bd.x * bd.y * bd.z > 1024 || (size_t)bd.x * bd.y * bd.z == 0)
        die("launch: bad configuration");
    uint64_t nb = (uint64_t)g.x * g.y * g.z;
    std::atomic<uint64_t> next{0};
    auto work = [&] {
        Block *b = new_block(g, bd, smem);
        b->arg = &fn;
        b->call = [](void *p) { (*(Fn *)p)(); };
        blk = b;
        for (uint64_t i; (i = next++) < nb;) {
            uint64_t k = cfg.order == 1 ? nb - 1 - i : i;
            b->bid =
                uint3{(unsigned)(k % g.x), (unsigned)(k / g.x % g.y), (unsigned)(k / g.x / g.y)};
            run_block(b);
        }
        blk = nullptr;
        free_block(b);
    };
    if (cfg.threads <= 1) {
        work();
        return;
    }
    std::vector<std::thread> t;
    for (int i = 0; i < cfg.threads; i++)
        t.emplace_back(work);
    for (auto &x : t)
        x.join();
}

inline uint32_t bits(const void *p)
{
    uint32_t u;
    memcpy(&u, p, 4);
    return u;
}

} /* namespace simt */

#define threadIdx (simt::blk->cur->tid)
#define blockIdx (simt::blk->bid)
#define blockDim (simt::blk->bdim)
#define gridDim (simt::blk->gdim)
#define warpSize 32

inline void __syncthreads()
{
    simt::block_sync();
}
inline void __syncwarp(uint32_t mask = 0xffffffffu)
{
    simt::warp_op(mask, "syncwarp", nullptr, [](void **) {});
}
inline int simt_popcount(uint32_t x)
{
    return __builtin_popcount(x);
}
template <class T> struct SimtShfl {
    T in, out;
    int src;
};
template <class T> inline T __shfl_xor_sync(uint32_t mask, T v, int x)
{
    SimtShfl<T> s{v, v, simt::blk->cur->lane ^ x};
    simt::warp_op(mask, "shfl_xor", &s, [](void **sl) {
        for (int l = 0; l < 32; l++)
            if (sl[l]) {
                auto *p = (SimtShfl<T> *)sl[l];
                if (!sl[p->src])
                    simt::die("shfl reads a lane outside the mask");
                p->out = ((SimtShfl<T> *)sl[p->src])->in;
            }
    });
    return s.out;
}
inline uint32_t __ballot_sync(uint32_t m, int pred)
{
    struct S {
        int p;
        uint32_t r;
    } s{pred != 0, 0};
    simt::warp_op(m, "ballot", &s, [](void **sl) {
        uint32_t r = 0;
        for (int l = 0; l < 32; l++)
            if (sl[l] && ((S *)sl[l])->p)
                r |= 1u << l;
        for (int l = 0; l < 32; l++)
            if (sl[l])
                ((S *)sl[l])->r = r;
    });
    return s.r;
}
inline float bf2f(bf16 x)
{
    uint32_t u = (uint32_t)x << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
inline bf16 f2bf(float x)
{
    uint32_t u = simt::bits(&x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (bf16)0x7fff;
    return (bf16)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}
inline uint32_t pack_bf16x2(float lo, float hi)
{
    return (uint32_t)f2bf(lo) | (uint32_t)f2bf(hi) << 16;
}
inline float simt_exp2(float x)
{
    return exp2f(x);
}
template <class T> inline T atomicAdd(T *p, T v)
{
    T old = *p, want;
    do {
        want = old + v;
    } while (!__atomic_compare_exchange(p, &old, &want, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

/* cp.async: by default the copy happens only when waited for, the latest moment allowed */
inline void simt_cp_do(const simt::CpAsync &c)
{
    if (c.bytes)
        memcpy(c.dst, c.src, (size_t)c.bytes);
    memset((char *)c.dst + c.bytes, 0, (size_t)(16 - c.bytes));
}
inline void cp_async_16(void *dst, const void *src, int bytes)
{
    if (((uintptr_t)dst & 15) || (bytes && ((uintptr_t)src & 15)))
        simt::die("cp.async: misaligned address");
    simt::CpAsync c{dst, src, bytes};
    if (simt::cfg.eager_cp)
        simt_cp_do(c);
    else
        simt::blk->cur->cp.push_back(c);
}
inline void cp_async_commit()
{
    simt::blk->cur->cp_group.push_back(simt::blk->cur->cp.size());
}
template <int N> inline void cp_async_wait()
{
    auto *f = simt::blk->cur;
    size_t ng = f->cp_group.size();
    if (ng <= N)
        return;
    size_t done = ng - N, end = f->cp_group[done - 1];
    for (size_t i = 0; i < end; i++)
        simt_cp_do(f->cp[i]);
    f->cp.erase(f->cp.begin(), f->cp.begin() + (ptrdiff_t)end);
    f->cp_group.erase(f->cp_group.begin(), f->cp_group.begin() + (ptrdiff_t)done);
    for (auto &e : f->cp_group)
        e -= end;
}

struct SimtLdm {
    uint32_t *r;
    const void *row;
};
inline void simt_ldmatrix(uint32_t r[4], const void *row, bool trans)
{
    if ((uintptr_t)row & 15)
        simt::die("ldmatrix: misaligned row");
    SimtLdm s{r, row};
    auto fn = [trans](void **sl) {
        for (int m = 0; m < 4; m++)
            for (int l = 0; l < 32; l++) {
                bf16 e[2];
                for (int j = 0; j < 2; j++) {
                    int i0 = l / 4, i1 = l % 4 * 2 + j; /* row, column of the 8x8 matrix */
                    if (trans)
                        std::swap(i0, i1);
                    e[j] = ((const bf16 *)((SimtLdm *)sl[m * 8 + i0])->row)[i1];
                }
                ((SimtLdm *)sl[l])->r[m] = (uint32_t)e[0] | (uint32_t)e[1] << 16;
            }
    };
    simt::warp_op(0xffffffffu, trans ? "ldmatrix.trans" : "ldmatrix", &s, fn);
}
inline void ldmatrix_x4(uint32_t r[4], const void *row)
{
    simt_ldmatrix(r, row, false);
}
inline void ldmatrix_x4_trans(uint32_t r[4], const void *row)
{
    simt_ldmatrix(r, row, true);
}

/* Tensor cores cut the running sum off towards zero; seen on an H100, and a source of error that
 * tolerances must know. */
inline float simt_truncated_sum(float c, double add)
{
    const double x = (double)c + add;
    const float f = (float)x;
    return fabs((double)f) > fabs(x) ? nextafterf(f, 0.0f) : f;
}

struct SimtMma {
    float *c;
    const uint32_t *a, *b;
};
inline void mma_bf16_16816(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    SimtMma s{c, a, b};
    simt::warp_op(0xffffffffu, "mma.m16n8k16", &s, [](void **sl) {
        float A[16][16], Bm[16][8];
        double C[16][8] = {};
        for (int l = 0; l < 32; l++) {
            auto *p = (SimtMma *)sl[l];
            int g = l / 4, t = l % 4;
            for (int i = 0; i < 4; i++) {
                int r = g + (i & 1) * 8, k = t * 2 + (i >> 1) * 8;
                A[r][k] = bf2f((bf16)p->a[i]);
                A[r][k + 1] = bf2f((bf16)(p->a[i] >> 16));
            }
            for (int i = 0; i < 2; i++) {
                int k = t * 2 + i * 8;
                Bm[k][g] = bf2f((bf16)p->b[i]);
                Bm[k + 1][g] = bf2f((bf16)(p->b[i] >> 16));
            }
        }
        for (int r = 0; r < 16; r++)
            for (int k = 0; k < 16; k++)
                for (int n = 0; n < 8; n++)
                    C[r][n] += (double)A[r][k] * (double)Bm[k][n];
        for (int l = 0; l < 32; l++) {
            auto *p = (SimtMma *)sl[l];
            int g = l / 4, t = l % 4;
            p->c[0] = simt_truncated_sum(p->c[0], C[g][t * 2]);
            p->c[1] = simt_truncated_sum(p->c[1], C[g][t * 2 + 1]);
            p->c[2] = simt_truncated_sum(p->c[2], C[g + 8][t * 2]);
            p->c[3] = simt_truncated_sum(p->c[3], C[g + 8][t * 2 + 1]);
        }
    });
}

constexpr bool simt_emulated = true;

/* Settings from the environment: MASBENCH_SIMT=forward|reverse|random[,eager][,seed=N][,threads=N] */
inline void simt_configure(void)
{
    const char *s = getenv("MASBENCH_SIMT");
    while (s && *s) {
        const size_t n = strcspn(s, ",");
        auto is = [&](const char *word) { return strlen(word) == n && memcmp(s, word, n) == 0; };
        if (is("forward"))
            simt::cfg.order = 0;
        else if (is("reverse"))
            simt::cfg.order = 1;
        else if (is("random"))
            simt::cfg.order = 2;
        else if (is("eager"))
            simt::cfg.eager_cp = true;
        else if (strncmp(s, "seed=", 5) == 0)
            simt::cfg.seed = strtoull(s + 5, nullptr, 10);
        else if (strncmp(s, "threads=", 8) == 0)
            simt::cfg.threads = atoi(s + 8);
        else
            simt::die("MASBENCH_SIMT: unknown setting; known: forward, reverse, random, eager, "
                      "seed=N, threads=N");
        s += n + (s[n] == ',');
    }
}

/* the few host calls a launcher or a test needs */
typedef int cudaError_t;
typedef void *cudaStream_t;
enum { cudaSuccess = 0, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3
};
enum cudaDeviceAttr {
    cudaDevAttrComputeCapabilityMajor,
    cudaDevAttrComputeCapabilityMinor,
    cudaDevAttrMultiProcessorCount
};
inline cudaError_t cudaGetDeviceCount(int *n)
{
    *n = 1;
    return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int)
{
    *v = a == cudaDevAttrComputeCapabilityMajor   ? 9
         : a == cudaDevAttrComputeCapabilityMinor ? 0
                                                  : 4;
    return cudaSuccess;
}
inline cudaError_t cudaStreamCreate(cudaStream_t *s)
{
    *s = nullptr;
    return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return cudaSuccess;
}
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int)
{
    snprintf(p->name, sizeof p->name, "emulator");
    p->totalGlobalMem = (size_t)1 << 30;
    return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int *v)
{
    *v = 0;
    return cudaSuccess;
}
inline cudaError_t cudaMalloc(void **p, size_t n)
{
    *p = aligned_alloc(256, (n + 255) / 256 * 256);
    if (*p)
        memset(*p, 0xff, n);
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFree(void *p)
{
    free(p);
    return cudaSuccess;
}
inline cudaError_t cudaMallocAsync(void **p, size_t n, cudaStream_t)
{
    return cudaMalloc(p, n);
}
inline cudaError_t cudaFreeAsync(void *p, cudaStream_t)
{
    return cudaFree(p);
}
inline cudaError_t cudaMemcpy(void *d, const void *s, size_t n, cudaMemcpyKind)
{
    memcpy(d, s, n);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void *d, const void *s, size_t n, cudaMemcpyKind, cudaStream_t)
{
    memcpy(d, s, n);
    return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *d, int v, size_t n, cudaStream_t)
{
    memset(d, v, n);
    return cudaSuccess;
}
inline cudaError_t cudaGetLastError()
{
    return cudaSuccess;
}
inline const char *cudaGetErrorString(cudaError_t e)
{
    return e ? "error" : "no error";
}

template <class... P, class... A>
inline cudaError_t simt_launch(void (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t, A... a)
{
    simt::launch(g, b, smem, [=] { k(static_cast<P>(a)...); });
    return cudaSuccess;
}
#endif /* __CUDACC__ */
#endif /* SIMT_H */
