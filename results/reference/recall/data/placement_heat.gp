# SPDX-License-Identifier: Apache-2.0
# Where full attention stands and what that gives: a row a layer plan, best first; a large cell is full attention, a
# small one sparse; colour and number are the mean quality over seeds.
load "settings.gp"
seeds_shown = "Mean and extremes"
load "common.gp"

stats "placement_heat.tsv" index 0 using 2:1 name "cell" nooutput
stats "placement_heat.tsv" index 1 using 2:5 name "row" nooutput
stats "placement_heat.tsv" index 1 using 7 name "plans" nooutput
rows = int(cell_max_y)
columns = int(cell_max_x) + 1
row_font = sprintf(",%d", rows > 16 && plan_font > 8 ? 8 : plan_font)
tall = 0.42   # half a row that is full attention
small = 0.13  # and half a sparse one
# Square cells where a few layers leave room for them.
wide(size) = size * (columns < 16 ? 1 : 0.95)

set lmargin at screen 0.345
set rmargin at screen (columns < 8 ? 0.6 : 0.7)
set bmargin at screen 0.235
unset key
unset grid
set border 0
set xlabel "layer, bottom first" offset 0, 0.6 font ",11"
set xrange [-0.5:columns - 0.5]
set yrange [rows + 0.5:0.5]
set xtics 0, (columns > 16 ? 4 : 1), columns - 1 scale 0
set ytics scale 0 font row_font noenhanced
set palette defined (0 '#00204d', 0.25 '#31446b', 0.5 '#666970', 0.75 '#a69d75', 1 '#ffea46') # cividis: for any colour vision
set cbrange [row_min_x:row_max_x > row_min_x ? row_max_x : row_min_x + 1]
set colorbox horizontal user origin screen 0.345, screen 0.125 size screen 0.2, screen 0.022 noborder
set cbtics scale 0 font ",9" offset 0, 0.6
set cbtics (sprintf("%.4g", row_min_x) row_min_x, sprintf("%.4g", row_max_x) row_max_x)
if (row_max_x > 4 * row_min_x) { set logscale cb }
set label 10 (row_max_y > 1 ? "mean [lowest, highest seed]" : "") at graph 1.03, screen 0.9 left font ",10" textcolor rgb soft noenhanced
set label 12 (plans_max > rows ? sprintf("%d best of %d", rows, plans_max) : "") at screen 0.335, screen 0.9 right font ",10" textcolor rgb soft noenhanced
set label 11 "large: full, small: sparse; colour and number: ".quality_label at screen 0.56, screen 0.137 left font ",8" textcolor rgb soft noenhanced
shown(mean, low, high, seeds) = seeds > 1 ? sprintf("%.3f  [%.3f, %.3f]", mean, low, high) : sprintf("%.3f", mean)

do for [format in formats] {
    eval open_chart(format, "placement_heat")
    plot "placement_heat.tsv" index 0 using 2:1:(wide($3 > 0 ? tall : small)):($3 > 0 ? tall : small):4 \
             with boxxyerror fillstyle solid 1 noborder linecolor palette notitle, \
         "" index 1 using (columns - 0.5):1:yticlabels(6) with points pointsize 0 notitle, \
         "" index 1 using (columns - 0.5):1:(shown($2, $3, $4, $5)) \
             with labels left offset 1.2, 0 font row_font textcolor rgb ink notitle
    set output
}
