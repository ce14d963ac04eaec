/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over scored tokens. Means are taken once, over all tokens: never a mean of means of batches
 * or documents. */
#include "harness/lm/train.h"

#include <math.h>

double mas_quality_loss(const mas_quality *q)
{
    return q->tokens > 0 ? q->nats / (double)q->tokens : (double)NAN;
}

double mas_quality_perplexity(const mas_quality *q)
{
    return exp(mas_quality_loss(q));
}

double mas_quality_bits_per_byte(const mas_quality *q)
{
    return q->text_bytes > 0 ? q->nats / log(2.0) / (double)q->text_bytes : 0;
}

/* 0: none; i: distances [2^(i-1), 2^i); the last bin also holds what lies past it */
static int distance_bin(int32_t evidence)
{
    int bin = 0;
    for (; evidence > 0 && bin < MAS_DISTANCE_BINS - 1; evidence >>= 1)
        bin++;
    return bin;
}

/* The token about to be counted. Full, two neighbours become one and the length doubles. */
static void add_to_segment(mas_quality *q, double nats, int64_t context)
{
    if (q->segment_tokens == 0)
        q->segment_tokens = context;
    if (q->tokens / q->segment_tokens >= MAS_SEGMENTS_MAX) {
        for (int i = 0; i < MAS_SEGMENTS_MAX; i++) {
            const double both = q->segment_nats[i];
            q->segment_nats[i] = 0;
            q->segment_nats[i / 2] += both;
        }
        q->segment_tokens *= 2;
    }
    const int64_t segment = q->tokens / q->segment_tokens;
    q->segments = (int32_t)segment + 1;
    q->segment_nats[segment] += nats;
}

void mas_quality_add(mas_quality *q, double nats, bool correct, int64_t position, int64_t context,
                     int32_t evidence)
{
    add_to_segment(q, nats, context);
    q->tokens++;
    q->nats += nats;
    q->correct += correct;
    q->position_bins = context < MAS_POSITION_BINS ? (int32_t)context : MAS_POSITION_BINS;
    const int64_t bin = position * q->position_bins / context;
    q->position_tokens[bin]++;
    q->position_nats[bin] += nats;
    if (evidence < 0) /* the corpus does not know */
        return;
    const int distance = distance_bin(evidence);
    q->has_evidence = true;
    q->distance_tokens[distance]++;
    q->distance_nats[distance] += nats;
    q->distance_correct[distance] += correct;
}
