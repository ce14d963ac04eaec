# SPDX-License-Identifier: Apache-2.0
# Time of a sequence in a layer against length on logarithmic axes; the fitted exponents stand under the names.
load "settings.gp"
load "common.gp"
# The shape of heads, where a panel's name has one, on a line of its own.
rest(name) = name[strstrt(name, ", ") + 2:*]
shape(name) = strstrt(rest(name), ", ")
in_lines(name) = shape(name) > 0 ? name[1:strstrt(name, ", ") + shape(name) + 1]."\n".rest(name)[shape(name) + 2:*] : name

do for [format in formats] {
    eval open_chart(format, "kernel_time")
    load "kernel_panels.gp"
    set logscale y
    set ytics format "1e%L"
    set multiplot
    do for [p = 0:panels - 1] {
        eval enter_panel(p)
        set xlabel (p / columns == rows - 1 ? "length (tokens)" : "")
        set ylabel (p % columns == 0 ? "ms a sequence and layer" : "")
        set xrange [shortest / 1.15:longest * 1.15]
        unset key
        plot for [v = 1:variants] "kernels.tsv" index p * variants + v - 1 using 1:3 \
                 with linespoints linewidth 1.4 pointsize 0.6 pointtype variant_symbol[v] \
                 linecolor rgb variant_colour[v]
        unset label
    }
    eval names_only
    # A table in the key's plot: a row a variant, a column a panel.
    set label 1 "growth with the length L: exponent of L" at -0.02, 0.42 font ",9" textcolor rgb ink
    do for [p = 0:panels - 1] {
        set label 10 + p in_lines(panel_name[p + 1]) at 0.13 + 0.14 * p, 0.265 rotate by 40 font (shape(panel_name[p + 1]) > 0 ? ",6" : ",8") textcolor rgb ink
        do for [v = 1:variants] {
            e = exponent[p * variants + v]
            shown = e == e ? sprintf("%.2f", e) : "-" # NaN: fewer than two lengths
            set label 2000 + 100 * v + p shown at 0.17 + 0.14 * p, 0.24 - 0.038 * v \
                right font ",8" textcolor rgb ink
        }
    }
    do for [v = 1:variants] {
        eval sprintf("set label %d '' at 0, %g point pointtype %d pointsize 0.8 linecolor rgb %d", \
            2000 + 100 * v + 50, 0.24 - 0.038 * v, variant_symbol[v], variant_colour[v])
    }
    plot for [v = 1:variants] NaN with linespoints linewidth 1.4 pointsize 0.9 pointtype variant_symbol[v] \
             linecolor rgb variant_colour[v] title variant_name[v]
    unset multiplot
    set output
    reset
    load "common.gp"
}
