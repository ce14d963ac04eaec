/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cudnn_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* From here on a masked score may be minus infinity; before, the library wanted the lowest float. */
#define VERSION_LEAST ((size_t)91000)

static mas_status load(mas_cudnn_library *lib, mas_error *err)
{
    char soname[32];
    snprintf(soname, sizeof soname, "libcudnn.so.%d", CUDNN_MAJOR);
    void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return mas_fail(err, MAS_E_UNSUPPORTED,
                        "cuDNN cannot be loaded: %s; put its folder into LD_LIBRARY_PATH",
                        dlerror());
        /* A cast from void * to a function is not ISO C; POSIX promises that the bytes are the same. */
#define FIND(name)                                                                                 \
    {                                                                                              \
        void *symbol = dlsym(handle, #name);                                                       \
        if (!symbol)                                                                               \
            return mas_fail(err, MAS_E_UNSUPPORTED, "%s has no function %s", soname, #name);       \
        memcpy(&lib->name, &symbol, sizeof symbol);                                                \
    }
    MAS_CUDNN_FUNCTIONS(FIND)
#undef FIND
    lib->version = lib->cudnnGetVersion();
    if (lib->version < VERSION_LEAST)
        return mas_fail(err, MAS_E_UNSUPPORTED, "cuDNN %zu.%zu is too old; 9.10 or later is needed",
                        lib->version / 10000, lib->version % 10000 / 100);
    return MAS_OK;
}

mas_status mas_cudnn_load(const mas_cudnn_library **out, mas_error *err)
{
    static mas_cudnn_library library;
    static mas_error reason;
    static bool tried;
    if (!tried)
        reason.status = load(&library, &reason);
    tried = true;
    *out = reason.status == MAS_OK ? &library : NULL;
    return reason.status == MAS_OK ? MAS_OK : mas_fail(err, reason.status, "%s", reason.text);
}

mas_status mas_cudnn_check(const mas_cudnn_library *lib, cudnnStatus_t code, const char *what,
                           mas_error *err)
{
    if (code == CUDNN_STATUS_SUCCESS)
        return MAS_OK;
    char message[256] = "";
    lib->cudnnGetLastErrorString(message, sizeof message);
    message[strcspn(message, "\n")] = '\0';
    const bool refused = code >= CUDNN_STATUS_NOT_SUPPORTED && code < CUDNN_STATUS_INTERNAL_ERROR;
    return mas_fail(err, refused ? MAS_E_UNSUPPORTED : MAS_E_DEVICE, "%s: cuDNN says %s: %s", what,
                    lib->cudnnGetErrorString(code), message);
}
