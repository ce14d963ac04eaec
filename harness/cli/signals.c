/* SPDX-License-Identifier: Apache-2.0 */
/* Signals are waited for in a thread of their own and blocked in all others. A handler would be
 * simpler, but one that interrupted oneDNN 2.6 inside dnnl_sgemm was seen to corrupt the heap (its
 * generated code does not leave the stack fit for a signal frame). */
#include "harness/cli/signals.h"

#include "harness/cli/cli.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t mas_cli_stop;

static void *wait_for_signals(void *user)
{
    const sigset_t *set = user;
    int number;
    while (sigwait(set, &number) == 0) {
        if (mas_cli_stop)
            _exit(MAS_EXIT_INTERRUPTED);
        mas_cli_stop = 1;
        fprintf(stderr, "\nstopping after this step; once more to stop at once\n");
    }
    return NULL;
}

mas_status mas_cli_catch_signals(mas_error *err)
{
    static sigset_t set; /* lives as long as the thread */
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    int code = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (code == 0)
        code = pthread_create(&thread, NULL, wait_for_signals, &set);
    if (code == 0)
        code = pthread_detach(thread);
    return code == 0 ? MAS_OK
                     : mas_fail(err, MAS_E_IO, "cannot watch for signals: %s", strerror(code));
}
