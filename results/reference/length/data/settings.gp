# Written by masbench; read by the chart scripts beside it.
question = 'How does quality depend on the length of training and of evaluation, and does that depend on the layout?'
caption = 'masbench 0.1.0, commit 820e357b958e; experiment length; lengths 64 to 256; 0.22 M parameters, 2.6 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',7'
line_font = ',6'
plan_font = 8
cost_high = 107
quality_low = 4.78884761
quality_high = 3920.17768
quality_log = 1
layers = 4
families = 36
lines = 12
plans = 36
floors = 5
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
line_name[5] = 'window 16, seq_len 128, context 64'
line_name[6] = '1 full of 4 (interleaved) + window 16, seq_len 128, context 64'
line_name[7] = '1 full of 4 (interleaved) + window 16, seq_len 128, context 128'
line_name[8] = '2 full of 4 (bottom) + window 16, seq_len 128, context 128'
line_name[9] = '1 full of 4 (interleaved) + window 16, seq_len 256, context 64'
line_name[10] = 'window 16, seq_len 256, context 128'
line_name[11] = '1 full of 4 (interleaved) + window 16, seq_len 256, context 128'
line_name[12] = '1 full of 4 (interleaved) + window 16, seq_len 256, context 256'
array floor_name[5]
floor_name[1] = 'entropy floor, full reach, length 64'
floor_name[2] = 'entropy floor, full reach, length 128'
floor_name[3] = 'entropy floor, window 16, length 128'
floor_name[4] = 'entropy floor, full reach, length 256'
floor_name[5] = 'entropy floor, window 16, length 256'
array family_colour[37]
array family_symbol[37]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 1250067; family_symbol[5] = 5
family_colour[6] = 13400487; family_symbol[6] = 13
family_colour[7] = 15113984; family_symbol[7] = 15
family_colour[8] = 5682409; family_symbol[8] = 6
family_colour[9] = 2500134; family_symbol[9] = 9
family_colour[10] = 9132544; family_symbol[10] = 4
family_colour[11] = 6962586; family_symbol[11] = 8
family_colour[12] = 6727198; family_symbol[12] = 10
family_colour[13] = 3750201; family_symbol[13] = 11
family_colour[14] = 10909213; family_symbol[14] = 12
family_colour[15] = 13983232; family_symbol[15] = 14
family_colour[16] = 29362; family_symbol[16] = 7
family_colour[17] = 5066061; family_symbol[17] = 13
family_colour[18] = 40563; family_symbol[18] = 5
family_colour[19] = 13400487; family_symbol[19] = 9
family_colour[20] = 15113984; family_symbol[20] = 11
family_colour[21] = 6316128; family_symbol[21] = 15
family_colour[22] = 5682409; family_symbol[22] = 13
family_colour[23] = 9132544; family_symbol[23] = 15
family_colour[24] = 6962586; family_symbol[24] = 6
family_colour[25] = 7566195; family_symbol[25] = 6
family_colour[26] = 6727198; family_symbol[26] = 4
family_colour[27] = 10909213; family_symbol[27] = 8
family_colour[28] = 13983232; family_symbol[28] = 10
family_colour[29] = 8816262; family_symbol[29] = 4
family_colour[30] = 29362; family_symbol[30] = 12
family_colour[31] = 40563; family_symbol[31] = 14
family_colour[32] = 13400487; family_symbol[32] = 7
family_colour[33] = 10066329; family_symbol[33] = 8
family_colour[34] = 15113984; family_symbol[34] = 5
family_colour[35] = 5682409; family_symbol[35] = 9
family_colour[36] = 9132544; family_symbol[36] = 11
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 29362; line_symbol[3] = 9; line_dash[3] = 1
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 10909213; line_symbol[5] = 12; line_dash[5] = 1
line_colour[6] = 13983232; line_symbol[6] = 14; line_dash[6] = 1
line_colour[7] = 13400487; line_symbol[7] = 9; line_dash[7] = 1
line_colour[8] = 15113984; line_symbol[8] = 11; line_dash[8] = 1
line_colour[9] = 10909213; line_symbol[9] = 8; line_dash[9] = 1
line_colour[10] = 29362; line_symbol[10] = 12; line_dash[10] = 1
line_colour[11] = 40563; line_symbol[11] = 14; line_dash[11] = 1
line_colour[12] = 5682409; line_symbol[12] = 9; line_dash[12] = 1
floors_of_one_length = 0
array floor_nats[6]
array floor_reach[6]
floor_nats[1] = 2.05414761; floor_reach[1] = 0
floor_nats[2] = 2.01665652; floor_reach[2] = 0
floor_nats[3] = 3.0153789; floor_reach[3] = 61
floor_nats[4] = 1.87666523; floor_reach[4] = 0
floor_nats[5] = 3.38247421; floor_reach[5] = 61
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
array context_colour[13]
context_colour[1] = 0
context_colour[2] = 13983232
context_colour[3] = 29362
context_colour[4] = 40563
context_colour[5] = 0
context_colour[6] = 13983232
context_colour[7] = 29362
context_colour[8] = 40563
context_colour[9] = 0
context_colour[10] = 13983232
context_colour[11] = 29362
context_colour[12] = 40563
context_font = ',8'
context_shortest = 64
context_longest = 256
memory_variants = 4
memory_lines = 4
array memory_name[5]
array memory_colour[5]
array memory_symbol[5]
memory_colour[1] = 0; memory_symbol[1] = 7
memory_name[1] = 'full'
memory_colour[2] = 13983232; memory_symbol[2] = 5
memory_name[2] = '2 full of 4 (bottom) + window 16'
memory_colour[3] = 29362; memory_symbol[3] = 9
memory_name[3] = '1 full of 4 (interleaved) + window 16'
memory_colour[4] = 40563; memory_symbol[4] = 11
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
59.0086	23.502	1	29362
73.1432	11.205	2	40563
59.0086	129.372	1	15113984
73.1432	189.04	2	5682409
59.0086	199.444	1	6962586
73.1432	419.71	2	6727198
39.7646	20.6352	1	13983232
63.0888	24.7039	2	29362
43.9269	21.7313	1	13400487
63.0888	15.4212	2	15113984
43.9269	89.5345	1	9132544
63.0888	161.209	2	6962586
35.4773	20.4916	1	10909213
57.4557	38.3603	2	13983232
31.315	22.7168	1	40563
53.2934	44.5259	2	13400487
31.315	17.1844	1	5682409
53.2934	33.9619	2	9132544
END
