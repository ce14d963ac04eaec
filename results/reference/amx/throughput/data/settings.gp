# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run, and does sparsity pay in time?'
caption = '4 heads of 64; Intel(R) Xeon(R) Processor, amx, 2 threads; medians, useful FLOPs only'
rate_unit = 'GFLOP/s'
rate_scale = 1
line_font = ',9'
panels = 6
variants = 9
shortest = 512
longest = 16384
array panel_name[7]
array panel_peak[7]
array variant_name[10]
array variant_colour[10]
array variant_symbol[10]
array exponent[55]
panel_name[1] = 'forward, f32'; panel_peak[1] = 485.14
panel_name[2] = 'backward, f32'; panel_peak[2] = 483.391
panel_name[3] = 'decode, f32'; panel_peak[3] = 483.438
panel_name[4] = 'forward, bf16'; panel_peak[4] = 7358.48
panel_name[5] = 'backward, bf16'; panel_peak[5] = 7707.96
panel_name[6] = 'decode, bf16'; panel_peak[6] = 7713.39
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
variant_colour[2] = 15113984; variant_symbol[2] = 5; variant_name[2] = 'window 256'
variant_colour[3] = 5682409; variant_symbol[3] = 9; variant_name[3] = 'block 64 own'
variant_colour[4] = 40563; variant_symbol[4] = 11; variant_name[4] = 'block 256 own'
variant_colour[5] = 13983232; variant_symbol[5] = 13; variant_name[5] = 'block 64 local 2'
variant_colour[6] = 29362; variant_symbol[6] = 15; variant_name[6] = '1 full of 4 (bottom) + window 256'
variant_colour[7] = 13400487; variant_symbol[7] = 4; variant_name[7] = 'block 64 bigbird 3+2+3'
variant_colour[8] = 10066329; variant_symbol[8] = 6; variant_name[8] = 'window 1024'
variant_colour[9] = 9132544; variant_symbol[9] = 8; variant_name[9] = 'block 1024 own'
exponent[1] = 1.94249293
exponent[2] = 1.10630001
exponent[3] = 1.05599375
exponent[4] = 1.06718931
exponent[5] = 1.0453575
exponent[6] = 1.62068869
exponent[7] = 1.15539999
exponent[8] = 1.16882477
exponent[9] = 1.07772934
exponent[10] = 1.92228575
exponent[11] = 1.10213644
exponent[12] = 1.05620645
exponent[13] = 1.04822806
exponent[14] = 1.08616337
exponent[15] = 1.62941232
exponent[16] = 1.17821205
exponent[17] = 1.13208311
exponent[18] = 1.05356397
exponent[19] = 1.37287463
exponent[20] = 0.0946967455
exponent[21] = 0.238270756
exponent[22] = 0.0860939292
exponent[23] = 0.146964375
exponent[24] = 0.77170932
exponent[25] = 0.0643820273
exponent[26] = 0.722494857
exponent[27] = 0.0743217408
exponent[28] = 1.76963311
exponent[29] = 0.974463665
exponent[30] = 0.927640184
exponent[31] = 0.880057183
exponent[32] = 1.01360693
exponent[33] = 1.46919231
exponent[34] = 1.09967458
exponent[35] = 1.11676929
exponent[36] = 0.99888007
exponent[37] = 1.85813566
exponent[38] = 1.08682443
exponent[39] = 1.02512905
exponent[40] = 1.02842447
exponent[41] = 1.01570389
exponent[42] = 1.5176972
exponent[43] = 1.28502482
exponent[44] = 1.1366371
exponent[45] = 1.05240227
exponent[46] = 1.33650095
exponent[47] = 0.14550061
exponent[48] = 0.230633215
exponent[49] = 0.0980998785
exponent[50] = 0.165364495
exponent[51] = 0.689083303
exponent[52] = 0.166393018
exponent[53] = 0.231958686
exponent[54] = 0.198377294
