# SPDX-License-Identifier: Apache-2.0
# Quality by the number of full layers, one line a family; seeds as error bars. Families stand a little apart, so that
# their bars do not hide each other.
load "settings.gp"
seeds_shown = "Mean and extremes"
load "common.gp"

set xlabel sprintf("full layers among %d", layers)
set ylabel quality_label
set xrange [-0.5:layers + 0.5]
set yrange [quality_low:quality_high]
set xtics 0, 1, layers
if (quality_log) {
    set logscale y
    set ytics (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)
}
set key font family_font spacing key_spacing(families)
apart(i) = families > 1 ? 0.3 * ((i - 1.0) / (families - 1) - 0.5) : 0

do for [format in formats] {
    eval open_chart(format, "quality_by_full_layers")
    plot for [i = 1:families] "cost_quality.tsv" index i - 1 using ($6 + apart(i)):($5 > 1 ? $2 : NaN):3:4 \
             with yerrorbars linewidth 1 pointsize 0 linecolor rgb family_colour[i] notitle, \
         for [i = 1:families] "cost_quality.tsv" index i - 1 using ($6 + apart(i)):2 \
             with linespoints linewidth 1 dashtype 2 pointsize 1.2 pointtype family_symbol[i] \
             linecolor rgb family_colour[i] title family_name[i]
    set output
}
