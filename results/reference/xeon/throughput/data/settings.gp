# Written by masbench; read by the chart scripts beside it.
question = 'How fast do the attention kernels run, and does sparsity pay in time?'
caption = '4 heads of 64; Intel(R) Xeon(R) Processor, avx512, 2 threads; medians, useful FLOPs only'
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
panel_name[1] = 'forward, f32'; panel_peak[1] = 357.696
panel_name[2] = 'backward, f32'; panel_peak[2] = 357.852
panel_name[3] = 'decode, f32'; panel_peak[3] = 357.198
panel_name[4] = 'forward, bf16'; panel_peak[4] = 355.75
panel_name[5] = 'backward, bf16'; panel_peak[5] = 357.07
panel_name[6] = 'decode, bf16'; panel_peak[6] = 357.866
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
exponent[1] = 2.02393353
exponent[2] = 1.18851364
exponent[3] = 1.10958451
exponent[4] = 1.1507546
exponent[5] = 1.15944409
exponent[6] = 1.70876716
exponent[7] = 1.18737455
exponent[8] = 0.990792921
exponent[9] = 1.18585384
exponent[10] = 1.83573293
exponent[11] = 1.04257555
exponent[12] = 1.07783529
exponent[13] = 1.08411777
exponent[14] = 1.10905454
exponent[15] = 1.55105533
exponent[16] = 1.18207728
exponent[17] = 1.22011858
exponent[18] = 1.1948679
exponent[19] = 1.15090231
exponent[20] = 0.126258953
exponent[21] = 0.27694619
exponent[22] = 0.120532548
exponent[23] = 0.194321533
exponent[24] = 0.670908188
exponent[25] = 0.0780032463
exponent[26] = 0.208750045
exponent[27] = 0.19355
exponent[28] = 1.88577197
exponent[29] = 1.04178577
exponent[30] = 0.954735694
exponent[31] = 1.0390089
exponent[32] = 0.986866717
exponent[33] = 1.58962652
exponent[34] = 1.14133998
exponent[35] = 1.07063863
exponent[36] = 1.10060353
exponent[37] = 1.8603718
exponent[38] = 1.00347695
exponent[39] = 0.982390805
exponent[40] = 0.96742469
exponent[41] = 1.04525554
exponent[42] = 1.55088586
exponent[43] = 1.09011941
exponent[44] = 1.09845024
exponent[45] = 1.09430302
exponent[46] = 1.24064496
exponent[47] = 0.204131077
exponent[48] = 0.298353638
exponent[49] = 0.162703743
exponent[50] = 0.223930068
exponent[51] = 0.624937441
exponent[52] = 0.117901512
exponent[53] = 0.268561068
exponent[54] = 0.571525454
