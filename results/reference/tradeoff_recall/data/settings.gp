# Written by masbench; read by the chart scripts beside it.
question = 'What does attention cost buy where passages must be quoted?'
caption = 'masbench 0.1.0, commit fcecf17c13c7; experiment tradeoff_recall; length 128; 0.22 M parameters, 2.6 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',11'
line_font = ',10'
plan_font = 10
cost_high = 107
quality_low = 6.21535767
quality_high = 60.4987255
quality_log = 1
layers = 4
families = 11
lines = 11
plans = 15
floors = 6
quality_is_perplexity = 1
array family_name[11]
family_name[1] = 'full'
family_name[2] = 'window 8'
family_name[3] = 'window 16'
family_name[4] = 'window 32'
family_name[5] = 'window 64'
family_name[6] = 'block 16 own'
family_name[7] = 'block 32 own'
family_name[8] = 'block 64 own'
family_name[9] = 'MASFormer + window 16, interleaved'
family_name[10] = 'MASFormer + block 32 own, interleaved'
family_name[11] = 'MASFormer + block 32 own, bottom'
array line_name[11]
line_name[1] = 'full'
line_name[2] = 'window 8'
line_name[3] = 'window 16'
line_name[4] = 'window 32'
line_name[5] = 'window 64'
line_name[6] = 'block 16 own'
line_name[7] = 'block 32 own'
line_name[8] = 'block 64 own'
line_name[9] = '1 full of 4 (interleaved) + window 16'
line_name[10] = '2 full of 4 (interleaved) + block 32 own'
line_name[11] = '2 full of 4 (bottom) + block 32 own'
array floor_name[6]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, window 8'
floor_name[3] = 'entropy floor, window 16'
floor_name[4] = 'entropy floor, block 16 own'
floor_name[5] = 'entropy floor, block 32 own'
floor_name[6] = 'entropy floor, block 64 own'
array family_colour[12]
array family_symbol[12]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
family_colour[8] = 9132544; family_symbol[8] = 4
family_colour[9] = 6962586; family_symbol[9] = 8
family_colour[10] = 6727198; family_symbol[10] = 10
family_colour[11] = 10909213; family_symbol[11] = 12
array line_colour[12]
array line_symbol[12]
array line_dash[12]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 29362; line_symbol[3] = 9; line_dash[3] = 1
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 13400487; line_symbol[5] = 13; line_dash[5] = 1
line_colour[6] = 15113984; line_symbol[6] = 15; line_dash[6] = 1
line_colour[7] = 5682409; line_symbol[7] = 6; line_dash[7] = 1
line_colour[8] = 9132544; line_symbol[8] = 4; line_dash[8] = 1
line_colour[9] = 12825047; line_symbol[9] = 8; line_dash[9] = 3
line_colour[10] = 9748834; line_symbol[10] = 10; line_dash[10] = 2
line_colour[11] = 10909213; line_symbol[11] = 12; line_dash[11] = 1
floors_of_one_length = 1
array floor_nats[7]
array floor_reach[7]
floor_nats[1] = 2.01665652; floor_reach[1] = 0
floor_nats[2] = 3.61482691; floor_reach[2] = 29
floor_nats[3] = 3.0153789; floor_reach[3] = 61
floor_nats[4] = 3.81611575; floor_reach[4] = 16
floor_nats[5] = 3.77123299; floor_reach[5] = 32
floor_nats[6] = 3.66825459; floor_reach[6] = 64
$labels << END
43.9269	19.6044	1	6962586
58.9265	26.0518	2	6962586
82.2506	25.2403	3	6962586
45.5984	50.3055	1	6727198
64.2031	24.0931	2	6727198
82.8077	50.3094	3	6727198
64.2031	29.4911	2	10909213
END
