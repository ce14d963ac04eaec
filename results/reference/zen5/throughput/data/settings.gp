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
panel_name[1] = 'forward, f32'; panel_peak[1] = 525.482
panel_name[2] = 'backward, f32'; panel_peak[2] = 512.005
panel_name[3] = 'decode, f32'; panel_peak[3] = 509.514
panel_name[4] = 'forward, bf16'; panel_peak[4] = 1059.73
panel_name[5] = 'backward, bf16'; panel_peak[5] = 1030.6
panel_name[6] = 'decode, bf16'; panel_peak[6] = 1012.56
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
exponent[1] = 1.96440019
exponent[2] = 1.16114024
exponent[3] = 1.23863959
exponent[4] = 1.17892882
exponent[5] = 1.23254342
exponent[6] = 1.71993419
exponent[7] = 1.25692711
exponent[8] = 1.15357062
exponent[9] = 1.12802404
exponent[10] = 2.01770188
exponent[11] = 0.998435838
exponent[12] = 1.16465826
exponent[13] = 1.02469716
exponent[14] = 1.08373159
exponent[15] = 1.70868072
exponent[16] = 1.18333631
exponent[17] = 1.05065914
exponent[18] = 1.0007801
exponent[19] = 0.550100904
exponent[20] = -0.0265577145
exponent[21] = 0.113303738
exponent[22] = -0.0144196536
exponent[23] = 0.019842705
exponent[24] = 0.285801088
exponent[25] = 0.0854276901
exponent[26] = -0.0249432215
exponent[27] = -0.073367357
exponent[28] = 1.86119922
exponent[29] = 1.10024869
exponent[30] = 1.07805668
exponent[31] = 1.10876078
exponent[32] = 1.14333944
exponent[33] = 1.58010786
exponent[34] = 1.20045316
exponent[35] = 1.29249282
exponent[36] = 1.19972117
exponent[37] = 1.96426107
exponent[38] = 1.0791145
exponent[39] = 1.15422636
exponent[40] = 1.10411772
exponent[41] = 1.10158671
exponent[42] = 1.58040429
exponent[43] = 1.25671012
exponent[44] = 1.19146693
exponent[45] = 0.815770541
exponent[46] = 0.289267957
exponent[47] = -0.023967413
exponent[48] = 0.00244049452
exponent[49] = -0.0836381473
exponent[50] = -0.0154412806
exponent[51] = 0.120094994
exponent[52] = -0.0122966031
exponent[53] = -0.0321233315
exponent[54] = -0.00977363195
