/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN, loaded when it is first asked for, so that the program starts and works without it. */
#ifndef MAS_CUDA_CUDNN_LIBRARY_H
#define MAS_CUDA_CUDNN_LIBRARY_H

#include "masbench/status.h"

#include <cudnn_graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The functions used, by name. */
#define MAS_CUDNN_FUNCTIONS(X)                                                                     \
    X(cudnnGetVersion)                                                                             \
    X(cudnnGetErrorString)                                                                         \
    X(cudnnGetLastErrorString)                                                                     \
    X(cudnnCreate)                                                                                 \
    X(cudnnSetStream)                                                                              \
    X(cudnnBackendCreateDescriptor)                                                                \
    X(cudnnBackendDestroyDescriptor)                                                               \
    X(cudnnBackendFinalize)                                                                        \
    X(cudnnBackendSetAttribute)                                                                    \
    X(cudnnBackendGetAttribute)                                                                    \
    X(cudnnBackendExecute)

typedef struct mas_cudnn_library {
    size_t version; /* 91900: 9.19.0 */
#define MAS_CUDNN_MEMBER(name) __typeof__(&(name)) name;
    MAS_CUDNN_FUNCTIONS(MAS_CUDNN_MEMBER)
#undef MAS_CUDNN_MEMBER
} mas_cudnn_library;

/** The library, loaded once and kept.
 *  @return MAS_OK; MAS_E_UNSUPPORTED with the reason when it is not there or too old */
mas_status mas_cudnn_load(const mas_cudnn_library **out, mas_error *err);

/** MAS_OK, or what cuDNN said: "what: name of the code: its last message". What the library does
 * not support is MAS_E_UNSUPPORTED, the rest MAS_E_DEVICE. */
mas_status mas_cudnn_check(const mas_cudnn_library *lib, cudnnStatus_t code, const char *what,
                           mas_error *err);

#ifdef __cplusplus
}
#endif
#endif
