/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated machine: blocks of fibers, their order, barriers, collectives of a warp. Each CUDA thread of
 * a block is a fiber; fibers of one block run on one OS thread, in an order the test picks, and switch only
 * at barriers, warp collectives and polls. */
#ifndef SIMT_MACHINE_H
#define SIMT_MACHINE_H

#include <atomic>
#include <functional>
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
constexpr int BARRIERS = 9; /* one of the block, then one of each warpgroup */
constexpr size_t STACK = 128 << 10, SMEM_MAX = 232448, CANARY = 16384;

enum State : uint8_t { RUN, WARPWAIT, BARWAIT, POLL, DONE };

struct CpAsync {
    void *dst;
    const void *src;
    int bytes;
};

/* A product of a warpgroup that was issued: hopper.h. */
struct WgOp {
    float (*d)[4];
    uint64_t a, b;
    uint32_t ra[4];
    int n;
    bool from_regs, b_transposed, keep, f16;
};

struct Fiber {
    void *sp;
    State state;
    uint8_t bar;    /* at barrier: which */
    uint32_t mask;  /* warp collective: lanes waited for */
    const char *op; /* warp collective: name, checked for divergence */
    void *slot;     /* warp collective: this lane's operands */
    uint3 tid;
    int lane, warp;
    std::vector<CpAsync> cp;      /* issued, in order */
    std::vector<size_t> cp_group; /* ends of committed groups */
    std::vector<WgOp> wg;         /* the same for all threads of a warpgroup */
    std::vector<size_t> wg_group;
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
    size_t at_barrier[BARRIERS], live = 0; /* threads */
    std::vector<std::function<void()>>
        late;              /* bulk copies in flight: land when nothing else can happen */
    uint64_t progress = 0; /* grows whenever something happened that a poll may wait for */
    uint3 bid{0, 0, 0};
    dim3 bdim, gdim;
    void (*call)(void *) = nullptr;
    void *arg = nullptr;
};

inline thread_local Block *blk = nullptr;

struct Config {
    /* 0 forward, 1 reverse, 2 random: the order warps and their lanes get to run in. A warp runs until it has to
     * wait for another, as far ahead as barriers allow; in random order half of the turns end earlier. */
    int order = 0;
    uint64_t seed = 1;
    int threads = 1; /* OS threads over blocks */
    bool eager_cp =
        false; /* async copies complete at issue, not at the last moment: run tests both ways */
    int capability = 90; /* the compute capability it says it has, times ten */
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
                        : f.state == BARWAIT  ? "at barrier"
                                              : "polling",
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

/* Barrier 0 is the block's, the others of the warpgroups: `count` threads meet. */
inline void barrier(int id, size_t count)
{
    Block *b = blk;
    b->progress++;
    if (++b->at_barrier[id] == count) { /* last one in: release */
        b->at_barrier[id] = 0;
        for (auto &o : b->f)
            if (o.state == BARWAIT && o.bar == id)
                o.state = RUN;
        return;
    }
    b->cur->state = BARWAIT;
    b->cur->bar = (uint8_t)id;
    to_sched();
}

/* Let others go on until `done`, for waits on memory. */
template <class F> inline void poll(F done)
{
    while (!done()) {
        blk->cur->state = POLL;
        to_sched();
    }
    blk->progress++;
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
    b->progress++;
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

inline void shuffle(std::vector<uint32_t> &list, uint64_t &seed)
{
    for (size_t i = list.size() - 1; i > 0; i--)
        std::swap(list[i], list[rng(seed) % (i + 1)]);
}

/* 0 .. count - 1 in the order of the configuration */
inline std::vector<uint32_t> ordered(size_t count)
{
    std::vector<uint32_t> list(count);
    for (size_t i = 0; i < count; i++)
        list[i] = (uint32_t)(cfg.order == 1 ? count - 1 - i : i);
    return list;
}

/* Let a fiber go on until it waits. */
inline void resume(Block *b, size_t i)
{
    Fiber &f = b->f[i];
    f.state = RUN;
    b->cur = &f;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&b->sched_fake, b->stacks + i * STACK, STACK);
#endif
    simt_switch(&b->sched_sp, f.sp);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(b->sched_fake, nullptr, nullptr);
#endif
}

inline void run_block(Block *b)
{
    size_t n = b->f.size();
    for (size_t &n_at : b->at_barrier)
        n_at = 0;
    b->late.clear();
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
        f.wg.clear();
        f.wg_group.clear();
    }
    b->live = n;
    uint64_t seed =
        cfg.seed * 0x9e3779b97f4a7c15ull + b->bid.x * 7919 + b->bid.y * 104729 + b->bid.z + 1;
    std::vector<uint32_t> warps = ordered((n + WARP - 1) / WARP), lanes = ordered(WARP);
    while (b->live) {
        bool ran = false;
        const uint64_t before = b->progress;
        if (cfg.order == 2)
            shuffle(warps, seed);
        for (uint32_t warp : warps) {
            bool again = true;
            for (bool first = true; again; first = false) {
                again = false;
                if (cfg.order == 2)
                    shuffle(lanes, seed);
                for (uint32_t lane : lanes) {
                    const size_t i = (size_t)warp * WARP + lane;
                    if (i >= n || (b->f[i].state != RUN && !(first && b->f[i].state == POLL)))
                        continue;
                    again = again || b->f[i].state == RUN;
                    resume(b, i);
                }
                ran = ran || again;
                if (cfg.order == 2 && rng(seed) % 2)
                    break;
            }
        }
        if (b->live && !ran && before == b->progress) {
            if (b->late.empty())
                die("deadlock: no thread of the block can go on");
            const size_t k = cfg.order == 2 ? rng(seed) % b->late.size() : 0;
            const auto land = std::move(b->late[k]);
            b->late.erase(b->late.begin() + (ptrdiff_t)k);
            land();
        }
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

#endif
