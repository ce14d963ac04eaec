# Written by masbench; read by the chart scripts beside it.
question = 'Where should full attention stand when a short-context model is converted, and how much training does it'."\n".'take?'
caption = 'masbench 0.1.0, commit ee9d0943e7b8; experiment conversion; length 256; 0.22 M parameters, 0.066 to 1 M training tokens a point after a base of 10 M.'
seeds = 3
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',6'
line_font = ',6'
plan_font = 7
cost_high = 107
quality_low = 5.34615956
quality_high = 59.1348042
quality_log = 1
layers = 4
families = 21
lines = 12
plans = 33
floors = 2
quality_is_perplexity = 1
array family_name[21]
family_name[1] = 'full, training.tokens 65536'
family_name[2] = 'window 16, training.tokens 65536'
family_name[3] = 'MASFormer + window 16, bottom, training.tokens 65536'
family_name[4] = 'MASFormer + window 16, middle, training.tokens 65536'
family_name[5] = 'MASFormer + window 16, interleaved, training.tokens 65536'
family_name[6] = 'MASFormer + window 16, top, training.tokens 65536'
family_name[7] = 'MASFormer + window 16, interleaved_first, training.tokens 65536'
family_name[8] = 'full, training.tokens 262144'
family_name[9] = 'window 16, training.tokens 262144'
family_name[10] = 'MASFormer + window 16, bottom, training.tokens 262144'
family_name[11] = 'MASFormer + window 16, middle, training.tokens 262144'
family_name[12] = 'MASFormer + window 16, interleaved, training.tokens 262144'
family_name[13] = 'MASFormer + window 16, top, training.tokens 262144'
family_name[14] = 'MASFormer + window 16, interleaved_first, training.tokens 262144'
family_name[15] = 'full, training.tokens 1048576'
family_name[16] = 'window 16, training.tokens 1048576'
family_name[17] = 'MASFormer + window 16, bottom, training.tokens 1048576'
family_name[18] = 'MASFormer + window 16, middle, training.tokens 1048576'
family_name[19] = 'MASFormer + window 16, interleaved, training.tokens 1048576'
family_name[20] = 'MASFormer + window 16, top, training.tokens 1048576'
family_name[21] = 'MASFormer + window 16, interleaved_first, training.tokens 1048576'
array line_name[12]
line_name[1] = '2 full of 4 (bottom) + window 16, training.tokens 65536'
line_name[2] = 'full, training.tokens 262144'
line_name[3] = '1 full of 4 (middle) + window 16, training.tokens 262144'
line_name[4] = '2 full of 4 (bottom) + window 16, training.tokens 262144'
line_name[5] = '2 full of 4 (middle) + window 16, training.tokens 262144'
line_name[6] = '2 full of 4 (interleaved) + window 16, training.tokens 262144'
line_name[7] = 'full, training.tokens 1048576'
line_name[8] = 'window 16, training.tokens 1048576'
line_name[9] = '2 full of 4 (bottom) + window 16, training.tokens 1048576'
line_name[10] = '2 full of 4 (middle) + window 16, training.tokens 1048576'
line_name[11] = '2 full of 4 (interleaved) + window 16, training.tokens 1048576'
line_name[12] = '2 full of 4 (interleaved_first) + window 16, training.tokens 1048576'
array floor_name[2]
floor_name[1] = 'entropy floor, full reach'
floor_name[2] = 'entropy floor, window 16'
array family_colour[22]
array family_symbol[22]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
family_colour[8] = 5066061; family_symbol[8] = 5
family_colour[9] = 9132544; family_symbol[9] = 4
family_colour[10] = 6962586; family_symbol[10] = 8
family_colour[11] = 6727198; family_symbol[11] = 10
family_colour[12] = 10909213; family_symbol[12] = 12
family_colour[13] = 13983232; family_symbol[13] = 14
family_colour[14] = 29362; family_symbol[14] = 7
family_colour[15] = 10066329; family_symbol[15] = 9
family_colour[16] = 40563; family_symbol[16] = 5
family_colour[17] = 13400487; family_symbol[17] = 9
family_colour[18] = 15113984; family_symbol[18] = 11
family_colour[19] = 5682409; family_symbol[19] = 13
family_colour[20] = 9132544; family_symbol[20] = 15
family_colour[21] = 6962586; family_symbol[21] = 6
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 29362; line_symbol[1] = 9; line_dash[1] = 1
line_colour[2] = 5066061; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 12770213; line_symbol[3] = 10; line_dash[3] = 2
line_colour[4] = 6962586; line_symbol[4] = 8; line_dash[4] = 1
line_colour[5] = 6727198; line_symbol[5] = 10; line_dash[5] = 1
line_colour[6] = 10909213; line_symbol[6] = 12; line_dash[6] = 1
line_colour[7] = 10066329; line_symbol[7] = 9; line_dash[7] = 1
line_colour[8] = 40563; line_symbol[8] = 5; line_dash[8] = 1
line_colour[9] = 13400487; line_symbol[9] = 9; line_dash[9] = 1
line_colour[10] = 15113984; line_symbol[10] = 11; line_dash[10] = 1
line_colour[11] = 5682409; line_symbol[11] = 13; line_dash[11] = 1
line_colour[12] = 6962586; line_symbol[12] = 6; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[3]
array floor_reach[3]
floor_nats[1] = 1.87666523; floor_reach[1] = 0
floor_nats[2] = 3.38247421; floor_reach[2] = 61
$labels << END
35.4773	50.5972	1	29362
35.4773	45.3095	1	40563
31.315	50.1977	1	13400487
31.315	44.6893	1	15113984
57.4557	45.8391	2	29362
53.2934	50.1006	2	40563
53.2934	44.0322	2	13400487
55.3745	51.8833	2	5682409
57.4557	49.9991	2	15113984
33.3962	52.3481	1	6962586
33.3962	40.3257	1	6727198
31.315	47.11	1	10909213
35.4773	44.0683	1	13983232
57.4557	38.9006	2	6962586
57.4557	41.5105	2	6727198
53.2934	40.4998	2	10909213
53.2934	47.8324	2	29362
57.4557	43.3459	2	13983232
35.4773	50.1051	1	13400487
33.3962	41.957	1	15113984
33.3962	51.615	1	5682409
31.315	43.3812	1	9132544
57.4557	35.1828	2	13400487
55.3745	39.5961	2	15113984
53.2934	38.9545	2	5682409
53.2934	43.9752	2	6962586
57.4557	46.7264	2	9132544
END
