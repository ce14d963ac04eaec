# Written by masbench; read by the chart scripts beside it.
question = 'Does decoding run at the speed of memory?'
caption = 'Intel(R) Xeon(R) Processor, amx, 2 threads; medians, useful FLOPs only'
rate_unit = 'GFLOP/s'
rate_scale = 1
panels = 4
variants = 1
all_variants = 1
shortest = 16384
longest = 16384
array panel_name[5]
array panel_peak[5]
array variant_name[2]
array variant_colour[2]
array variant_symbol[2]
array exponent[5]
panel_name[1] = 'decode, f32, 8 heads of 64'; panel_peak[1] = 473.834
panel_name[2] = 'decode, f32, 8/2 heads of 64'; panel_peak[2] = 468.556
panel_name[3] = 'decode, bf16, 8 heads of 64'; panel_peak[3] = 7504.75
panel_name[4] = 'decode, bf16, 8/2 heads of 64'; panel_peak[4] = 7366.86
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
line_font = ',9'
exponent[1] = NaN
exponent[2] = NaN
exponent[3] = NaN
exponent[4] = NaN
