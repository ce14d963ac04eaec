# SPDX-License-Identifier: Apache-2.0
# Loss by position in the context: what more context is worth to each plan.
load "settings.gp"
load "common.gp"

set xlabel "position in the context (tokens)"
set ylabel "loss (nats per token)"
set logscale x 2
set xtics format "%g"
set ytics format "%g"
set xrange [*:*] noextend

set key title plans_drawn("") font line_font left noenhanced

do for [format in formats] {
    eval open_chart(format, "loss_by_position")
    plot for [i = 1:lines] "loss_by_position.tsv" index i - 1 using 1:2 \
             with linespoints linewidth 1.6 pointsize 0.7 pointtype line_symbol[i] \
             linecolor rgb line_colour[i] title line_name[i]
    set output
}
