# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run, and does sparsity pay in time?'
caption = '4 heads of 64; AMD EPYC, avx512bf16, 2 threads; medians, useful FLOPs only'
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
panel_name[1] = 'forward, f32'; panel_peak[1] = 236.412
panel_name[2] = 'backward, f32'; panel_peak[2] = 236.394
panel_name[3] = 'decode, f32'; panel_peak[3] = 234.977
panel_name[4] = 'forward, bf16'; panel_peak[4] = 472.815
panel_name[5] = 'backward, bf16'; panel_peak[5] = 472.843
panel_name[6] = 'decode, bf16'; panel_peak[6] = 469.962
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
exponent[1] = 1.96912274
exponent[2] = 1.13819291
exponent[3] = 1.20846501
exponent[4] = 1.10887196
exponent[5] = 1.21038875
exponent[6] = 1.67033324
exponent[7] = 1.16265205
exponent[8] = 1.16334207
exponent[9] = 1.05389249
exponent[10] = 1.85006819
exponent[11] = 1.12377031
exponent[12] = 1.24640704
exponent[13] = 1.13362588
exponent[14] = 1.10938133
exponent[15] = 1.67374252
exponent[16] = 1.14396663
exponent[17] = 1.14588083
exponent[18] = 1.04452325
exponent[19] = 0.440144844
exponent[20] = 0.0739629486
exponent[21] = 0.145048973
exponent[22] = 0.0728248869
exponent[23] = 0.145859844
exponent[24] = 0.445874522
exponent[25] = -0.0630789638
exponent[26] = -0.169199326
exponent[27] = -0.0759920283
exponent[28] = 1.96912822
exponent[29] = 1.14253881
exponent[30] = 1.10412763
exponent[31] = 1.05308408
exponent[32] = 1.08637045
exponent[33] = 1.62977083
exponent[34] = 1.146318
exponent[35] = 1.15791632
exponent[36] = 1.07676341
exponent[37] = 1.94473001
exponent[38] = 1.11070157
exponent[39] = 1.17089576
exponent[40] = 0.95940972
exponent[41] = 1.06255632
exponent[42] = 1.61426492
exponent[43] = 1.13847917
exponent[44] = 1.11697536
exponent[45] = 1.01678213
exponent[46] = 0.405547736
exponent[47] = 0.0975863444
exponent[48] = 0.224947841
exponent[49] = 0.0997967613
exponent[50] = 0.147441898
exponent[51] = 0.361905691
exponent[52] = -0.00409640223
exponent[53] = 0.00668330533
exponent[54] = 0.114290331
