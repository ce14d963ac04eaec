# SPDX-License-Identifier: Apache-2.0
# Loss against training tokens: lines with symbols for validation, thin lines for training.
load "settings.gp"
load "common.gp"

set xlabel "training tokens (millions)"
set ylabel "loss (nats per token)"
set xtics format "%g"
set ytics format "%g"
set xrange [0:*] noextend
set key title plans_drawn("symbols: validation; thin: training") font line_font left noenhanced

set offsets 0, 0, 0, graph 0.05 # room below the lowest floor

do for [format in formats] {
    eval open_chart(format, "training_curves")
    plot for [i = 1:lines] "training_curves.tsv" index i - 1 using 1:3 \
             with lines linewidth 0.6 linecolor rgb line_colour[i] notitle, \
         for [i = 1:lines] "training_curves.tsv" index i - 1 using 1:2 \
             with linespoints linewidth 1.6 pointsize 0.7 pointtype line_symbol[i] \
             linecolor rgb line_colour[i] title line_name[i], \
         for [i = 1:floors] floor_nats[i] with lines linewidth 1.4 dashtype floor_dash(i) \
             linecolor rgb floor_colour(i) title floor_name[i]
    set output
}
