# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run on a GPU, and does sparsity pay in time?'
caption = 'NVIDIA H100 80GB HBM3, compute capability 9.0, 79 GiB; medians, useful FLOPs only'
rate_unit = 'TFLOP/s'
rate_scale = 0.001
panels = 4
variants = 4
all_variants = 4
shortest = 2048
longest = 8192
array panel_name[5]
array panel_peak[5]
array variant_name[5]
array variant_colour[5]
array variant_symbol[5]
array exponent[17]
panel_name[1] = 'forward, bf16, 32 heads of 64'; panel_peak[1] = 805377
panel_name[2] = 'forward, bf16, 16 heads of 128'; panel_peak[2] = 807975
panel_name[3] = 'backward, bf16, 32 heads of 64'; panel_peak[3] = 806207
panel_name[4] = 'backward, bf16, 16 heads of 128'; panel_peak[4] = 808480
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
variant_colour[2] = 13983232; variant_symbol[2] = 5; variant_name[2] = 'window 1024'
variant_colour[3] = 29362; variant_symbol[3] = 9; variant_name[3] = 'block 1024 own'
variant_colour[4] = 40563; variant_symbol[4] = 11; variant_name[4] = 'block 64 bigbird 3+2+3'
line_font = ',9'
exponent[1] = 1.66646579
exponent[2] = 0.940226611
exponent[3] = 0.765162423
exponent[4] = 1.04148999
exponent[5] = 1.46309922
exponent[6] = 0.900002816
exponent[7] = 0.735829288
exponent[8] = 0.981267712
exponent[9] = 1.59199347
exponent[10] = 0.980557316
exponent[11] = 0.801903647
exponent[12] = 1.1020207
exponent[13] = 1.54708542
exponent[14] = 0.922436755
exponent[15] = 0.695489811
exponent[16] = 0.967322622
