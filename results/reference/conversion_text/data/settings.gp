# Written by masbench; read by the chart scripts beside it.
question = 'Where should full attention stand when a short-context model of real text is converted?'
caption = 'masbench 0.1.0, commits ee9d0943e7b8, 18dc1176a9b7; experiment conversion_text; length 1024; 0.32 M parameters, 0.066 to 1 M training tokens a point after a'."\n".'base of 4 M.'
seeds = 6
remark = 'Small scale: compare the points of this chart with each other only.'
quality_label = 'perplexity on the validation split'
family_font = ',6'
line_font = ',6'
plan_font = 7
cost_high = 107
quality_low = 4.36566499
quality_high = 6.87280394
quality_log = 0
layers = 6
families = 18
lines = 12
plans = 27
floors = 0
quality_is_perplexity = 1
array family_name[18]
family_name[1] = 'full, training.tokens 65536'
family_name[2] = 'block 16 own, training.tokens 65536'
family_name[3] = 'MASFormer + block 16 own, bottom, training.tokens 65536'
family_name[4] = 'MASFormer + block 16 own, middle, training.tokens 65536'
family_name[5] = 'MASFormer + block 16 own, top, training.tokens 65536'
family_name[6] = 'MASFormer + block 16 own, interleaved, training.tokens 65536'
family_name[7] = 'full, training.tokens 262144'
family_name[8] = 'block 16 own, training.tokens 262144'
family_name[9] = 'MASFormer + block 16 own, bottom, training.tokens 262144'
family_name[10] = 'MASFormer + block 16 own, middle, training.tokens 262144'
family_name[11] = 'MASFormer + block 16 own, top, training.tokens 262144'
family_name[12] = 'MASFormer + block 16 own, interleaved, training.tokens 262144'
family_name[13] = 'full, training.tokens 1048576'
family_name[14] = 'block 16 own, training.tokens 1048576'
family_name[15] = 'MASFormer + block 16 own, bottom, training.tokens 1048576'
family_name[16] = 'MASFormer + block 16 own, middle, training.tokens 1048576'
family_name[17] = 'MASFormer + block 16 own, top, training.tokens 1048576'
family_name[18] = 'MASFormer + block 16 own, interleaved, training.tokens 1048576'
array line_name[12]
line_name[1] = 'full, training.tokens 65536'
line_name[2] = 'full, training.tokens 262144'
line_name[3] = '2 full of 6 (bottom) + block 16 own, training.tokens 262144'
line_name[4] = '2 full of 6 (middle) + block 16 own, training.tokens 262144'
line_name[5] = '2 full of 6 (interleaved) + block 16 own, training.tokens 262144'
line_name[6] = 'full, training.tokens 1048576'
line_name[7] = 'block 16 own, training.tokens 1048576'
line_name[8] = '1 full of 6 (middle) + block 16 own, training.tokens 1048576'
line_name[9] = '2 full of 6 (bottom) + block 16 own, training.tokens 1048576'
line_name[10] = '2 full of 6 (middle) + block 16 own, training.tokens 1048576'
line_name[11] = '2 full of 6 (interleaved) + block 16 own, training.tokens 1048576'
line_name[12] = '2 full of 6 (top) + block 16 own, training.tokens 1048576'
array floor_name[1]
array family_colour[19]
array family_symbol[19]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5066061; family_symbol[7] = 5
family_colour[8] = 5682409; family_symbol[8] = 6
family_colour[9] = 9132544; family_symbol[9] = 4
family_colour[10] = 6962586; family_symbol[10] = 8
family_colour[11] = 6727198; family_symbol[11] = 10
family_colour[12] = 10909213; family_symbol[12] = 12
family_colour[13] = 10066329; family_symbol[13] = 9
family_colour[14] = 13983232; family_symbol[14] = 14
family_colour[15] = 29362; family_symbol[15] = 7
family_colour[16] = 40563; family_symbol[16] = 5
family_colour[17] = 13400487; family_symbol[17] = 9
family_colour[18] = 15113984; family_symbol[18] = 11
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 5066061; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 9132544; line_symbol[3] = 4; line_dash[3] = 1
line_colour[4] = 6962586; line_symbol[4] = 8; line_dash[4] = 1
line_colour[5] = 10909213; line_symbol[5] = 12; line_dash[5] = 1
line_colour[6] = 10066329; line_symbol[6] = 9; line_dash[6] = 1
line_colour[7] = 13983232; line_symbol[7] = 14; line_dash[7] = 1
line_colour[8] = 10082503; line_symbol[8] = 5; line_dash[8] = 2
line_colour[9] = 29362; line_symbol[9] = 7; line_dash[9] = 1
line_colour[10] = 40563; line_symbol[10] = 5; line_dash[10] = 1
line_colour[11] = 15113984; line_symbol[11] = 11; line_dash[11] = 1
line_colour[12] = 13400487; line_symbol[12] = 9; line_dash[12] = 1
floors_of_one_length = 1
array floor_nats[1]
array floor_reach[1]
$labels << END
19.4612	6.30236	1	29362
19.4612	6.17478	1	40563
15.2989	6.31631	1	13400487
35.8514	6.11517	2	29362
35.8514	5.95903	2	40563
31.6891	6.03829	2	15113984
31.6891	5.95581	2	13400487
19.4612	5.94065	1	9132544
19.4612	5.76615	1	6962586
15.2989	5.97083	1	6727198
35.8514	5.69293	2	9132544
35.8514	5.55145	2	6962586
31.6891	5.62861	2	10909213
33.7703	5.76812	2	6727198
19.4612	5.61455	1	29362
19.4612	5.50985	1	40563
15.2989	5.60606	1	13400487
35.8514	5.34882	2	29362
35.8514	5.20865	2	40563
31.6891	5.23338	2	15113984
31.6891	5.36945	2	13400487
END
