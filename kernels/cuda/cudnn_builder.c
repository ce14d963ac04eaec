/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_builder.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((int64_t)16) /* bytes; what cuDNN's attention kernels ask for */
#define PLANS_MOST 16           /* suggestions that are tried */

enum { OWNED_MOST = MAS_CUDNN_TENSORS + 2 * MAS_CUDNN_OPERATIONS + PLANS_MOST + 8 };

struct mas_cudnn_graph {
    const mas_cudnn_library *lib;
    cudnnHandle_t handle;
    mas_status status; /* the first failure */
    mas_error error;
    cudnnBackendDescriptor_t owned[OWNED_MOST];
    cudnnBackendDescriptor_t tensors[MAS_CUDNN_TENSORS];
    cudnnBackendDescriptor_t operations[MAS_CUDNN_OPERATIONS];
    float numbers[MAS_CUDNN_TENSORS]; /* of the tensors that is_number says */
    bool is_number[MAS_CUDNN_TENSORS];
    int owned_count, tensor_count;
    int64_t operation_count;
    cudnnBackendDescriptor_t graph, plan;
};

mas_status mas_cudnn_graph_open(const mas_cudnn_library *lib, mas_cudnn_graph **out, mas_error *err)
{
    mas_cudnn_graph *g = calloc(1, sizeof *g);
    *out = g;
    if (!g)
        return mas_fail(err, MAS_E_MEMORY, "no memory for a graph of cuDNN operations");
    g->lib = lib;
    return MAS_OK;
}

void mas_cudnn_graph_free(mas_cudnn_graph *g)
{
    if (!g)
        return;
    while (g->owned_count > 0)
        (void)g->lib->cudnnBackendDestroyDescriptor(g->owned[--g->owned_count]);
    free(g);
}

/* ---- descriptors ---- */

static bool went_well(mas_cudnn_graph *g, cudnnStatus_t code, const char *what)
{
    if (g->status == MAS_OK)
        g->status = mas_cudnn_check(g->lib, code, what, &g->error);
    return g->status == MAS_OK;
}

static cudnnBackendDescriptor_t create(mas_cudnn_graph *g, cudnnBackendDescriptorType_t type,
                                       const char *what)
{
    cudnnBackendDescriptor_t d = NULL;
    assert(g->owned_count < OWNED_MOST);
    if (g->status == MAS_OK && went_well(g, g->lib->cudnnBackendCreateDescriptor(type, &d), what))
        g->owned[g->owned_count++] = d;
    return d;
}

static void set(mas_cudnn_graph *g, cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values,
                const char *what)
{
    if (g->status == MAS_OK)
        went_well(g, g->lib->cudnnBackendSetAttribute(d, name, type, count, values), what);
}

static void set_descriptor(mas_cudnn_graph *g, cudnnBackendDescriptor_t d,
                           cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t value,
                           const char *what)
{
    set(g, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value, what);
}

static void finalize(mas_cudnn_graph *g, cudnnBackendDescriptor_t d, const char *what)
{
    if (g->status == MAS_OK)
        went_well(g, g->lib->cudnnBackendFinalize(d), what);
}

/* ---- tensors ---- */

/* What cuDNN calls a tensor; never 0. */
static int64_t id_of(mas_cudnn_tensor t)
{
    return t + 1;
}

static mas_cudnn_tensor add_tensor(mas_cudnn_graph *g, cudnnDataType_t type, const int64_t *size,
                                   const int64_t *stride, bool is_virtual, bool is_number)
{
    static const char what[] = "describing a tensor";
    assert(g->tensor_count < MAS_CUDNN_TENSORS);
    const mas_cudnn_tensor t = g->tensor_count++;
    const int64_t id = id_of(t);
    cudnnBackendDescriptor_t d = create(g, CUDNN_BACKEND_TENSOR_DESCRIPTOR, what);
    set(g, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id, what);
    set(g, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type, what);
    set(g, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, MAS_CUDNN_DIMS, size, what);
    set(g, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, MAS_CUDNN_DIMS, stride, what);
    const int64_t alignment = ALIGNMENT;
    set(g, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment, what);
    set(g, d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual, what);
    set(g, d, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &is_number, what);
    finalize(g, d, what);
    g->tensors[t] = d;
    g->is_number[t] = is_number;
    return t;
}

mas_cudnn_tensor mas_cudnn_buffer(mas_cudnn_graph *g, cudnnDataType_t type,
                                  const int64_t size[MAS_CUDNN_DIMS],
                                  const int64_t stride[MAS_CUDNN_DIMS])
{
    return add_tensor(g, type, size, stride, false, false);
}

mas_cudnn_tensor mas_cudnn_dense(mas_cudnn_graph *g, cudnnDataType_t type,
                                 const int64_t size[MAS_CUDNN_DIMS])
{
    const int64_t stride[MAS_CUDNN_DIMS] = {size[1] * size[2] * size[3], size[2] * size[3], size[3],
                                            1};
    return add_tensor(g, type, size, stride, false, false);
}

