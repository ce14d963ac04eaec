/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products through cuBLASLt, loaded when the device is opened, so that the program starts
 * without it. The library's choice for a shape is asked for once and kept. cuBLAS counts columns
 * first: a row-major C = A B is its C^T = B^T A^T, so A and B trade places and nothing is copied. */
#include "kernels/cuda/device.h"

#include <cublasLt.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <vector>

namespace
{

#define WORKSPACE_BYTES ((size_t)32 << 20) /* what NVIDIA recommends for Hopper */
#define ALIGNMENT_MOST 256u

/* The functions used, by name. */
#define FUNCTIONS(EACH)                                                                            \
    EACH(cublasLtCreate)                                                                           \
    EACH(cublasLtDestroy)                                                                          \
    EACH(cublasLtGetVersion)                                                                       \
    EACH(cublasLtGetStatusString)                                                                  \
    EACH(cublasLtMatmul)                                                                           \
    EACH(cublasLtMatmulDescCreate)                                                                 \
    EACH(cublasLtMatmulDescDestroy)                                                                \
    EACH(cublasLtMatmulDescSetAttribute)                                                           \
    EACH(cublasLtMatrixLayoutCreate)                                                               \
    EACH(cublasLtMatrixLayoutDestroy)                                                              \
    EACH(cublasLtMatmulPreferenceCreate)                                                           \
    EACH(cublasLtMatmulPreferenceDestroy)                                                          \
    EACH(cublasLtMatmulPreferenceSetAttribute)                                                     \
    EACH(cublasLtMatmulAlgoGetHeuristic)

struct library {
    void *handle;
#define MEMBER(name) decltype(&::name) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
};

/* A product but for its addresses. */
struct shape {
    int64_t m, n, k, lda, ldb, ldc;
    uint32_t type, c_type, trans_a, trans_b, accumulate, align_a, align_b, align_c;
};

struct choice {
    shape key;
    cublasLtMatmulDesc_t operation;
    cublasLtMatrixLayout_t a, b, c; /* of cuBLAS: its A is our B */
    cublasLtMatmulAlgo_t algorithm;
};

} // namespace

struct mas_cuda_matmuls {
    library lt;
    cublasLtHandle_t handle;
    void *workspace;
    std::vector<choice> choices;
    size_t last; /* the one used last: the same shape often comes again */
};

static mas_status load(library *lt, mas_error *err)
{
    char soname[32];
    snprintf(soname, sizeof soname, "libcublasLt.so.%d", CUBLAS_VER_MAJOR);
    lt->handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!lt->handle)
        return mas_fail(err, MAS_E_UNSUPPORTED,
                        "cuBLASLt cannot be loaded: %s; put its folder into LD_LIBRARY_PATH",
                        dlerror());
