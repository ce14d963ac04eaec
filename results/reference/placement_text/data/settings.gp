# Written by masbench; read by the chart scripts beside it.
question = 'Where should full attention stand, at the same number of full layers, on real text?'
caption = 'masbench 0.1.0, commit fcecf17c13c7; experiment placement_text; length 1024; 0.32 M parameters, 1.5 M training tokens a point.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',9'
line_font = ',9'
plan_font = 10
cost_high = 107
quality_low = 5.68856216
quality_high = 7.43014405
quality_log = 0
layers = 6
families = 9
lines = 10
plans = 13
floors = 0
quality_is_perplexity = 1
array family_name[9]
family_name[1] = 'full'
family_name[2] = 'block 16 own'
family_name[3] = 'MASFormer + block 16 own, bottom'
family_name[4] = 'MASFormer + block 16 own, middle'
family_name[5] = 'MASFormer + block 16 own, top'
family_name[6] = 'MASFormer + block 16 own, interleaved'
family_name[7] = 'MASFormer + block 16 own, interleaved_first'
family_name[8] = 'MASFormer + block 16 own, interleaved_last'
family_name[9] = 'MASFormer + block 16 own, ends_and_middle'
array line_name[10]
line_name[1] = 'full'
line_name[2] = 'block 16 own'
line_name[3] = '1 full of 6 (middle) + block 16 own'
line_name[4] = '2 full of 6 (bottom) + block 16 own'
line_name[5] = '2 full of 6 (middle) + block 16 own'
line_name[6] = '2 full of 6 (interleaved_first) + block 16 own'
line_name[7] = '2 full of 6 (interleaved_last) + block 16 own'
line_name[8] = '2 full of 6 (top) + block 16 own'
line_name[9] = '3 full of 6 (ends_and_middle) + block 16 own'
line_name[10] = '3 full of 6 (interleaved) + block 16 own'
array floor_name[1]
array family_colour[10]
array family_symbol[10]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
family_colour[8] = 9132544; family_symbol[8] = 4
family_colour[9] = 6962586; family_symbol[9] = 8
array line_colour[11]
array line_symbol[11]
array line_dash[11]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 10082503; line_symbol[3] = 11; line_dash[3] = 2
line_colour[4] = 29362; line_symbol[4] = 9; line_dash[4] = 1
line_colour[5] = 40563; line_symbol[5] = 11; line_dash[5] = 1
line_colour[6] = 5682409; line_symbol[6] = 6; line_dash[6] = 1
line_colour[7] = 9132544; line_symbol[7] = 4; line_dash[7] = 1
line_colour[8] = 13400487; line_symbol[8] = 13; line_dash[8] = 1
line_colour[9] = 6962586; line_symbol[9] = 8; line_dash[9] = 1
line_colour[10] = 15113984; line_symbol[10] = 15; line_dash[10] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
19.4612	6.60629	1	29362
19.4612	6.45959	1	40563
15.2989	6.6046	1	13400487
35.8514	6.40978	2	29362
35.8514	6.26272	2	40563
31.6891	6.3509	2	15113984
31.6891	6.20633	2	5682409
33.7703	6.19083	2	9132544
35.8514	6.33691	2	13400487
52.2417	6.15288	3	6962586
48.0794	6.20965	3	15113984
END
