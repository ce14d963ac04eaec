# SPDX-License-Identifier: Apache-2.0
# Time of a sequence against length on logarithmic axes; the key of a panel has each line's fitted exponent.
load "settings.gp"
load "common.gp"

do for [format in formats] {
    eval open_chart(format, "kernel_time")
    load "kernel_panels.gp"
    set logscale y
    set ytics format "%g"
    set multiplot
    do for [p = 0:panels - 1] {
        eval enter_panel(p)
        set xlabel (p / columns == rows - 1 ? "length (tokens)" : "")
        set ylabel (p % columns == 0 ? "ms a sequence" : "")
        set xrange [shortest / 1.15:longest * 1.15]
        set key at graph 0.02, graph 0.99 left top Left reverse samplen 0.5 spacing 0.85 font ",7" textcolor rgb ink noenhanced
        plot for [v = 1:variants] "kernels.tsv" index p * variants + v - 1 using 1:3 \
                 with linespoints linewidth 1.4 pointsize 0.6 pointtype variant_symbol[v] \
                 linecolor rgb variant_colour[v] title (exponent[p * variants + v] == exponent[p * variants + v] ? sprintf("L^%.2f", exponent[p * variants + v]) : "")
        unset label
    }
    eval names_only
    plot for [v = 1:variants] NaN with linespoints linewidth 1.4 pointsize 0.9 pointtype variant_symbol[v] \
             linecolor rgb variant_colour[v] title variant_name[v]
    unset multiplot
    set output
    reset
    load "common.gp"
}
