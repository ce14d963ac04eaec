# Written by masbench; read by the chart scripts beside it.
question = 'What does attention cost buy in perplexity, on real text?'
caption = 'masbench 0.1.0, commit d6452b1da6ee; experiment tradeoff; length 1024; 0.32 M parameters, 2 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',11'
line_font = ',10'
plan_font = 10
cost_high = 107
quality_low = 4.93377316
quality_high = 6.36624397
quality_log = 0
layers = 6
families = 11
lines = 12
plans = 15
floors = 0
quality_is_perplexity = 1
array family_name[11]
family_name[1] = 'full'
family_name[2] = 'window 8'
family_name[3] = 'window 16'
family_name[4] = 'window 64'
family_name[5] = 'window 256'
family_name[6] = 'block 16 own'
family_name[7] = 'block 64 own'
family_name[8] = 'block 256 own'
family_name[9] = 'MASFormer + window 16, interleaved'
family_name[10] = 'MASFormer + block 64 own, interleaved'
family_name[11] = 'MASFormer + block 64 own, bottom'
array line_name[12]
line_name[1] = 'full'
line_name[2] = 'window 8'
line_name[3] = 'window 16'
line_name[4] = 'window 64'
line_name[5] = 'window 256'
line_name[6] = 'block 16 own'
line_name[7] = 'block 64 own'
line_name[8] = 'block 256 own'
line_name[9] = '1 full of 6 (interleaved) + window 16'
line_name[10] = '2 full of 6 (interleaved) + window 16'
line_name[11] = '3 full of 6 (interleaved) + block 64 own'
line_name[12] = '2 full of 6 (bottom) + block 64 own'
array floor_name[1]
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
line_colour[8] = 9132544; line_symbol[8] = 4; line_dash[8] = 1
line_colour[9] = 12825047; line_symbol[9] = 8; line_dash[9] = 3
line_colour[10] = 9926584; line_symbol[10] = 8; line_dash[10] = 2
line_colour[11] = 6727198; line_symbol[11] = 10; line_dash[11] = 1
line_colour[12] = 10909213; line_symbol[12] = 12; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
20.6616	5.14576	1	6962586
36.8118	5.12526	2	6962586
52.9619	5.13948	3	6962586
23.3636	5.38614	1	6727198
38.9734	5.35329	2	6727198
54.5831	5.29051	3	6727198
38.9734	5.28532	2	10909213
END
