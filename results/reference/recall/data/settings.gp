# Written by masbench; read by the chart scripts beside it.
question = 'Can a model quote what lies beyond its windows?'
caption = 'masbench 0.1.0, commit e1c6b57831b3; experiment recall; length 128; 0.22 M parameters, 2.6 M training tokens a point.'
seeds = 1
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',11'
line_font = ',11'
plan_font = 10
cost_high = 107
quality_low = 6.28177977
quality_high = 53.8224957
quality_log = 1
layers = 4
families = 5
lines = 6
plans = 6
floors = 2
quality_is_perplexity = 1
array family_name[5]
family_name[1] = 'full'
family_name[2] = 'window 16'
family_name[3] = 'MASFormer + window 16, interleaved'
family_name[4] = 'MASFormer + window 16, bottom'
family_name[5] = 'MASFormer + window 16, top'
array line_name[6]
line_name[1] = 'full'
line_name[2] = 'window 16'
line_name[3] = '1 full of 4 (interleaved) + window 16'
line_name[4] = '2 full of 4 (bottom) + window 16'
line_name[5] = '2 full of 4 (interleaved) + window 16'
line_name[6] = '2 full of 4 (top) + window 16'
array floor_name[2]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, window 16'
array family_colour[6]
array family_symbol[6]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
array line_colour[7]
array line_symbol[7]
array line_dash[7]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 10078176; line_symbol[3] = 9; line_dash[3] = 2
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 29362; line_symbol[5] = 9; line_dash[5] = 1
line_colour[6] = 13400487; line_symbol[6] = 13; line_dash[6] = 1
floors_of_one_length = 1
array floor_nats[3]
array floor_reach[3]
floor_nats[1] = 2.01665652; floor_reach[1] = 0
floor_nats[2] = 3.0153789; floor_reach[2] = 61
$labels << END
43.9269	12.7887	1	29362
63.0888	16.9216	2	40563
63.0888	12.863	2	29362
63.0888	47.3047	2	13400487
END