mas_cudnn_tensor mas_cudnn_virtual(mas_cudnn_graph *g, cudnnDataType_t type,
                                   const int64_t size[MAS_CUDNN_DIMS],
                                   const int64_t stride[MAS_CUDNN_DIMS])
{
    return add_tensor(g, type, size, stride, true, false);
}

mas_cudnn_tensor mas_cudnn_number(mas_cudnn_graph *g, float value)
{
    static const int64_t ones[MAS_CUDNN_DIMS] = {1, 1, 1, 1};
    const mas_cudnn_tensor t = add_tensor(g, CUDNN_DATA_FLOAT, ones, ones, false, true);
    g->numbers[t] = value;
    return t;
}

/* ---- operations ---- */

/* Finalised, and listed in the order in which it was made. */
static void add_operation(mas_cudnn_graph *g, cudnnBackendDescriptor_t d, const char *what)
{
    assert(g->operation_count < MAS_CUDNN_OPERATIONS);
    finalize(g, d, what);
    g->operations[g->operation_count++] = d;
}

void mas_cudnn_matmul(mas_cudnn_graph *g, mas_cudnn_tensor a, mas_cudnn_tensor b,
                      mas_cudnn_tensor c)
{
    static const char what[] = "describing a matrix product";
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnBackendDescriptor_t how = create(g, CUDNN_BACKEND_MATMUL_DESCRIPTOR, what);
    set(g, how, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums, what);
    finalize(g, how, what);
    cudnnBackendDescriptor_t op = create(g, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_MATMUL_ADESC, g->tensors[a], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_MATMUL_BDESC, g->tensors[b], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_MATMUL_CDESC, g->tensors[c], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_MATMUL_DESC, how, what);
    add_operation(g, op, what);
}

#define NONE (-1)

/* axis, b and truth may be NONE. */
static void pointwise(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, cudnnDataType_t computed_in,
                      int64_t axis, mas_cudnn_tensor x, mas_cudnn_tensor b, mas_cudnn_tensor truth,
                      mas_cudnn_tensor y)
{
    static const char what[] = "describing an operation by elements";
    cudnnBackendDescriptor_t how = create(g, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, what);
    set(g, how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode, what);
    set(g, how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &computed_in, what);
    if (axis != NONE)
        set(g, how, CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, &axis, what);
    finalize(g, how, what);
    cudnnBackendDescriptor_t op = create(g, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, g->tensors[x], what);
    if (b != NONE)
        set_descriptor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, g->tensors[b], what);
    if (truth != NONE)
        set_descriptor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_TDESC, g->tensors[truth], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, g->tensors[y], what);
    add_operation(g, op, what);
}

void mas_cudnn_unary(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                     mas_cudnn_tensor y)
{
    pointwise(g, mode, CUDNN_DATA_FLOAT, NONE, x, NONE, NONE, y);
}

void mas_cudnn_binary(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                      mas_cudnn_tensor b, mas_cudnn_tensor y)
{
    pointwise(g, mode, CUDNN_DATA_FLOAT, NONE, x, b, NONE, y);
}

void mas_cudnn_compare(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                       mas_cudnn_tensor b, mas_cudnn_tensor y)
{
    pointwise(g, mode, CUDNN_DATA_BOOLEAN, NONE, x, b, NONE, y);
}

void mas_cudnn_index(mas_cudnn_graph *g, int64_t axis, mas_cudnn_tensor x, mas_cudnn_tensor y)
{
    pointwise(g, CUDNN_POINTWISE_GEN_INDEX, CUDNN_DATA_FLOAT, axis, x, NONE, NONE, y);
}

void mas_cudnn_select(mas_cudnn_graph *g, mas_cudnn_tensor truth, mas_cudnn_tensor x,
                      mas_cudnn_tensor otherwise, mas_cudnn_tensor y)
{
    pointwise(g, CUDNN_POINTWISE_BINARY_SELECT, CUDNN_DATA_FLOAT, NONE, x, otherwise, truth, y);
}

void mas_cudnn_reduce(mas_cudnn_graph *g, cudnnReduceTensorOp_t mode, mas_cudnn_tensor x,
                      mas_cudnn_tensor y)
{
    static const char what[] = "describing a reduction";
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnBackendDescriptor_t how = create(g, CUDNN_BACKEND_REDUCTION_DESCRIPTOR, what);
    set(g, how, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &mode, what);
    set(g, how, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums, what);
    finalize(g, how, what);
    cudnnBackendDescriptor_t op = create(g, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_REDUCTION_DESC, how, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, g->tensors[x], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, g->tensors[y], what);
    add_operation(g, op, what);
}

void mas_cudnn_transpose(mas_cudnn_graph *g, mas_cudnn_tensor x, mas_cudnn_tensor y)
{
    static const char what[] = "describing a transpose";
    cudnnBackendDescriptor_t op = create(g, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR, what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, g->tensors[x], what);
    set_descriptor(g, op, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, g->tensors[y], what);
    add_operation(g, op, what);
}

