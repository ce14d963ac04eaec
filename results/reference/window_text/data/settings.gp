# Written by masbench; read by the chart scripts beside it.
question = 'Own blocks or a sliding window at equal pairs, and do sinks help?'
caption = 'masbench 0.1.0, commit 043d595f1f59; experiment window_text; length 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',9'
line_font = ',8'
plan_font = 10
cost_high = 107
quality_low = 5.39205437
quality_high = 7.50168375
quality_log = 0
layers = 6
families = 16
lines = 12
plans = 16
floors = 0
quality_is_perplexity = 1
array family_name[16]
family_name[1] = 'window 8'
family_name[2] = 'window 8 + 4 sinks'
family_name[3] = 'MASFormer + window 8, interleaved'
family_name[4] = 'MASFormer + window 8 + 4 sinks, interleaved'
family_name[5] = 'block 16 own'
family_name[6] = 'block 16 own + 4 sinks'
family_name[7] = 'MASFormer + block 16 own, interleaved'
family_name[8] = 'MASFormer + block 16 own + 4 sinks, interleaved'
family_name[9] = 'window 32'
family_name[10] = 'window 32 + 4 sinks'
family_name[11] = 'MASFormer + window 32, interleaved'
family_name[12] = 'MASFormer + window 32 + 4 sinks, interleaved'
family_name[13] = 'block 64 own'
family_name[14] = 'block 64 own + 4 sinks'
family_name[15] = 'MASFormer + block 64 own, interleaved'
family_name[16] = 'MASFormer + block 64 own + 4 sinks, interleaved'
array line_name[12]
line_name[1] = 'window 8'
line_name[2] = 'window 8 + 4 sinks'
line_name[3] = '2 full of 6 (interleaved) + window 8'
line_name[4] = '2 full of 6 (interleaved) + window 8 + 4 sinks'
line_name[5] = '2 full of 6 (interleaved) + block 16 own + 4 sinks'
line_name[6] = 'window 32'
line_name[7] = 'window 32 + 4 sinks'
line_name[8] = '2 full of 6 (interleaved) + window 32'
line_name[9] = '2 full of 6 (interleaved) + window 32 + 4 sinks'
line_name[10] = 'block 64 own'
line_name[11] = '2 full of 6 (interleaved) + block 64 own'
line_name[12] = '2 full of 6 (interleaved) + block 64 own + 4 sinks'
array floor_name[1]
array family_colour[17]
array family_symbol[17]
family_colour[1] = 13983232; family_symbol[1] = 5
family_colour[2] = 29362; family_symbol[2] = 9
family_colour[3] = 40563; family_symbol[3] = 11
family_colour[4] = 13400487; family_symbol[4] = 13
family_colour[5] = 15113984; family_symbol[5] = 15
family_colour[6] = 5682409; family_symbol[6] = 6
family_colour[7] = 9132544; family_symbol[7] = 4
family_colour[8] = 6962586; family_symbol[8] = 8
family_colour[9] = 6727198; family_symbol[9] = 10
family_colour[10] = 10909213; family_symbol[10] = 12
family_colour[11] = 13983232; family_symbol[11] = 14
family_colour[12] = 29362; family_symbol[12] = 7
family_colour[13] = 40563; family_symbol[13] = 5
family_colour[14] = 13400487; family_symbol[14] = 9
family_colour[15] = 15113984; family_symbol[15] = 11
family_colour[16] = 5682409; family_symbol[16] = 13
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 13983232; line_symbol[1] = 5; line_dash[1] = 1
line_colour[2] = 29362; line_symbol[2] = 9; line_dash[2] = 1
line_colour[3] = 40563; line_symbol[3] = 11; line_dash[3] = 1
line_colour[4] = 13400487; line_symbol[4] = 13; line_dash[4] = 1
line_colour[5] = 6962586; line_symbol[5] = 8; line_dash[5] = 1
line_colour[6] = 6727198; line_symbol[6] = 10; line_dash[6] = 1
line_colour[7] = 10909213; line_symbol[7] = 12; line_dash[7] = 1
line_colour[8] = 13983232; line_symbol[8] = 14; line_dash[8] = 1
line_colour[9] = 29362; line_symbol[9] = 7; line_dash[9] = 1
line_colour[10] = 40563; line_symbol[10] = 5; line_dash[10] = 1
line_colour[11] = 15113984; line_symbol[11] = 11; line_dash[11] = 1
line_colour[12] = 5682409; line_symbol[12] = 13; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
35.7828	5.74524	2	40563
32.136	5.86253	2	13400487
35.8514	6.35945	2	9132544
36.3636	6.20752	2	6962586
38.8453	5.86982	2	13983232
39.3486	6.01506	2	29362
34.8111	6.14174	2	15113984
39.4612	6.18738	2	5682409
END
