# SPDX-License-Identifier: Apache-2.0
# Speed-up of each variant over full attention: measured as lines with symbols, predicted by useful FLOPs dashed.
load "settings.gp"
load "common.gp"

do for [format in formats] {
    eval open_chart(format, "kernel_speedup")
    load "kernel_panels.gp"
    set logscale y 2
    set ytics format "%g"
    set multiplot
    unset key
    do for [p = 0:panels - 1] {
        eval enter_panel(p)
        set xlabel (p / columns == rows - 1 ? "length (tokens)" : "")
        set ylabel (p % columns == 0 ? "speed-up over full" : "")
        set xrange [shortest / 1.15:longest * 1.15]
        plot for [v = 1:variants] "kernels.tsv" index p * variants + v - 1 using 1:5 \
                 with lines linewidth 1.2 dashtype 2 linecolor rgb variant_colour[v] notitle, \
             for [v = 1:variants] "kernels.tsv" index p * variants + v - 1 using 1:4 \
                 with linespoints linewidth 1.4 pointsize 0.7 pointtype variant_symbol[v] \
                 linecolor rgb variant_colour[v] notitle
        unset label
    }
    eval names_only
    plot for [v = 1:variants] NaN with linespoints linewidth 1.4 pointsize 0.9 pointtype variant_symbol[v] \
             linecolor rgb variant_colour[v] title variant_name[v], \
         NaN with lines dashtype 2 linewidth 1.2 linecolor rgb soft title "dashed: ratio of useful FLOPs"
    unset multiplot
    set output
    reset
    load "common.gp"
}
