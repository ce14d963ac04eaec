# SPDX-License-Identifier: Apache-2.0
# Useful rate against length, a line a variant; the measured peak as a dashed line, or, where it is so far above that the lines would
# lie on the ground, as a number.
load "settings.gp"
load "common.gp"
far = 2.5 # times the largest rate
array panel_most[panels]
do for [p = 1:panels] {
    panel_most[p] = 0
    do for [v = 1:variants] {
        stats "kernels.tsv" index (p - 1) * variants + v - 1 using 2 nooutput
        if (STATS_records > 0 && STATS_max > panel_most[p]) { panel_most[p] = STATS_max }
    }
}
near(p) = panel_peak[p] > 0 && panel_peak[p] <= far * panel_most[p]

do for [format in formats] {
    eval open_chart(format, "kernel_rate")
    load "kernel_panels.gp"
    set multiplot
    unset key
    do for [p = 0:panels - 1] {
        eval enter_panel(p)
        set xlabel (p / columns == rows - 1 ? "length (tokens)" : "")
        set ylabel (p % columns == 0 ? "useful ".rate_unit : "")
        set xrange [shortest / 1.15:longest * 1.15]
        set yrange [0:*]
        if (panel_peak[p + 1] > 0 && !near(p + 1)) {
            set yrange [0:panel_most[p + 1] * rate_scale * 1.25]
            set label 1 sprintf("peak %.4g, above", panel_peak[p + 1] * rate_scale) at graph 0.97, 0.93 right font ",9" textcolor rgb soft
        }
        plot (near(p + 1) ? panel_peak[p + 1] * rate_scale : NaN) with lines dashtype 2 linewidth 1.2 linecolor rgb soft notitle, \
             for [v = 1:variants] "kernels.tsv" index p * variants + v - 1 using 1:(column(2) * rate_scale) \
                 with linespoints linewidth 1.4 pointsize 0.7 pointtype variant_symbol[v] \
                 linecolor rgb variant_colour[v] notitle
        unset label
    }
    eval names_only
    plot for [v = 1:variants] NaN with linespoints linewidth 1.4 pointsize 0.9 pointtype variant_symbol[v] \
             linecolor rgb variant_colour[v] title variant_name[v], \
         NaN with lines dashtype 2 linewidth 1.2 linecolor rgb soft title "measured peak"
    unset multiplot
    set output
    reset
    load "common.gp"
}
