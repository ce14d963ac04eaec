# Written by masbench; read by the chart scripts beside it.
question = 'How does quality depend on the length of training and of evaluation, and does that depend on the layout?'
caption = 'masbench 0.1.0, commits 043d595f1f59, 5c561b80e649; experiment length_text; lengths 256 to 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',6'
line_font = ',6'
plan_font = 7
cost_high = 107
quality_low = 4.9751947
quality_high = 13.5497939
quality_log = 0
layers = 6
families = 24
lines = 12
plans = 24
floors = 0
quality_is_perplexity = 1
array family_name[24]
family_name[1] = 'full, seq_len 256, context 256'
family_name[2] = 'block 16 own, seq_len 256, context 256'
family_name[3] = 'MASFormer + block 16 own, bottom, seq_len 256, context 256'
family_name[4] = 'MASFormer + block 16 own, interleaved, seq_len 256, context 256'
family_name[5] = 'full, seq_len 256, context 1024'
family_name[6] = 'block 16 own, seq_len 256, context 1024'
family_name[7] = 'MASFormer + block 16 own, bottom, seq_len 256, context 1024'
family_name[8] = 'MASFormer + block 16 own, interleaved, seq_len 256, context 1024'
family_name[9] = 'full, seq_len 256, context 2048'
family_name[10] = 'block 16 own, seq_len 256, context 2048'
family_name[11] = 'MASFormer + block 16 own, bottom, seq_len 256, context 2048'
family_name[12] = 'MASFormer + block 16 own, interleaved, seq_len 256, context 2048'
family_name[13] = 'full, seq_len 1024, context 256'
family_name[14] = 'block 16 own, seq_len 1024, context 256'
family_name[15] = 'MASFormer + block 16 own, bottom, seq_len 1024, context 256'
family_name[16] = 'MASFormer + block 16 own, interleaved, seq_len 1024, context 256'
family_name[17] = 'full, seq_len 1024, context 1024'
family_name[18] = 'block 16 own, seq_len 1024, context 1024'
family_name[19] = 'MASFormer + block 16 own, bottom, seq_len 1024, context 1024'
family_name[20] = 'MASFormer + block 16 own, interleaved, seq_len 1024, context 1024'
family_name[21] = 'full, seq_len 1024, context 2048'
family_name[22] = 'block 16 own, seq_len 1024, context 2048'
family_name[23] = 'MASFormer + block 16 own, bottom, seq_len 1024, context 2048'
family_name[24] = 'MASFormer + block 16 own, interleaved, seq_len 1024, context 2048'
array line_name[12]
line_name[1] = 'full, seq_len 256, context 256'
line_name[2] = 'block 16 own, seq_len 256, context 256'
line_name[3] = '2 full of 6 (bottom) + block 16 own, seq_len 256, context 256'
line_name[4] = '2 full of 6 (interleaved) + block 16 own, seq_len 256, context 256'
line_name[5] = 'full, seq_len 1024, context 256'
line_name[6] = 'block 16 own, seq_len 1024, context 256'
line_name[7] = '2 full of 6 (bottom) + block 16 own, seq_len 1024, context 256'
line_name[8] = '2 full of 6 (interleaved) + block 16 own, seq_len 1024, context 256'
line_name[9] = 'full, seq_len 1024, context 1024'
line_name[10] = '2 full of 6 (bottom) + block 16 own, seq_len 1024, context 1024'
line_name[11] = '2 full of 6 (interleaved) + block 16 own, seq_len 1024, context 1024'
line_name[12] = 'full, seq_len 1024, context 2048'
array floor_name[1]
array family_colour[25]
array family_symbol[25]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 2039583; family_symbol[5] = 5
family_colour[6] = 13400487; family_symbol[6] = 13
family_colour[7] = 15113984; family_symbol[7] = 15
family_colour[8] = 5682409; family_symbol[8] = 6
family_colour[9] = 4013373; family_symbol[9] = 9
family_colour[10] = 9132544; family_symbol[10] = 4
family_colour[11] = 6962586; family_symbol[11] = 8
family_colour[12] = 6727198; family_symbol[12] = 10
family_colour[13] = 6052956; family_symbol[13] = 11
family_colour[14] = 10909213; family_symbol[14] = 12
family_colour[15] = 13983232; family_symbol[15] = 14
family_colour[16] = 29362; family_symbol[16] = 7
family_colour[17] = 8026746; family_symbol[17] = 13
family_colour[18] = 40563; family_symbol[18] = 5
family_colour[19] = 13400487; family_symbol[19] = 9
family_colour[20] = 15113984; family_symbol[20] = 11
family_colour[21] = 10066329; family_symbol[21] = 15
family_colour[22] = 5682409; family_symbol[22] = 13
family_colour[23] = 9132544; family_symbol[23] = 15
family_colour[24] = 6962586; family_symbol[24] = 6
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 29362; line_symbol[3] = 9; line_dash[3] = 1
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 6052956; line_symbol[5] = 11; line_dash[5] = 1
line_colour[6] = 10909213; line_symbol[6] = 12; line_dash[6] = 1
line_colour[7] = 13983232; line_symbol[7] = 14; line_dash[7] = 1
line_colour[8] = 29362; line_symbol[8] = 7; line_dash[8] = 1
line_colour[9] = 8026746; line_symbol[9] = 13; line_dash[9] = 1
line_colour[10] = 13400487; line_symbol[10] = 9; line_dash[10] = 1
line_colour[11] = 15113984; line_symbol[11] = 11; line_dash[11] = 1
line_colour[12] = 10066329; line_symbol[12] = 15; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
context_all = 8
context_lines = 8
array context_name[9]
array context_plan[9]
array context_length[9]
context_plan[1] = 1; context_length[1] = 1; context_name[1] = 'full, seq_len 256'
context_plan[2] = 2; context_length[2] = 1; context_name[2] = 'block 16 own, seq_len 256'
context_plan[3] = 3; context_length[3] = 1; context_name[3] = '2 full of 6 (bottom) + block 16 own, seq_len 256'
context_plan[4] = 4; context_length[4] = 1; context_name[4] = '2 full of 6 (interleaved) + block 16 own, seq_len 256'
context_plan[5] = 1; context_length[5] = 2; context_name[5] = 'full, seq_len 1024'
context_plan[6] = 2; context_length[6] = 2; context_name[6] = 'block 16 own, seq_len 1024'
context_plan[7] = 3; context_length[7] = 2; context_name[7] = '2 full of 6 (bottom) + block 16 own, seq_len 1024'
context_plan[8] = 4; context_length[8] = 2; context_name[8] = '2 full of 6 (interleaved) + block 16 own, seq_len 1024'
array context_colour[9]
context_colour[1] = 0
context_colour[2] = 13983232
context_colour[3] = 29362
context_colour[4] = 40563
context_colour[5] = 0
context_colour[6] = 13983232
context_colour[7] = 29362
context_colour[8] = 40563
context_font = ',7'
context_shortest = 256
context_longest = 2048
memory_variants = 3
memory_lines = 3
array memory_name[4]
array memory_colour[4]
array memory_symbol[4]
memory_colour[1] = 0; memory_symbol[1] = 7
memory_name[1] = 'full'
memory_colour[2] = 13983232; memory_symbol[2] = 5
memory_name[2] = '2 full of 6 (bottom) + block 16 own, +1 alike'
memory_colour[3] = 29362; memory_symbol[3] = 9
memory_name[3] = 'block 16 own'
memory_shortest = 256
memory_longest = 1024
cache_low = 49152
cache_high = 3145728
memory_font = ',8'
memory_low = 1052672
memory_high = 35361344
array memory_there[6]
memory_there[1] = 1
memory_there[2] = 1
memory_there[3] = 1
memory_there[4] = 1
memory_there[5] = 1
memory_there[6] = 0
$labels << END
39.1556	6.39925	2	29362
39.1556	5.96305	2	40563
39.1556	6.84669	2	15113984
34.9933	7.07859	2	5682409
39.1556	7.7333	2	6962586
39.1556	8.11188	2	6727198
31.6891	6.63453	2	13983232
31.6891	6.18178	2	29362
33.7703	6.02769	2	13400487
35.8514	6.5097	2	15113984
33.7703	6.81283	2	9132544
31.6891	6.47966	2	6962586
END
