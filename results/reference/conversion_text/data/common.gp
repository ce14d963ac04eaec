# SPDX-License-Identifier: Apache-2.0
# One style for all charts. Loaded after settings.gp; a chart then does, for each format,
#   eval open_chart(format, name)
#   plot ...
#   set output
# The plot area is the left two thirds, the key the right third, the question above and the caption below, each with a
# fixed place, so that no text can run into another.
set encoding utf8
chart_end = exists("chart_end") ? chart_end : "" # of a chart's file until it is whole
set datafile separator "\t"
set datafile missing "NaN"

formats = "svg png"
open_chart(format, name) = \
    format eq "svg" \
    ? sprintf("set terminal svg size 1000,600 font 'DejaVu Sans,13' background 'white' noenhanced; set output '../%s.svg%s'", name, chart_end) \
    : sprintf("set terminal pngcairo size 2000,1200 font 'DejaVu Sans,13' fontscale 1.9 linewidth 1.9 pointscale 1.9 background 'white' noenhanced; set output '../%s.png%s'", name, chart_end)

ink = 0x333333   # text and axes
faint = 0xe2e2e2 # grid
soft = 0x666666  # remarks
set border 3 linewidth 1 linecolor rgb ink
set tics nomirror out font ",12" textcolor rgb ink
set grid back linewidth 0.8 linetype 1 linecolor rgb faint
set xlabel textcolor rgb ink
set ylabel textcolor rgb ink
set style textbox opaque noborder fillcolor rgb 0xffffff margins 0.3, 0.2

set lmargin at screen 0.1
set rmargin at screen 0.645
set tmargin at screen 0.875
set bmargin at screen 0.195
set key at screen 0.662, screen 0.885 left top Left reverse samplen 2 maxrows 64 spacing 1.25 font line_font textcolor rgb ink noenhanced
# Rows of the key: 24 of them stand beside the plot, more stand closer together.
key_spacing(rows) = rows > 24 ? 1.25 * 24.0 / rows : 1.25
# Entropy floors: five kinds of lines, then the same lighter
floor_dash(i) = (i - 1) % 5 + 2
floor_colour(i) = i > 5 ? 0xaaaaaa : soft
# For the key's title, of charts that draw some of the plans.
plans_drawn(text) = lines < plans ? sprintf("%s%d of %d plans", text eq "" ? "" : text."\n", lines, plans) : text
set label 999 question at screen 0.012, screen 0.965 left font ",13" textcolor rgb ink noenhanced
# A chart that does not draw the mean of seeds says what it draws in seeds_shown, before it loads this file.
if (!exists("seeds_shown")) { seeds_shown = "Mean" }
if (!exists("seeds")) { seeds = 1; remark = "" } # timed kernels
of_seeds = seeds > 1 && seeds_shown ne "" ? sprintf("%s of %d seeds. ", seeds_shown, seeds) : ""
below = caption.(of_seeds.remark eq "" ? "" : "\n".of_seeds.remark)
set label 1000 below at screen 0.012, screen 0.062 left font ",9" textcolor rgb 0x777777 noenhanced
