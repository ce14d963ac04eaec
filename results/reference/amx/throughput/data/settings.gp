# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run, and does sparsity pay in time?'
caption = '4 heads of 64; Intel(R) Xeon(R) Processor, amx, 2 threads; medians, useful FLOPs only'
rate_unit = 'GFLOP/s'
rate_scale = 1
panels = 6
variants = 9
all_variants = 9
shortest = 512
longest = 16384
array panel_name[7]
array panel_peak[7]
array variant_name[10]
array variant_colour[10]
array variant_symbol[10]
array exponent[55]
panel_name[1] = 'forward, f32'; panel_peak[1] = 481.588
panel_name[2] = 'backward, f32'; panel_peak[2] = 485.161
panel_name[3] = 'decode, f32'; panel_peak[3] = 476.349
panel_name[4] = 'forward, bf16'; panel_peak[4] = 7714.33
panel_name[5] = 'backward, bf16'; panel_peak[5] = 7510.79
panel_name[6] = 'decode, bf16'; panel_peak[6] = 7511.84
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
variant_colour[2] = 13983232; variant_symbol[2] = 5; variant_name[2] = 'window 256'
variant_colour[3] = 29362; variant_symbol[3] = 9; variant_name[3] = 'block 64 own'
variant_colour[4] = 40563; variant_symbol[4] = 11; variant_name[4] = 'block 256 own'
variant_colour[5] = 13400487; variant_symbol[5] = 13; variant_name[5] = 'block 64 local 2'
variant_colour[6] = 15113984; variant_symbol[6] = 15; variant_name[6] = '1 full of 4 (bottom) + window 256'
variant_colour[7] = 5682409; variant_symbol[7] = 6; variant_name[7] = 'block 64 bigbird 3+2+3'
variant_colour[8] = 9132544; variant_symbol[8] = 4; variant_name[8] = 'window 1024'
variant_colour[9] = 6962586; variant_symbol[9] = 8; variant_name[9] = 'block 1024 own'
line_font = ',9'
exponent[1] = 1.91123485
exponent[2] = 1.06959345
exponent[3] = 0.951537269
exponent[4] = 1.0111464
exponent[5] = 1.04299082
exponent[6] = 1.5735222
exponent[7] = 1.15895702
exponent[8] = 1.15675069
exponent[9] = 1.05569321
exponent[10] = 1.94639885
exponent[11] = 1.12672422
exponent[12] = 1.08740885
exponent[13] = 1.0764368
exponent[14] = 1.10231247
exponent[15] = 1.63668366
exponent[16] = 1.21292849
exponent[17] = 1.17106552
exponent[18] = 1.05118547
exponent[19] = 1.36606619
exponent[20] = 0.0845837496
exponent[21] = 0.235511817
exponent[22] = 0.101394857
exponent[23] = 0.15913914
exponent[24] = 0.835994868
exponent[25] = 0.103661312
exponent[26] = 0.419584085
exponent[27] = 0.338010311
exponent[28] = 1.78725372
exponent[29] = 0.99920316
exponent[30] = 0.990557355
exponent[31] = 0.898179129
exponent[32] = 1.03910293
exponent[33] = 1.48492441
exponent[34] = 1.12461388
exponent[35] = 1.10335107
exponent[36] = 1.01975854
exponent[37] = 1.85415825
exponent[38] = 1.08035529
exponent[39] = 1.03584209
exponent[40] = 1.05783427
exponent[41] = 1.09837709
exponent[42] = 1.54107359
exponent[43] = 1.28004142
exponent[44] = 1.16472099
exponent[45] = 1.1036932
exponent[46] = 1.27561783
exponent[47] = 0.0884165106
exponent[48] = 0.217887388
exponent[49] = 0.107367439
exponent[50] = 0.181528548
exponent[51] = 0.687964627
exponent[52] = 0.112169739
exponent[53] = 0.227729847
exponent[54] = 0.210237806
