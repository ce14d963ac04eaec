# Written by masbench; read by the chart scripts beside it.
question = 'Which known layer rule is best at equal cost, and is it better than full layers at the bottom?'
caption = 'masbench 0.1.0, commit 92d8b7c44870; experiment layouts_text; length 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',11'
line_font = ',10'
plan_font = 10
cost_high = 107
quality_low = 5.47617024
quality_high = 7.23773847
quality_log = 0
layers = 6
families = 8
lines = 10
plans = 10
floors = 0
quality_is_perplexity = 1
array family_name[8]
family_name[1] = 'window 16'
family_name[2] = 'MASFormer + window 16, every 6 from 5'
family_name[3] = 'MASFormer + window 16, every 4 from 3'
family_name[4] = 'MASFormer + window 16, every 2 from 1'
family_name[5] = 'MASFormer + window 16, every 2 from 0'
family_name[6] = 'MASFormer + block 32 own, bottom'
family_name[7] = 'MASFormer + window 16, bottom'
family_name[8] = 'full'
array line_name[10]
line_name[1] = 'window 16'
line_name[2] = '1 full of 6 (every 6 from 5) + window 16'
line_name[3] = '1 full of 6 (every 4 from 3) + window 16'
line_name[4] = '3 full of 6 (every 2 from 1) + window 16'
line_name[5] = '3 full of 6 (every 2 from 0) + window 16'
line_name[6] = '1 full of 6 (bottom) + block 32 own'
line_name[7] = '3 full of 6 (bottom) + block 32 own'
line_name[8] = '1 full of 6 (bottom) + window 16'
line_name[9] = '3 full of 6 (bottom) + window 16'
line_name[10] = 'full'
array floor_name[1]
array family_colour[9]
array family_symbol[9]
family_colour[1] = 13983232; family_symbol[1] = 5
family_colour[2] = 29362; family_symbol[2] = 9
family_colour[3] = 40563; family_symbol[3] = 11
family_colour[4] = 13400487; family_symbol[4] = 13
family_colour[5] = 15113984; family_symbol[5] = 15
family_colour[6] = 5682409; family_symbol[6] = 6
family_colour[7] = 9132544; family_symbol[7] = 4
family_colour[8] = 0; family_symbol[8] = 7
array line_colour[11]
array line_symbol[11]
array line_dash[11]
line_colour[1] = 13983232; line_symbol[1] = 5; line_dash[1] = 1
line_colour[2] = 29362; line_symbol[2] = 9; line_dash[2] = 1
line_colour[3] = 40563; line_symbol[3] = 11; line_dash[3] = 1
line_colour[4] = 13400487; line_symbol[4] = 13; line_dash[4] = 1
line_colour[5] = 15113984; line_symbol[5] = 15; line_dash[5] = 1
line_colour[6] = 12313078; line_symbol[6] = 6; line_dash[6] = 2
line_colour[7] = 5682409; line_symbol[7] = 6; line_dash[7] = 1
line_colour[8] = 13745561; line_symbol[8] = 4; line_dash[8] = 2
line_colour[9] = 9132544; line_symbol[9] = 4; line_dash[9] = 1
line_colour[10] = 0; line_symbol[10] = 7; line_dash[10] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
20.6616	5.81483	1	29362
20.6616	5.89949	1	40563
52.9619	5.8723	3	13400487
52.9619	7.06628	3	15113984
20.762	6.3532	1	5682409
53.0222	6.17759	3	5682409
16.4993	5.9373	1	9132544
52.9619	6.00235	3	9132544
END
