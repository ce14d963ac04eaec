# SPDX-License-Identifier: Apache-2.0
# Attention cost against quality: one symbol a family, the number of full layers beside mixed plans, the Pareto front
# as steps, seeds as error bars, and entropy floors where the corpus has them.
load "settings.gp"
seeds_shown = "Mean and extremes"
load "common.gp"

set xlabel "attention cost (% of the useful FLOPs of full attention)"
set ylabel quality_label
set xrange [0:cost_high]
set yrange [quality_low:quality_high]
set xtics 0, 10, 100 format "%g"
set ytics format "%g"
if (quality_log) {
    set logscale y
    set ytics (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)
}
set key font family_font spacing key_spacing(families + floors)
set key title sprintf("number beside a symbol:\nfull layers among %d", layers) font family_font left noenhanced

# None holds for points of several lengths.
drawn_floors = quality_is_perplexity && floors_of_one_length ? floors : 0

do for [format in formats] {
    eval open_chart(format, "cost_quality")
    plot "front.tsv" using 1:2 with steps linewidth 5 linecolor rgb 0xd0d0d0 title "Pareto front", \
         for [i = 1:families] "cost_quality.tsv" index i - 1 using 1:($5 > 1 ? $2 : NaN):3:4 \
             with yerrorbars linewidth 1 pointsize 0 linecolor rgb family_colour[i] notitle, \
         for [i = 1:families] "cost_quality.tsv" index i - 1 using 1:2 \
             with linespoints linewidth 1 dashtype 2 pointsize 1.2 pointtype family_symbol[i] \
             linecolor rgb family_colour[i] title family_name[i], \
         for [i = 1:drawn_floors] exp(floor_nats[i]) with lines linewidth 1.4 dashtype floor_dash(i) \
             linecolor rgb floor_colour(i) title floor_name[i], \
         $labels using 1:2:3:4 with labels left font ",10" textcolor rgb variable notitle
    set output
}
