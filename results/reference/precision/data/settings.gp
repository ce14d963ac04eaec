# Written by masbench; read by the chart scripts beside it.
question = 'Is the loss of bf16 training within the seed spread of f32?'
caption = 'masbench 0.1.0, commit a145f372d6d1; experiment precision; length 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 4
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',9'
line_font = ',8'
plan_font = 10
cost_high = 107
quality_low = 5.51416558
quality_high = 6.15846048
quality_log = 0
layers = 6
families = 4
lines = 4
plans = 4
floors = 0
quality_is_perplexity = 1
array family_name[4]
family_name[1] = 'full, dtype f32'
family_name[2] = 'full, dtype bf16'
family_name[3] = 'MASFormer + window 8, interleaved, dtype f32'
family_name[4] = 'MASFormer + window 8, interleaved, dtype bf16'
array line_name[4]
line_name[1] = 'full, dtype f32'
line_name[2] = 'full, dtype bf16'
line_name[3] = '2 full of 6 (interleaved) + window 8, dtype f32'
line_name[4] = '2 full of 6 (interleaved) + window 8, dtype bf16'
array floor_name[1]
array family_colour[5]
array family_symbol[5]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 10066329; family_symbol[2] = 5
family_colour[3] = 13983232; family_symbol[3] = 5
family_colour[4] = 29362; family_symbol[4] = 9
array line_colour[5]
array line_symbol[5]
array line_dash[5]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 10066329; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 13983232; line_symbol[3] = 5; line_dash[3] = 1
line_colour[4] = 29362; line_symbol[4] = 9; line_dash[4] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
35.7828	5.72569	2	13983232
31.6205	5.73911	2	29362
END
