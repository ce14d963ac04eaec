# Written by masbench; read by the chart scripts beside it.
question = 'Does decoding run at the speed of memory?'
caption = '8 query heads, 8 key/value heads, head size 64; AMD EPYC, avx512bf16, 2 threads; medians, useful FLOPs only'
line_font = ',9'
panels = 2
variants = 1
shortest = 16384
longest = 16384
array panel_name[3]
array panel_peak[3]
array variant_name[2]
array variant_colour[2]
array variant_symbol[2]
array exponent[3]
panel_name[1] = 'decode, f32'; panel_peak[1] = 537.235
panel_name[2] = 'decode, bf16'; panel_peak[2] = 1089.69
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
exponent[1] = NaN
exponent[2] = NaN
