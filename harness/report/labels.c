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

static box name_box(const mas_line_name *name, bool right, bool above)
{
    return (box){.left = right ? 1 - name->width : 0,
                 .right = right ? 1 : name->width,
                 .bottom = above ? name->y : name->y - name->height,
                 .top = above ? name->y + name->height : name->y};
}

/* What a name hides is worse the more of it; a name outside of the plot or on another one is worst. */
static size_t hidden_by(box here, const mas_line_name *placed, size_t count,
                        const mas_label *points, size_t point_count)
{
    size_t hidden = 0;
    for (size_t i = 0; i < point_count; i++)
        hidden += points[i].x > here.left && points[i].x < here.right &&
                  points[i].y > here.bottom && points[i].y < here.top;
    for (size_t i = 0; i < count; i++)
        if (overlap(here, name_box(&placed[i], placed[i].right, placed[i].above)) > 0)
            hidden += point_count + 1;
    return here.bottom < 0 || here.top > 1 ? hidden + point_count + 1 : hidden;
}

void mas_line_names_place(mas_line_name *names, size_t count, const mas_label *points,
                          size_t point_count)
{
    static const struct {
        bool right, above;
    } places[] = {{false, false}, {true, false}, {false, true}, {true, true}};
    for (size_t i = 0; i < count; i++) {
        size_t fewest = SIZE_MAX;
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            const size_t hidden = hidden_by(name_box(&names[i], places[p].right, places[p].above),
                                            names, i, points, point_count);
            if (hidden < fewest) {
                fewest = hidden;
                names[i].right = places[p].right;
                names[i].above = places[p].above;
            }
        }
    }
}
