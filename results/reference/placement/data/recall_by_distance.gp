# SPDX-License-Identifier: Apache-2.0
# How many tokens that repeat an earlier passage are predicted right, by how far back their evidence stands. Beyond its reach
# a stack of sparse layers alone cannot see the evidence from any position; a block reaches that far from its last one only.
load "settings.gp"
load "common.gp"

set xlabel "distance to the evidence (tokens)"
set ylabel "tokens with evidence predicted right (%)"
set logscale x 2
set yrange [0:100]
set xtics format "%g"
set ytics 0, 20, 100 format "%g"
do for [i = 1:floors] {
    known = 0 # the same reach of another mask or length
    do for [j = 1:i - 1] { known = known || floor_reach[j] == floor_reach[i] }
    if (floor_reach[i] > 0 && !known) {
        set xlabel "distance to the evidence (tokens); dotted: reach of the sparse layers alone"
        set arrow from first floor_reach[i], graph 0 to first floor_reach[i], graph 1 nohead \
            linewidth 1.4 dashtype 3 linecolor rgb soft
        set label sprintf("%g", floor_reach[i]) at first floor_reach[i], graph 1 center \
            offset 0, 0.7 font ",10" textcolor rgb soft noenhanced
    }
}

set key title plans_drawn("") font line_font left noenhanced

do for [format in formats] {
    eval open_chart(format, "recall_by_distance")
    plot for [i = 1:lines] "loss_by_distance.tsv" index i - 1 using 1:(100 * $3) \
             with linespoints linewidth 1.6 pointsize 0.9 pointtype line_symbol[i] \
             linecolor rgb line_colour[i] title line_name[i]
    set output
}
