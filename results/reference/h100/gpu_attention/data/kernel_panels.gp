# SPDX-License-Identifier: Apache-2.0
# Panels of the kernel charts, an operation, dtype and shape of heads each: up to three side by side in up to two rows on the left
# two thirds, the names of the variants on the right. Loaded after common.gp.
columns = panels < 3 ? panels : (panels == 4 ? 2 : 3)
rows = (panels + columns - 1) / columns
panel_left(p) = 0.075 + (p % columns) * 0.64 / columns
panel_right(p) = panel_left(p) + 0.64 / columns - (columns > 1 ? 0.055 : 0)
panel_top(p) = 0.875 - (p / columns) * 0.72 / rows
panel_bottom(p) = panel_top(p) - 0.72 / rows + (rows > 1 ? 0.105 : 0.02)
enter_panel(p) = sprintf("set lmargin at screen %g; set rmargin at screen %g; set tmargin at screen %g; set bmargin at screen %g; set title '%s' offset 0,-0.7 font ',11' textcolor rgb ink", \
    panel_left(p), panel_right(p), panel_top(p), panel_bottom(p), panel_name[p + 1])
set logscale x 2
set xtics ("64" 64, "128" 128, "256" 256, "512" 512, "1k" 1024, "2k" 2048, "4k" 4096, "8k" 8192, "16k" 16384, \
    "32k" 32768, "64k" 65536, "128k" 131072) font ",9"
set ytics font ",9"
set xlabel offset 0, 0.6 font ",10"
set ylabel offset 1.2, 0 font ",10"
# An empty plot beside the panels that only has the key.
names_only = "unset logscale; unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset title; unset label; \
set lmargin at screen 0.72; set rmargin at screen 0.98; set tmargin at screen 0.9; set bmargin at screen 0.2; \
set key at screen 0.715, screen 0.88 left top Left reverse samplen 1.5 spacing 1.3 font line_font textcolor rgb ink noenhanced; set xrange [0:1]; set yrange [0:1]; ".(variants < all_variants ? sprintf("set key title '%d of %d lines' font line_font left noenhanced", variants, all_variants) : "")
