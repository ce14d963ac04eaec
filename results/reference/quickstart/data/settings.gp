# Written by masbench; read by the chart scripts beside it.
question = 'What does full attention in a few layers buy, and what does it cost?'
caption = 'masbench 0.1.0, commit de4c88bc77e0; experiment quickstart; length 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 1
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',11'
line_font = ',10'
plan_font = 10
cost_high = 107
quality_low = 5.42356646
quality_high = 7.15505075
quality_log = 0
layers = 6
families = 6
lines = 10
plans = 10
floors = 0
quality_is_perplexity = 1
array family_name[6]
family_name[1] = 'full'
family_name[2] = 'window 8'
family_name[3] = 'MASFormer + window 8, interleaved'
family_name[4] = 'block 16 own'
family_name[5] = 'MASFormer + block 16 own, bottom'
family_name[6] = 'MASFormer + block 16 own, interleaved'
array line_name[10]
line_name[1] = 'full'
line_name[2] = 'window 8'
line_name[3] = '1 full of 6 (interleaved) + window 8'
line_name[4] = '2 full of 6 (interleaved) + window 8'
line_name[5] = 'block 16 own'
line_name[6] = '1 full of 6 (bottom) + block 16 own'
line_name[7] = '1 full of 6 (interleaved) + block 16 own'
line_name[8] = '2 full of 6 (bottom) + block 16 own'
line_name[9] = '2 full of 6 (interleaved) + block 16 own'
line_name[10] = '3 full of 6 (interleaved) + block 16 own'
array floor_name[1]
array family_colour[7]
array family_symbol[7]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
array line_colour[11]
array line_symbol[11]
array line_dash[11]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 10078176; line_symbol[3] = 9; line_dash[3] = 2
line_colour[4] = 29362; line_symbol[4] = 9; line_dash[4] = 1
line_colour[5] = 40563; line_symbol[5] = 11; line_dash[5] = 1
line_colour[6] = 15452636; line_symbol[6] = 13; line_dash[6] = 2
line_colour[7] = 16112025; line_symbol[7] = 15; line_dash[7] = 3
line_colour[8] = 13400487; line_symbol[8] = 13; line_dash[8] = 1
line_colour[9] = 15645773; line_symbol[9] = 15; line_dash[9] = 2
line_colour[10] = 15113984; line_symbol[10] = 15; line_dash[10] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
19.3754	5.63913	1	29362
35.7828	5.6081	2	29362
19.4612	6.55328	1	13400487
19.4612	6.45656	1	15113984
35.8514	6.36785	2	13400487
35.8514	6.12891	2	15113984
52.2417	6.09188	3	15113984
END
