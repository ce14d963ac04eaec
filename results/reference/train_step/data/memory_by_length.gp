# SPDX-License-Identifier: Apache-2.0
# Memory against length: training's by category on the left (of the variant that needs most; it hardly depends on the
# variant), and on the right what decoding keeps of one sequence, a line a variant.
load "settings.gp"
seeds_shown = ""
load "common.gp"

array category[6] = ["weights", "gradients", "optimiser", "activations", "workspace", "keys and values"]
array colour[6] = [0x0072b2, 0x56b4e9, 0x009e73, 0xd55e00, 0xcc79a7, 0xe69f00]
array symbol[6] = [5, 4, 9, 7, 11, 13]
settings_of_panel(left, right, name) = sprintf("set lmargin at screen %g; set rmargin at screen %g; set tmargin at screen 0.84; set title '%s' offset 0,-0.5 font ',11' textcolor rgb ink", left, right, name)

do for [format in formats] {
    eval open_chart(format, "memory_by_length")
    set multiplot
    set bmargin at screen 0.355
    set logscale x 2
    set logscale y
    set xtics ("64" 64, "128" 128, "256" 256, "512" 512, "1k" 1024, "2k" 2048, "4k" 4096, "8k" 8192, "16k" 16384, \
        "32k" 32768, "64k" 65536, "128k" 131072, "256k" 262144, "512k" 524288) font ",10"
    unset ytics
    set ytics nomirror out font ",10"
    do for [power = 3:14] {
        do for [digit in "1 2 5"] {
            bytes = digit * 10.0**power
            set ytics add (gprintf("%.0s %cB", bytes) bytes)
        }
    }
    set xrange [memory_shortest / 1.15:memory_longest * 1.15]
    set xlabel "length (tokens)" font ",11" offset 0, 0.3
    set yrange [memory_low / 1.5:memory_high * 1.5]
    eval settings_of_panel(0.085, 0.335, "training, by category")
    set key at screen 0.06, screen 0.24 left top Left reverse samplen 2 spacing 1.15 maxrows 4 width 1 font ",9" textcolor rgb ink noenhanced
    plot "memory_by_length.tsv" index 0 using 1:2 with linespoints linewidth 2 pointsize 0.6 pointtype 7 \
             linecolor rgb ink title "total", \
         for [c = 1:6] "" index 0 using 1:c + 2 with linespoints linewidth 1.4 pointsize 0.7 \
             pointtype symbol[c] linecolor rgb colour[c] title (memory_there[c] ? category[c] : "")
    unset label
    eval settings_of_panel(0.425, 0.675, "keys and values of one sequence")
    set yrange [cache_low / 1.5:cache_high * 1.5]
    set key at screen 0.69, screen 0.85 left top Left reverse samplen 1.5 spacing 1.3 maxrows 20 font memory_font textcolor rgb ink noenhanced
    if (memory_lines < memory_variants) {
        set key title sprintf("%d of %d variants", memory_lines, memory_variants) font memory_font left noenhanced
    }
    plot for [v = 1:memory_lines] "memory_by_length.tsv" index v using 1:2 with linespoints linewidth 1.4 pointsize 0.6 \
             pointtype memory_symbol[v] linecolor rgb memory_colour[v] title memory_name[v]
    unset multiplot
    set output
    reset
    load "common.gp"
}
