# Written by masbench; read by the chart scripts beside it.
question = 'How does quality depend on the length of training and of evaluation, and does that depend on the layout?'
caption = 'masbench 0.1.0, commit 820e357b958e; experiment length; lengths 64 to 256; 0.22 M parameters, 2.6 M training tokens a point.'."\n".'Mean and extremes of 3 seeds. Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',7'
line_font = ',6'
plan_font = 8
cost_high = 107
quality_low = 4.42853942
quality_high = 3948.15305
quality_log = 1
layers = 4
families = 36
lines = 12
plans = 36
floors = 2
quality_is_perplexity = 1
array family_name[36]
family_name[1] = 'full, seq_len 64, context 64'
family_name[2] = 'window 16, seq_len 64, context 64'
family_name[3] = 'MASFormer + window 16, interleaved, seq_len 64, context 64'
family_name[4] = 'MASFormer + window 16, bottom, seq_len 64, context 64'
family_name[5] = 'full, seq_len 64, context 128'
family_name[6] = 'window 16, seq_len 64, context 128'
family_name[7] = 'MASFormer + window 16, interleaved, seq_len 64, context 128'
family_name[8] = 'MASFormer + window 16, bottom, seq_len 64, context 128'
family_name[9] = 'full, seq_len 64, context 256'
family_name[10] = 'window 16, seq_len 64, context 256'
family_name[11] = 'MASFormer + window 16, interleaved, seq_len 64, context 256'
family_name[12] = 'MASFormer + window 16, bottom, seq_len 64, context 256'
family_name[13] = 'full, seq_len 128, context 64'
family_name[14] = 'window 16, seq_len 128, context 64'
family_name[15] = 'MASFormer + window 16, interleaved, seq_len 128, context 64'
family_name[16] = 'MASFormer + window 16, bottom, seq_len 128, context 64'
family_name[17] = 'full, seq_len 128, context 128'
family_name[18] = 'window 16, seq_len 128, context 128'
family_name[19] = 'MASFormer + window 16, interleaved, seq_len 128, context 128'
family_name[20] = 'MASFormer + window 16, bottom, seq_len 128, context 128'
family_name[21] = 'full, seq_len 128, context 256'
family_name[22] = 'window 16, seq_len 128, context 256'
family_name[23] = 'MASFormer + window 16, interleaved, seq_len 128, context 256'
family_name[24] = 'MASFormer + window 16, bottom, seq_len 128, context 256'
family_name[25] = 'full, seq_len 256, context 64'
family_name[26] = 'window 16, seq_len 256, context 64'
family_name[27] = 'MASFormer + window 16, interleaved, seq_len 256, context 64'
family_name[28] = 'MASFormer + window 16, bottom, seq_len 256, context 64'
family_name[29] = 'full, seq_len 256, context 128'
family_name[30] = 'window 16, seq_len 256, context 128'
family_name[31] = 'MASFormer + window 16, interleaved, seq_len 256, context 128'
family_name[32] = 'MASFormer + window 16, bottom, seq_len 256, context 128'
family_name[33] = 'full, seq_len 256, context 256'
family_name[34] = 'window 16, seq_len 256, context 256'
family_name[35] = 'MASFormer + window 16, interleaved, seq_len 256, context 256'
family_name[36] = 'MASFormer + window 16, bottom, seq_len 256, context 256'
array line_name[12]
line_name[1] = 'full, seq_len 64, context 64'
line_name[2] = 'window 16, seq_len 64, context 64'
line_name[3] = '1 full of 4 (interleaved) + window 16, seq_len 64, context 64'
line_name[4] = '2 full of 4 (bottom) + window 16, seq_len 64, context 64'
line_name[5] = 'full, seq_len 64, context 128'
line_name[6] = 'window 16, seq_len 64, context 128'
line_name[7] = '1 full of 4 (interleaved) + window 16, seq_len 64, context 128'
line_name[8] = '2 full of 4 (bottom) + window 16, seq_len 64, context 128'
line_name[9] = 'full, seq_len 64, context 256'
line_name[10] = 'window 16, seq_len 64, context 256'
line_name[11] = '1 full of 4 (interleaved) + window 16, seq_len 64, context 256'
line_name[12] = '2 full of 4 (bottom) + window 16, seq_len 64, context 256'
array floor_name[2]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, sparse reach 61'
array family_colour[37]
array family_symbol[37]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
family_colour[8] = 8355711; family_symbol[8] = 4
family_colour[9] = 0; family_symbol[9] = 8
family_colour[10] = 13983232; family_symbol[10] = 10
family_colour[11] = 29362; family_symbol[11] = 12
family_colour[12] = 40563; family_symbol[12] = 14
family_colour[13] = 13400487; family_symbol[13] = 7
family_colour[14] = 15113984; family_symbol[14] = 5
family_colour[15] = 5682409; family_symbol[15] = 9
family_colour[16] = 8355711; family_symbol[16] = 11
family_colour[17] = 0; family_symbol[17] = 13
family_colour[18] = 13983232; family_symbol[18] = 15
family_colour[19] = 29362; family_symbol[19] = 6
family_colour[20] = 40563; family_symbol[20] = 4
family_colour[21] = 13400487; family_symbol[21] = 8
family_colour[22] = 15113984; family_symbol[22] = 10
family_colour[23] = 5682409; family_symbol[23] = 12
family_colour[24] = 8355711; family_symbol[24] = 14
family_colour[25] = 0; family_symbol[25] = 5
family_colour[26] = 13983232; family_symbol[26] = 9
family_colour[27] = 29362; family_symbol[27] = 11
family_colour[28] = 40563; family_symbol[28] = 13
family_colour[29] = 13400487; family_symbol[29] = 15
family_colour[30] = 15113984; family_symbol[30] = 6
family_colour[31] = 5682409; family_symbol[31] = 4
family_colour[32] = 8355711; family_symbol[32] = 8
family_colour[33] = 0; family_symbol[33] = 10
family_colour[34] = 13983232; family_symbol[34] = 12
family_colour[35] = 29362; family_symbol[35] = 14
family_colour[36] = 40563; family_symbol[36] = 7
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 29362; line_symbol[3] = 9; line_dash[3] = 1
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 13400487; line_symbol[5] = 13; line_dash[5] = 1
line_colour[6] = 15113984; line_symbol[6] = 15; line_dash[6] = 1
line_colour[7] = 5682409; line_symbol[7] = 6; line_dash[7] = 1
line_colour[8] = 8355711; line_symbol[8] = 4; line_dash[8] = 1
line_colour[9] = 0; line_symbol[9] = 8; line_dash[9] = 1
line_colour[10] = 13983232; line_symbol[10] = 10; line_dash[10] = 1
line_colour[11] = 29362; line_symbol[11] = 12; line_dash[11] = 1
line_colour[12] = 40563; line_symbol[12] = 14; line_dash[12] = 1
array floor_nats[3]
array floor_reach[3]
array floor_right[3]
array floor_above[3]
floor_nats[1] = 2.05414761; floor_reach[1] = 0; floor_right[1] = 0; floor_above[1] = 0
floor_nats[2] = 2.05414761; floor_reach[2] = 61; floor_right[2] = 1; floor_above[2] = 0
context_all = 12
context_lines = 12
array context_name[13]
array context_plan[13]
array context_length[13]
context_plan[1] = 1; context_length[1] = 1; context_name[1] = 'full, seq_len 64'
context_plan[2] = 2; context_length[2] = 1; context_name[2] = 'window 16, seq_len 64'
context_plan[3] = 3; context_length[3] = 1; context_name[3] = '1 full of 4 (interleaved) + window 16, seq_len 64'
context_plan[4] = 4; context_length[4] = 1; context_name[4] = '2 full of 4 (bottom) + window 16, seq_len 64'
context_plan[5] = 1; context_length[5] = 2; context_name[5] = 'full, seq_len 128'
context_plan[6] = 2; context_length[6] = 2; context_name[6] = 'window 16, seq_len 128'
context_plan[7] = 3; context_length[7] = 2; context_name[7] = '1 full of 4 (interleaved) + window 16, seq_len 128'
context_plan[8] = 4; context_length[8] = 2; context_name[8] = '2 full of 4 (bottom) + window 16, seq_len 128'
context_plan[9] = 1; context_length[9] = 3; context_name[9] = 'full, seq_len 256'
context_plan[10] = 2; context_length[10] = 3; context_name[10] = 'window 16, seq_len 256'
context_plan[11] = 3; context_length[11] = 3; context_name[11] = '1 full of 4 (interleaved) + window 16, seq_len 256'
context_plan[12] = 4; context_length[12] = 3; context_name[12] = '2 full of 4 (bottom) + window 16, seq_len 256'
context_shortest = 64
context_longest = 256
memory_variants = 4
memory_lines = 4
array memory_name[5]
memory_name[1] = 'full'
memory_name[2] = '2 full of 4 (bottom) + window 16'
memory_name[3] = '1 full of 4 (interleaved) + window 16'
memory_name[4] = 'window 16'
memory_shortest = 64
memory_longest = 256
cache_low = 32768
cache_high = 524288
memory_font = ',9'
memory_low = 423936
memory_high = 14243392
array memory_there[6]
memory_there[1] = 1
memory_there[2] = 1
memory_there[3] = 1
memory_there[4] = 1
memory_there[5] = 1
memory_there[6] = 0
$labels << END
59.0086	23.5486	1	29362
73.1432	11.2273	2	40563
59.0086	129.629	1	5682409
73.1432	189.416	2	8355711
59.0086	199.84	1	29362
73.1432	420.544	2	40563
39.7646	20.6761	1	5682409
63.0888	24.753	2	8355711
43.9269	21.7744	1	29362
63.0888	15.3906	2	40563
43.9269	89.3571	1	5682409
63.0888	161.529	2	8355711
35.4773	20.5323	1	29362
57.4557	38.4365	2	40563
31.315	22.7619	1	5682409
53.2934	44.6143	2	8355711
31.315	17.1504	1	29362
53.2934	33.8946	2	40563
END
