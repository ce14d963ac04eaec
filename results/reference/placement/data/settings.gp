# Written by masbench; read by the chart scripts beside it.
question = 'Where should full attention stand, at the same number of full layers?'
caption = 'masbench 0.1.0, commit fcecf17c13c7; experiment placement; length 128; 0.22 M parameters, 2.6 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',10'
line_font = ',9'
plan_font = 10
cost_high = 107
quality_low = 6.27632857
quality_high = 54.3389482
quality_log = 1
layers = 4
families = 7
lines = 11
plans = 11
floors = 2
quality_is_perplexity = 1
array family_name[7]
family_name[1] = 'full'
family_name[2] = 'window 16'
family_name[3] = 'MASFormer + window 16, bottom'
family_name[4] = 'MASFormer + window 16, middle'
family_name[5] = 'MASFormer + window 16, interleaved'
family_name[6] = 'MASFormer + window 16, top'
family_name[7] = 'MASFormer + window 16, interleaved_first'
array line_name[11]
line_name[1] = 'full'
line_name[2] = 'window 16'
line_name[3] = '1 full of 4 (bottom) + window 16'
line_name[4] = '1 full of 4 (middle) + window 16'
line_name[5] = '1 full of 4 (interleaved) + window 16'
line_name[6] = '1 full of 4 (top) + window 16'
line_name[7] = '2 full of 4 (bottom) + window 16'
line_name[8] = '2 full of 4 (middle) + window 16'
line_name[9] = '2 full of 4 (interleaved) + window 16'
line_name[10] = '2 full of 4 (interleaved_first) + window 16'
line_name[11] = '2 full of 4 (top) + window 16'
array floor_name[2]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, window 16'
array family_colour[8]
array family_symbol[8]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
array line_colour[12]
array line_symbol[12]
array line_dash[12]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 10078176; line_symbol[3] = 9; line_dash[3] = 2
line_colour[4] = 10082503; line_symbol[4] = 11; line_dash[4] = 2
line_colour[5] = 15452636; line_symbol[5] = 13; line_dash[5] = 2
line_colour[6] = 16112025; line_symbol[6] = 15; line_dash[6] = 2
line_colour[7] = 29362; line_symbol[7] = 9; line_dash[7] = 1
line_colour[8] = 40563; line_symbol[8] = 11; line_dash[8] = 1
line_colour[9] = 13400487; line_symbol[9] = 13; line_dash[9] = 1
line_colour[10] = 5682409; line_symbol[10] = 6; line_dash[10] = 1
line_colour[11] = 15113984; line_symbol[11] = 15; line_dash[11] = 1
floors_of_one_length = 1
array floor_nats[3]
array floor_reach[3]
floor_nats[1] = 2.01665652; floor_reach[1] = 0
floor_nats[2] = 3.0153789; floor_reach[2] = 61
$labels << END
43.9269	31.6133	1	29362
43.9269	19.2737	1	40563
39.7646	19.5511	1	13400487
39.7646	34.2409	1	15113984
63.0888	18.9497	2	29362
63.0888	14.157	2	40563
63.0888	25.981	2	13400487
63.0888	15.5026	2	5682409
63.0888	34.0119	2	15113984
END
