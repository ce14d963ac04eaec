/* SPDX-License-Identifier: Apache-2.0 */
/* A graph of cuDNN operations, built step by step and made into a plan that the GPU can run.
 *
 * A failure sticks: after the first one every call does nothing, and mas_cudnn_graph_finish reports
 * it. So code that builds a graph reads as the list of its operations. Tensors are numbers, handed
 * out by the functions that make them; all have four dimensions. */
#ifndef MAS_CUDA_CUDNN_BUILDER_H
#define MAS_CUDA_CUDNN_BUILDER_H

#include "kernels/cuda/cudnn_library.h"

enum { MAS_CUDNN_DIMS = 4, MAS_CUDNN_TENSORS = 64, MAS_CUDNN_OPERATIONS = 64 };

typedef struct mas_cudnn_graph mas_cudnn_graph;

typedef int mas_cudnn_tensor;

/** @param[out] out  free with mas_cudnn_graph_free, also after a failure
 *  @return MAS_OK, MAS_E_MEMORY */
mas_status mas_cudnn_graph_open(const mas_cudnn_library *lib, mas_cudnn_graph **out,
                                mas_error *err);
void mas_cudnn_graph_free(mas_cudnn_graph *g); /* NULL allowed */

/** A tensor in device memory, on 16-byte boundaries; strides in elements. */
mas_cudnn_tensor mas_cudnn_buffer(mas_cudnn_graph *g, cudnnDataType_t type,
                                  const int64_t size[MAS_CUDNN_DIMS],
                                  const int64_t stride[MAS_CUDNN_DIMS]);
/** The same with dense strides. */
mas_cudnn_tensor mas_cudnn_dense(mas_cudnn_graph *g, cudnnDataType_t type,
                                 const int64_t size[MAS_CUDNN_DIMS]);
/** What passes from one operation to the next and never lies in memory. */
mas_cudnn_tensor mas_cudnn_virtual(mas_cudnn_graph *g, cudnnDataType_t type,
                                   const int64_t size[MAS_CUDNN_DIMS],
                                   const int64_t stride[MAS_CUDNN_DIMS]);
/** One number, known now. */
mas_cudnn_tensor mas_cudnn_number(mas_cudnn_graph *g, float value);

/** c = a b, over the last two dimensions; heads of b are shared where a has more of them. */
void mas_cudnn_matmul(mas_cudnn_graph *g, mas_cudnn_tensor a, mas_cudnn_tensor b,
                      mas_cudnn_tensor c);
/** y = mode(x) */
void mas_cudnn_unary(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                     mas_cudnn_tensor y);
/** y = x mode b */
void mas_cudnn_binary(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                      mas_cudnn_tensor b, mas_cudnn_tensor y);
/** y = x mode b, as truth. */
void mas_cudnn_compare(mas_cudnn_graph *g, cudnnPointwiseMode_t mode, mas_cudnn_tensor x,
                       mas_cudnn_tensor b, mas_cudnn_tensor y);
/** y = index of each element of x along an axis. */
void mas_cudnn_index(mas_cudnn_graph *g, int64_t axis, mas_cudnn_tensor x, mas_cudnn_tensor y);
/** y = truth ? x : otherwise */
void mas_cudnn_select(mas_cudnn_graph *g, mas_cudnn_tensor truth, mas_cudnn_tensor x,
                      mas_cudnn_tensor otherwise, mas_cudnn_tensor y);
/** y = x reduced along the dimensions where y has size 1 (or fewer heads). */
void mas_cudnn_reduce(mas_cudnn_graph *g, cudnnReduceTensorOp_t mode, mas_cudnn_tensor x,
                      mas_cudnn_tensor y);
/** y = x with its last two dimensions traded. */
void mas_cudnn_transpose(mas_cudnn_graph *g, mas_cudnn_tensor x, mas_cudnn_tensor y);

/** The graph is complete: let cuDNN look at it as a whole.
 *  @param handle  NULL where there is no GPU: checked as far as that goes, no plan can be made
 *  @return MAS_OK, or the first failure since mas_cudnn_graph_open */
mas_status mas_cudnn_graph_finish(mas_cudnn_graph *g, cudnnHandle_t handle, mas_error *err);
/** Does cuDNN have a kernel for the graph on a GPU with these properties? Needs no GPU, but a
 * libcuda to load.
 *  @param properties  JSON as cuDNN writes it
 *  @return MAS_OK; MAS_E_UNSUPPORTED: it has none */
mas_status mas_cudnn_graph_served(mas_cudnn_graph *g, const char *properties, mas_error *err);
/** The first plan that cuDNN suggests and the GPU takes.
 *  @param[out] workspace_bytes  that runs of it need */
mas_status mas_cudnn_graph_plan(mas_cudnn_graph *g, size_t *workspace_bytes, mas_error *err);

/** Queue a run.
 *  @param pointers   [count] of the tensors in `buffers`, device memory
 *  @param workspace  on a 128-byte boundary */
mas_status mas_cudnn_graph_run(mas_cudnn_graph *g, const mas_cudnn_tensor *buffers,
                               void *const *pointers, int count, void *workspace, mas_error *err);

#endif
