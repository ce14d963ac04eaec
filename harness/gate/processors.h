/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which processors programs run on. Those of a virtual machine differ: one whose other half is busy with somebody
 * else's work is slower, by half at times, for as long as that lasts. Two programs that take turns on the same one are
 * slowed down alike. Source: Linux, sched_setaffinity(2).
 */
#ifndef MASBENCH_GATE_PROCESSORS_H
#define MASBENCH_GATE_PROCESSORS_H

/** What a thread was allowed before it was confined. */
typedef struct mas_processors mas_processors;

/** Confine this thread, and what it starts, to one of the processors it may use, the next one every `turn` (>= 0).
 *  @return for mas_processors_release; NULL when the system does not say or does not let: nothing has changed then */
mas_processors *mas_processors_confine(int turn);
/** This thread may use again what it could before; what it has started stays where it is. NULL allowed. */
void mas_processors_release(mas_processors *before);

#endif
