# Written by masbench; read by the chart scripts beside it.
question = 'How near is a training step to what the machine can do?'
caption = 'masbench 0.1.0, commit efc398695c97; experiment train_step; lengths 1024 to 4096; 46 M parameters, 0.025 M training tokens a point.'
seeds = 1
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',5'
line_font = ',5'
plan_font = 6
cost_high = 107
quality_low = 292.201991
quality_high = 820.205607
quality_log = 0
layers = 12
families = 10
lines = 10
plans = 10
floors = 0
quality_is_perplexity = 1
array family_name[10]
family_name[1] = 'full, dtype f32, seq_len 1024'
family_name[2] = 'MASFormer + window 256, bottom, dtype f32, seq_len 1024'
family_name[3] = 'full, dtype f32, seq_len 4096'
family_name[4] = 'MASFormer + window 256, bottom, dtype f32, seq_len 4096'
family_name[5] = 'full, dtype bf16, seq_len 1024'
family_name[6] = 'MASFormer + window 256, bottom, dtype bf16, seq_len 1024'
family_name[7] = 'full, dtype bf16, seq_len 4096, recompute none'
family_name[8] = 'full, dtype bf16, seq_len 4096, recompute layer'
family_name[9] = 'MASFormer + window 256, bottom, dtype bf16, seq_len 4096, recompute none'
family_name[10] = 'MASFormer + window 256, bottom, dtype bf16, seq_len 4096, recompute layer'
array line_name[10]
line_name[1] = 'full, dtype f32, seq_len 1024'
line_name[2] = '3 full of 12 (bottom) + window 256, dtype f32, seq_len 1024'
line_name[3] = 'full, dtype f32, seq_len 4096'
line_name[4] = '3 full of 12 (bottom) + window 256, dtype f32, seq_len 4096'
line_name[5] = 'full, dtype bf16, seq_len 1024'
line_name[6] = '3 full of 12 (bottom) + window 256, dtype bf16, seq_len 1024'
line_name[7] = 'full, dtype bf16, seq_len 4096, recompute none'
line_name[8] = 'full, dtype bf16, seq_len 4096, recompute layer'
line_name[9] = '3 full of 12 (bottom) + window 256, dtype bf16, seq_len 4096, recompute none'
line_name[10] = '3 full of 12 (bottom) + window 256, dtype bf16, seq_len 4096, recompute layer'
array floor_name[1]
array family_colour[11]
array family_symbol[11]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 2500134; family_symbol[3] = 5
family_colour[4] = 29362; family_symbol[4] = 9
family_colour[5] = 5066061; family_symbol[5] = 9
family_colour[6] = 40563; family_symbol[6] = 11
family_colour[7] = 7566195; family_symbol[7] = 11
family_colour[8] = 10066329; family_symbol[8] = 13
family_colour[9] = 13400487; family_symbol[9] = 13
family_colour[10] = 15113984; family_symbol[10] = 15
array line_colour[11]
array line_symbol[11]
array line_dash[11]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 2500134; line_symbol[3] = 5; line_dash[3] = 1
line_colour[4] = 29362; line_symbol[4] = 9; line_dash[4] = 1
line_colour[5] = 5066061; line_symbol[5] = 9; line_dash[5] = 1
line_colour[6] = 40563; line_symbol[6] = 11; line_dash[6] = 1
line_colour[7] = 7566195; line_symbol[7] = 11; line_dash[7] = 1
line_colour[8] = 10066329; line_symbol[8] = 13; line_dash[8] = 1
line_colour[9] = 13400487; line_symbol[9] = 13; line_dash[9] = 1
line_colour[10] = 15113984; line_symbol[10] = 15; line_dash[10] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
memory_variants = 6
memory_lines = 6
array memory_name[7]
array memory_colour[7]
array memory_symbol[7]
memory_colour[1] = 0; memory_symbol[1] = 7
memory_name[1] = 'full, dtype f32'
memory_colour[2] = 5066061; memory_symbol[2] = 5
memory_name[2] = 'full, dtype bf16, recompute none, +1 alike'
memory_colour[3] = 13983232; memory_symbol[3] = 5
memory_name[3] = '3 full of 12 (bottom) + window 256, dtype f32'
memory_colour[4] = 29362; memory_symbol[4] = 9
memory_name[4] = '3 full of 12 (bottom) + window 256, dtype bf16, recompute none, +1 alike'
memory_colour[5] = 10066329; memory_symbol[5] = 9
memory_name[5] = 'full, dtype bf16'
memory_colour[6] = 40563; memory_symbol[6] = 11
memory_name[6] = '3 full of 12 (bottom) + window 256, dtype bf16'
memory_shortest = 1024
memory_longest = 4096
cache_low = 11010048
cache_high = 201326592
memory_font = ',5'
memory_low = 16777216
memory_high = 2514843200
array memory_there[6]
memory_there[1] = 1
memory_there[2] = 1
memory_there[3] = 1
memory_there[4] = 1
memory_there[5] = 1
memory_there[6] = 0
$labels << END
59.2112	786.016	3	13983232
35.4934	349.031	3	29362
59.2112	763.935	3	40563
35.4934	323.931	3	13400487
31.3311	348.473	3	15113984
END
