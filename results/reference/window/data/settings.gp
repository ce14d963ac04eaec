# Written by masbench; read by the chart scripts beside it.
question = 'Own blocks or a sliding window at equal pairs, and do sinks help?'
caption = 'masbench 0.1.0, commit ee9d0943e7b8; experiment window; length 128; 0.22 M parameters, 2.6 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',9'
line_font = ',8'
plan_font = 10
cost_high = 107
quality_low = 6.22831912
quality_high = 59.1281355
quality_log = 1
layers = 4
families = 16
lines = 12
plans = 16
floors = 4
quality_is_perplexity = 1
array family_name[16]
family_name[1] = 'window 16'
family_name[2] = 'window 16 + 4 sinks'
family_name[3] = 'MASFormer + window 16, interleaved'
family_name[4] = 'MASFormer + window 16 + 4 sinks, interleaved'
family_name[5] = 'block 32 own'
family_name[6] = 'block 32 own + 4 sinks'
family_name[7] = 'MASFormer + block 32 own, interleaved'
family_name[8] = 'MASFormer + block 32 own + 4 sinks, interleaved'
family_name[9] = 'window 32'
family_name[10] = 'window 32 + 4 sinks'
family_name[11] = 'MASFormer + window 32, interleaved'
family_name[12] = 'MASFormer + window 32 + 4 sinks, interleaved'
family_name[13] = 'block 64 own'
family_name[14] = 'block 64 own + 4 sinks'
family_name[15] = 'MASFormer + block 64 own, interleaved'
family_name[16] = 'MASFormer + block 64 own + 4 sinks, interleaved'
array line_name[12]
line_name[1] = 'window 16'
line_name[2] = 'window 16 + 4 sinks'
line_name[3] = '1 full of 4 (interleaved) + window 16'
line_name[4] = '1 full of 4 (interleaved) + window 16 + 4 sinks'
line_name[5] = '1 full of 4 (interleaved) + block 32 own'
line_name[6] = '1 full of 4 (interleaved) + block 32 own + 4 sinks'
line_name[7] = 'window 32'
line_name[8] = 'window 32 + 4 sinks'
line_name[9] = '1 full of 4 (interleaved) + window 32'
line_name[10] = '1 full of 4 (interleaved) + window 32 + 4 sinks'
line_name[11] = '1 full of 4 (interleaved) + block 64 own'
line_name[12] = '1 full of 4 (interleaved) + block 64 own + 4 sinks'
array floor_name[4]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, window 16'
floor_name[3] = 'entropy floor, block 32 own'
floor_name[4] = 'entropy floor, block 64 own'
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
line_colour[5] = 9132544; line_symbol[5] = 4; line_dash[5] = 1
line_colour[6] = 6962586; line_symbol[6] = 8; line_dash[6] = 1
line_colour[7] = 6727198; line_symbol[7] = 10; line_dash[7] = 1
line_colour[8] = 10909213; line_symbol[8] = 12; line_dash[8] = 1
line_colour[9] = 13983232; line_symbol[9] = 14; line_dash[9] = 1
line_colour[10] = 29362; line_symbol[10] = 7; line_dash[10] = 1
line_colour[11] = 15113984; line_symbol[11] = 11; line_dash[11] = 1
line_colour[12] = 5682409; line_symbol[12] = 13; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[5]
array floor_reach[5]
floor_nats[1] = 2.01665652; floor_reach[1] = 0
floor_nats[2] = 3.0153789; floor_reach[2] = 61
floor_nats[3] = 3.77123299; floor_reach[3] = 32
floor_nats[4] = 3.66825459; floor_reach[4] = 64
$labels << END
43.9269	19.593	1	40563
43.7799	42.8069	1	13400487
45.5984	50.2762	1	9132544
49.0868	43.3293	1	6962586
59.1159	36.2732	1	13983232
62.5498	38.0697	1	29362
64.2031	47.6192	1	15113984
66.5287	36.8761	1	5682409
END
