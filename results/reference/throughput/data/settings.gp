# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run, and does sparsity pay in time?'
caption = '4 query heads, 4 key/value heads, head size 64; AMD EPYC, avx512bf16, 2 threads; medians, useful FLOPs only'
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
panel_name[1] = 'forward, f32'; panel_peak[1] = 236.433
panel_name[2] = 'backward, f32'; panel_peak[2] = 236.435
panel_name[3] = 'decode, f32'; panel_peak[3] = 236.419
panel_name[4] = 'forward, bf16'; panel_peak[4] = 472.877
panel_name[5] = 'backward, bf16'; panel_peak[5] = 472.871
panel_name[6] = 'decode, bf16'; panel_peak[6] = 472.871
variant_colour[1] = 0; variant_symbol[1] = 7; variant_name[1] = 'full'
variant_colour[2] = 15113984; variant_symbol[2] = 5; variant_name[2] = 'window 256'
variant_colour[3] = 5682409; variant_symbol[3] = 9; variant_name[3] = 'block 64 own'
variant_colour[4] = 40563; variant_symbol[4] = 11; variant_name[4] = 'block 256 own'
variant_colour[5] = 13983232; variant_symbol[5] = 13; variant_name[5] = 'block 64 local 2'
variant_colour[6] = 29362; variant_symbol[6] = 15; variant_name[6] = '1 full of 4 (bottom) + window 256'
variant_colour[7] = 13400487; variant_symbol[7] = 4; variant_name[7] = 'block 64 bigbird 3+2+3'
variant_colour[8] = 10066329; variant_symbol[8] = 6; variant_name[8] = 'window 1024'
variant_colour[9] = 9132544; variant_symbol[9] = 8; variant_name[9] = 'block 1024 own'
exponent[1] = 2.04051555
exponent[2] = 1.18284198
exponent[3] = 1.32606287
exponent[4] = 1.15041782
exponent[5] = 1.09254231
exponent[6] = 1.71035543
exponent[7] = 0.962799353
exponent[8] = 1.20593959
exponent[9] = 1.07455516
exponent[10] = 2.04004408
exponent[11] = 1.11106663
exponent[12] = 1.17930235
exponent[13] = 1.09774374
exponent[14] = 1.12073477
exponent[15] = 1.68766873
exponent[16] = 1.15341677
exponent[17] = 1.1236751
exponent[18] = 1.00408986
exponent[19] = 1.27227431
exponent[20] = 0.106762778
exponent[21] = 0.216055071
exponent[22] = 0.113871842
exponent[23] = 0.0930644514
exponent[24] = 0.996553981
exponent[25] = 0.00843956739
exponent[26] = 0.0706655502
exponent[27] = 0.130761581
exponent[28] = 2.05200776
exponent[29] = 1.14550776
exponent[30] = 1.16769062
exponent[31] = 1.10232262
exponent[32] = 1.15181098
exponent[33] = 1.65274377
exponent[34] = 1.11216893
exponent[35] = 1.10577661
exponent[36] = 1.06048356
exponent[37] = 2.02124589
exponent[38] = 1.13043191
exponent[39] = 1.1941919
exponent[40] = 1.09640803
exponent[41] = 1.16178454
exponent[42] = 1.72439561
exponent[43] = 1.12894973
exponent[44] = 1.1246311
exponent[45] = 1.08996135
exponent[46] = 1.00165839
exponent[47] = 0.188625332
exponent[48] = 0.296413415
exponent[49] = 0.185560854
exponent[50] = 0.27173372
exponent[51] = 0.805926759
exponent[52] = 0.204903908
exponent[53] = 0.0472261657
exponent[54] = 0.161416343
