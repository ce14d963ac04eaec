/* SPDX-License-Identifier: Apache-2.0 */
/* Labels beside points. Each label in turn tries eight places around its point, near ones
 * first, and takes the one that covers least of the points and of the labels already placed.
 * Greedy is enough for a few dozen points. */
#include "harness/report/report.h"

#include <math.h>

#define POINT_RADIUS 0.012

typedef struct box {
    double left, right, bottom, top;
} box;

static double overlap(box a, box b)
{
    const double width = fmin(a.right, b.right) - fmax(a.left, b.left);
    const double height = fmin(a.top, b.top) - fmax(a.bottom, b.bottom);
    return width > 0 && height > 0 ? width * height : 0;
}

static box label_box(const mas_label *label, double x, double y)
{
    return (box){x, x + label->width, y - label->height / 2, y + label->height / 2};
}

void mas_labels_place(mas_label *labels, size_t count)
{
    static const double directions[][2] = {{1, 0.7}, {1, -0.7}, {-1, 0.7}, {-1, -0.7},
                                           {0, 1.2}, {0, -1.2}, {1, 0},    {-1, 0}};
    for (size_t i = 0; i < count; i++) {
        mas_label *label = &labels[i];
        double best = (double)INFINITY;
        for (size_t d = 0; d < sizeof directions / sizeof *directions; d++) {
            const double side = directions[d][0];
            const double gap = POINT_RADIUS * 1.1;
            const double x = side > 0   ? label->x + gap
                             : side < 0 ? label->x - gap - label->width
                                        : label->x - label->width / 2;
            const double y = label->y + directions[d][1] * (gap + label->height / 2);
            const box here = label_box(label, x, y);
            double cost = 1e-9 * (double)d;
            for (size_t j = 0; j < count; j++) {
                const box point = {labels[j].x - POINT_RADIUS, labels[j].x + POINT_RADIUS,
                                   labels[j].y - POINT_RADIUS, labels[j].y + POINT_RADIUS};
                cost += overlap(here, point);
                if (j < i)
                    cost +=
                        overlap(here, label_box(&labels[j], labels[j].label_x, labels[j].label_y));
            }
            const box inside = {0, 1, 0, 1};
            cost += 4 * (label->width * label->height - overlap(here, inside));
            if (cost < best) {
                best = cost;
                label->label_x = x;
                label->label_y = y;
            }
        }
    }
}
