# SPDX-License-Identifier: Apache-2.0
# Time of each kernel over commits, a panel a kernel: medians with quartiles, percent of the first run. A line with its
# percentage where a new level begins.
load "settings.gp"
load "common.gp"

columns = panels < 3 ? panels : (panels < 5 ? 2 : (panels < 7 ? 3 : 4))
rows = (panels + columns - 1) / columns
left(p) = 0.055 + (p % columns) * 0.94 / columns
right(p) = left(p) + 0.94 / columns - 0.05
top(p) = 0.87 - (p / columns) * 0.77 / rows
bottom(p) = top(p) - 0.77 / rows + 0.1
enter_panel(p) = sprintf("set lmargin at screen %g; set rmargin at screen %g; set tmargin at screen %g; set bmargin at screen %g", \
    left(p), right(p), top(p), bottom(p))
every_nth = runs > 12 ? runs / 6 : (runs > 6 ? 2 : 1)
set xtics () rotate by 35 right font ",7"
do for [i = 1:runs:every_nth] { set xtics add (run[i] i) }
set ytics font ",9"
set xrange [0.5:runs + 0.5]
unset key

do for [format in formats] {
    eval open_chart(format, "history")
    set multiplot
    do for [p = 0:panels - 1] {
        eval enter_panel(p)
        set title title[p + 1] offset 0, -0.8 font ",9" textcolor rgb ink noenhanced
        set ylabel (p % columns == 0 ? "time, % of first" : "") offset 1.5, 0 font ",9"
        set yrange [*:*]
        stats "history.tsv" index p using 3 name "low" nooutput
        stats "history.tsv" index p using 4 name "high" nooutput
        set yrange [(low_min < 90 ? low_min - 4 : 86):(high_max > 110 ? high_max + 8 : 114)]
        plot "history.tsv" index p using (valid(5) ? $1 - 0.5 : NaN):(86):(0):(1000) \
                 with vectors nohead dashtype 2 linewidth 1.4 linecolor rgb 0xd55e00 notitle, \
             "" index p using 1:2:3:4 with yerrorbars pointtype 7 pointsize 0.6 linewidth 1.2 linecolor rgb 0x0072b2 notitle, \
             "" index p using (valid(5) ? $1 - 0.4 : NaN):(high_max > 110 ? high_max + 4 : 111):(valid(5) ? sprintf("%+.0f %%", $5) : "") \
                 with labels left font ",9" textcolor rgb 0xd55e00 notitle
        unset label
    }
    unset multiplot
    set output
    reset
    load "common.gp"
    set xtics () rotate by 35 right font ",7"
    do for [i = 1:runs:every_nth] { set xtics add (run[i] i) }
    set ytics font ",9"
    set xrange [0.5:runs + 0.5]
    unset key
}