#define FIND(name)                                                                                 \
    lt->name = (decltype(lt->name))dlsym(lt->handle, #name);                                       \
    if (!lt->name)                                                                                 \
        return mas_fail(err, MAS_E_UNSUPPORTED, "%s has no function %s", soname, #name);
    FUNCTIONS(FIND)
#undef FIND
    return MAS_OK;
}

static mas_status said(const library *lt, cublasStatus_t code, const char *what, mas_error *err)
{
    if (code == CUBLAS_STATUS_SUCCESS)
        return MAS_OK;
    return mas_fail(err, MAS_E_DEVICE, "%s: cuBLASLt says \"%s\"", what,
                    lt->cublasLtGetStatusString(code));
}

mas_status mas_cuda_matmuls_open(mas_cuda_device *d, mas_error *err)
{
    mas_cuda_matmuls *x = new mas_cuda_matmuls{};
    d->matmuls = x;
    mas_status status = load(&x->lt, err);
    if (status == MAS_OK)
        status = said(&x->lt, x->lt.cublasLtCreate(&x->handle), "opening cuBLASLt", err);
    if (status == MAS_OK)
        status = mas_cuda_check(cudaMalloc(&x->workspace, WORKSPACE_BYTES),
                                "allocating cuBLASLt's workspace", err);
    if (status != MAS_OK) {
        mas_cuda_matmuls_close(d);
        return status;
    }
    const size_t version = x->lt.cublasLtGetVersion();
    snprintf(d->library, sizeof d->library, "cuBLASLt %zu.%zu.%zu", version / 10000,
             version % 10000 / 100, version % 100);
    return MAS_OK;
}

/* What of it was made. */
static void destroy(const library *lt, const choice *c)
{
    for (cublasLtMatrixLayout_t layout : {c->a, c->b, c->c})
        if (layout)
            lt->cublasLtMatrixLayoutDestroy(layout);
    if (c->operation)
        lt->cublasLtMatmulDescDestroy(c->operation);
}

void mas_cuda_matmuls_close(mas_cuda_device *d)
{
    mas_cuda_matmuls *x = d->matmuls;
    for (const choice &c : x->choices)
        destroy(&x->lt, &c);
    cudaFree(x->workspace);
    if (x->handle)
        x->lt.cublasLtDestroy(x->handle);
    if (x->lt.handle)
        dlclose(x->lt.handle);
    delete x;
    d->matmuls = NULL;
}

/* Largest power of two that divides an address, up to what the library cares for. */
static uint32_t alignment_of(const void *pointer)
{
    uint32_t a = ALIGNMENT_MOST;
    while ((uintptr_t)pointer % a != 0)
        a /= 2;
    return a;
}

static cudaDataType_t type_of(mas_dtype type)
{
    return type == MAS_DTYPE_F32 ? CUDA_R_32F : CUDA_R_16BF;
}

static mas_status choose(mas_cuda_matmuls *x, const shape *s, choice *out, mas_error *err)
{
    const library *lt = &x->lt;
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    choice c = {};
    c.key = *s;
    const cudaDataType_t in = type_of((mas_dtype)s->type), result = type_of((mas_dtype)s->c_type);
    const cublasOperation_t of_a = s->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                            of_b = s->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const size_t workspace = WORKSPACE_BYTES;
    /* Where a product is cut along k, its pieces are added up in f32, whatever the type of C. */
    const uint32_t sums = result == CUDA_R_32F ? CUBLASLT_REDUCTION_SCHEME_MASK
                                               : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
#define TRY(call)                                                                                  \
    if (status == MAS_OK)                                                                          \
    status = said(lt, lt->call, "describing a matrix product", err)
    mas_status status = MAS_OK;
    TRY(cublasLtMatmulDescCreate(&c.operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    TRY(cublasLtMatmulDescSetAttribute(c.operation, CUBLASLT_MATMUL_DESC_TRANSA, &of_a,
                                       sizeof of_a));
    TRY(cublasLtMatmulDescSetAttribute(c.operation, CUBLASLT_MATMUL_DESC_TRANSB, &of_b,
                                       sizeof of_b));
    TRY(cublasLtMatrixLayoutCreate(&c.a, in, (uint64_t)(s->trans_b ? s->k : s->n),
                                   (uint64_t)(s->trans_b ? s->n : s->k), s->ldb));
    TRY(cublasLtMatrixLayoutCreate(&c.b, in, (uint64_t)(s->trans_a ? s->m : s->k),
                                   (uint64_t)(s->trans_a ? s->k : s->m), s->lda));
    TRY(cublasLtMatrixLayoutCreate(&c.c, result, (uint64_t)s->n, (uint64_t)s->m, s->ldc));
    TRY(cublasLtMatmulPreferenceCreate(&preference));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &workspace, sizeof workspace));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                             &sums, sizeof sums));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                             &s->align_b, sizeof s->align_b));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                             &s->align_a, sizeof s->align_a));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                                             &s->align_c, sizeof s->align_c));
    TRY(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
                                             &s->align_c, sizeof s->align_c));
    TRY(cublasLtMatmulAlgoGetHeuristic(x->handle, c.operation, c.a, c.b, c.c, c.c, preference, 1,
                                       &found, &count));
#undef TRY
    if (preference)
        lt->cublasLtMatmulPreferenceDestroy(preference);
    if (status == MAS_OK && count < 1)
        status = mas_fail(err, MAS_E_UNSUPPORTED,
                          "cuBLASLt has no algorithm for a %lld x %lld x %lld product",
                          (long long)s->m, (long long)s->n, (long long)s->k);
    if (status != MAS_OK) {
        destroy(lt, &c);
        return status;
    }
    c.algorithm = found.algo;
    *out = c;
    return MAS_OK;
}

mas_status mas_cuda_matmul(mas_device *d, const mas_matmul *m, mas_error *err)
{
    mas_cuda_matmuls *x = mas_cuda(d)->matmuls;
    shape s;
    memset(&s, 0, sizeof s);
    s.m = m->m, s.n = m->n, s.k = m->k;
    s.lda = m->lda, s.ldb = m->ldb, s.ldc = m->ldc;
    s.type = (uint32_t)m->type, s.c_type = (uint32_t)m->c_type;
    s.trans_a = m->trans_a, s.trans_b = m->trans_b, s.accumulate = m->accumulate;
    s.align_a = alignment_of(m->a), s.align_b = alignment_of(m->b), s.align_c = alignment_of(m->c);
    size_t at = x->last;
    if (at >= x->choices.size() || memcmp(&x->choices[at].key, &s, sizeof s) != 0)
        for (at = 0; at < x->choices.size(); at++)
            if (memcmp(&x->choices[at].key, &s, sizeof s) == 0)
                break;
    mas_status status = mas_cuda_noted(err);
    if (status == MAS_OK && at == x->choices.size()) {
        choice c;
        status = choose(x, &s, &c, err);
        if (status == MAS_OK)
            x->choices.push_back(c);
    }
    if (status != MAS_OK)
        return status;
    x->last = at;
    const choice &c = x->choices[at];
    const float one = 1.0f, add = m->accumulate ? 1.0f : 0.0f;
    return said(&x->lt,
                x->lt.cublasLtMatmul(x->handle, c.operation, &one, m->b, c.a, m->a, c.b, &add, m->c,
                                     c.c, m->c, c.c, &c.algorithm, x->workspace, WORKSPACE_BYTES,
                                     mas_cuda_stream()),
                "a matrix product", err);
}
