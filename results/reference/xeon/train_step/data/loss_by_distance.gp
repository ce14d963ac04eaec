# SPDX-License-Identifier: Apache-2.0
# Loss of tokens that repeat an earlier passage, by how far back their evidence stands.
load "settings.gp"
load "common.gp"

set xlabel "distance to the evidence (tokens)"
set ylabel "loss of tokens with evidence (nats per token)"
set logscale x 2
set yrange [0:*]
set xtics format "%g"
set ytics format "%g"

set key title plans_drawn("") font line_font left noenhanced

do for [format in formats] {
    eval open_chart(format, "loss_by_distance")
    plot for [i = 1:lines] "loss_by_distance.tsv" index i - 1 using 1:2 \
             with linespoints linewidth 1.6 pointsize 0.9 pointtype line_symbol[i] \
             linecolor rgb line_colour[i] title line_name[i]
    set output
}
