# SPDX-License-Identifier: Apache-2.0
# Quality against the length that a model reads at evaluation: a colour a plan, a symbol and a dash a length of training;
# seeds as error bars. Plans stand a little apart, so that their bars do not hide each other.
load "settings.gp"
seeds_shown = "Mean and extremes"
load "common.gp"

array length_symbol[3] = [7, 4, 8]
symbol(i) = length_symbol[(context_length[i] - 1) % 3 + 1]
dash(i) = (context_length[i] - 1) % 3 + 1
apart(i) = 1.03 ** (context_plan[i] - 2)

set xlabel "context at evaluation (tokens)"
set ylabel quality_label
set logscale x 2
set xrange [context_shortest / 1.2:context_longest * 1.2]
set yrange [quality_low:quality_high]
set ytics format "%g"
if (quality_log) {
    set logscale y
    set ytics (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000, 2000)
}
set key font context_font
if (context_lines < context_all) {
    set key title sprintf("%d of %d lines", context_lines, context_all) font context_font left noenhanced
}

do for [format in formats] {
    eval open_chart(format, "quality_by_context")
    plot for [i = 1:context_lines] "quality_by_context.tsv" index i - 1 using ($1 * apart(i)):($5 > 1 ? $2 : NaN):3:4 \
             with yerrorbars linewidth 1 pointsize 0 linecolor rgb context_colour[i] notitle, \
         for [i = 1:context_lines] "quality_by_context.tsv" index i - 1 using ($1 * apart(i)):2 \
             with linespoints linewidth 1.4 dashtype dash(i) pointsize 1 pointtype symbol(i) \
             linecolor rgb context_colour[i] title context_name[i]
    set output
}