/* ---- the whole ---- */

static mas_status report(const mas_cudnn_graph *g, mas_error *err)
{
    return g->status == MAS_OK ? MAS_OK : mas_fail(err, g->status, "%s", g->error.text);
}

mas_status mas_cudnn_graph_finish(mas_cudnn_graph *g, cudnnHandle_t handle, mas_error *err)
{
    static const char what[] = "joining the operations";
    g->handle = handle;
    g->graph = create(g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, what);
    if (handle)
        set(g, g->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle, what);
    set(g, g->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
        g->operation_count, g->operations, what);
    finalize(g, g->graph, what);
    return report(g, err);
}

/* What cuDNN would run, best first. It fills in descriptors that the caller has made.
 * device: properties of a GPU; NULL: of the one that the graph's handle belongs to */
static int64_t suggestions(mas_cudnn_graph *g, cudnnBackendDescriptor_t device,
                           cudnnBackendDescriptor_t configs[PLANS_MOST])
{
    static const char what[] = "asking for suggestions";
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    int64_t count = 0;
    cudnnBackendDescriptor_t heuristics = create(g, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, what);
    set_descriptor(g, heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g->graph, what);
    set(g, heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode, what);
    if (device)
        set_descriptor(g, heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device, what);
    finalize(g, heuristics, what);
    for (int i = 0; i < PLANS_MOST; i++)
        configs[i] = create(g, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, what);
    if (g->status == MAS_OK)
        went_well(g,
                  g->lib->cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, PLANS_MOST,
                                                   &count, configs),
                  what);
    if (g->status == MAS_OK && count == 0)
        g->status = mas_fail(&g->error, MAS_E_UNSUPPORTED,
                             "cuDNN has no kernel for it, or cannot load what it compiles one with "
                             "(libcuda.so.1, libnvrtc.so)");
    if (g->status != MAS_OK)
        return 0;
    return count < PLANS_MOST ? count : PLANS_MOST; /* cuDNN counts all, and fills in what fits */
}

mas_status mas_cudnn_graph_served(mas_cudnn_graph *g, const char *properties, mas_error *err)
{
    static const char what[] = "describing a GPU";
    cudnnBackendDescriptor_t configs[PLANS_MOST];
    cudnnBackendDescriptor_t device = create(g, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, what);
    set(g, device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
        (int64_t)strlen(properties) + 1, properties, what);
    finalize(g, device, what);
    (void)suggestions(g, device, configs);
    return report(g, err);
}

mas_status mas_cudnn_graph_plan(mas_cudnn_graph *g, size_t *workspace_bytes, mas_error *err)
{
    static const char what[] = "making a plan";
    cudnnBackendDescriptor_t configs[PLANS_MOST];
    const int64_t count = suggestions(g, NULL, configs);
    /* All but the last suggestion may fail. */
    for (int64_t i = 0; g->status == MAS_OK && !g->plan && i < count; i++) {
        cudnnBackendDescriptor_t plan = create(g, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, what);
        set(g, plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &g->handle, what);
        set_descriptor(g, plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configs[i], what);
        finalize(g, plan, what);
        if (g->status == MAS_OK)
            g->plan = plan;
        else if (i + 1 < count)
            g->status = MAS_OK;
    }
    int64_t bytes = 0, found = 0;
    if (g->status == MAS_OK)
        went_well(g,
                  g->lib->cudnnBackendGetAttribute(g->plan,
                                                   CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                   CUDNN_TYPE_INT64, 1, &found, &bytes),
                  what);
    *workspace_bytes = (size_t)bytes;
    return report(g, err);
}

mas_status mas_cudnn_graph_run(mas_cudnn_graph *g, const mas_cudnn_tensor *buffers,
                               void *const *pointers, int count, void *workspace, mas_error *err)
{
    static const char what[] = "running a plan";
    int64_t ids[MAS_CUDNN_TENSORS], used = 0;
    void *data[MAS_CUDNN_TENSORS];
    for (int i = 0; i < count; i++) {
        ids[used] = id_of(buffers[i]);
        data[used++] = pointers[i];
    }
    for (int t = 0; t < g->tensor_count; t++)
        if (g->is_number[t]) {
            ids[used] = id_of(t);
            data[used++] = &g->numbers[t];
        }
    const int before = g->owned_count;
    cudnnBackendDescriptor_t pack = create(g, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, what);
    set(g, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, used, ids, what);
    set(g, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, used, data, what);
    set(g, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace, what);
    finalize(g, pack, what);
    if (g->status == MAS_OK)
        went_well(g, g->lib->cudnnBackendExecute(g->handle, g->plan, pack), what);
    while (g->owned_count > before)
        (void)g->lib->cudnnBackendDestroyDescriptor(g->owned[--g->owned_count]);
    return report(g, err);
}
