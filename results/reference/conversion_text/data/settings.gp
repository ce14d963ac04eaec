# Written by masbench; read by the chart scripts beside it.
question = 'Where should full attention stand when a short-context model of real text is converted?'
caption = 'masbench 0.1.0, commit ee9d0943e7b8; experiment conversion_text; length 1024; 0.32 M parameters, 0.066 to 1 M training tokens a point after a base of 4 M.'."\n".'Mean and extremes of 6 seeds. Small scale: compare the points of this chart with each other only.'
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
line_name[2] = 'block 16 own, training.tokens 65536'
line_name[3] = '2 full of 6 (bottom) + block 16 own, training.tokens 65536'
line_name[4] = '2 full of 6 (middle) + block 16 own, training.tokens 65536'
line_name[5] = '2 full of 6 (interleaved) + block 16 own, training.tokens 65536'
line_name[6] = '2 full of 6 (top) + block 16 own, training.tokens 65536'
line_name[7] = 'full, training.tokens 262144'
line_name[8] = 'block 16 own, training.tokens 262144'
line_name[9] = '2 full of 6 (bottom) + block 16 own, training.tokens 262144'
line_name[10] = '2 full of 6 (middle) + block 16 own, training.tokens 262144'
line_name[11] = '2 full of 6 (interleaved) + block 16 own, training.tokens 262144'
line_name[12] = '2 full of 6 (top) + block 16 own, training.tokens 262144'
array floor_name[1]
array family_colour[19]
array family_symbol[19]
family_colour[1] = 0; family_symbol[1] = 7
family_colour[2] = 13983232; family_symbol[2] = 5
family_colour[3] = 29362; family_symbol[3] = 9
family_colour[4] = 40563; family_symbol[4] = 11
family_colour[5] = 13400487; family_symbol[5] = 13
family_colour[6] = 15113984; family_symbol[6] = 15
family_colour[7] = 5682409; family_symbol[7] = 6
family_colour[8] = 8355711; family_symbol[8] = 4
family_colour[9] = 0; family_symbol[9] = 8
family_colour[10] = 13983232; family_symbol[10] = 10
family_colour[11] = 29362; family_symbol[11] = 12
family_colour[12] = 40563; family_symbol[12] = 14
family_colour[13] = 13400487; family_symbol[13] = 7
family_colour[14] = 15113984; family_symbol[14] = 5
family_colour[15] = 5682409; family_symbol[15] = 9
family_colour[16] = 8355711; family_symbol[16] = 11
family_colour[17] = 0; family_symbol[17] = 13
family_colour[18] = 13983232; family_symbol[18] = 15
array line_colour[13]
array line_symbol[13]
array line_dash[13]
line_colour[1] = 0; line_symbol[1] = 7; line_dash[1] = 1
line_colour[2] = 13983232; line_symbol[2] = 5; line_dash[2] = 1
line_colour[3] = 29362; line_symbol[3] = 9; line_dash[3] = 1
line_colour[4] = 40563; line_symbol[4] = 11; line_dash[4] = 1
line_colour[5] = 15113984; line_symbol[5] = 15; line_dash[5] = 1
line_colour[6] = 13400487; line_symbol[6] = 13; line_dash[6] = 1
line_colour[7] = 5682409; line_symbol[7] = 6; line_dash[7] = 1
line_colour[8] = 8355711; line_symbol[8] = 4; line_dash[8] = 1
line_colour[9] = 0; line_symbol[9] = 8; line_dash[9] = 1
line_colour[10] = 13983232; line_symbol[10] = 10; line_dash[10] = 1
line_colour[11] = 40563; line_symbol[11] = 14; line_dash[11] = 1
line_colour[12] = 29362; line_symbol[12] = 12; line_dash[12] = 1
array floor_nats[1]
array floor_reach[1]
array floor_right[1]
array floor_above[1]
$labels << END
19.4612	6.30236	1	29362
19.4612	6.17478	1	40563
15.2989	6.31631	1	13400487
35.8514	6.11517	2	29362
35.8514	5.95903	2	40563
31.6891	6.03829	2	15113984
31.6891	5.95581	2	13400487
19.4612	5.94065	1	0
19.4612	5.76615	1	13983232
15.2989	5.97083	1	29362
35.8514	5.69293	2	0
35.8514	5.55145	2	13983232
31.6891	5.62861	2	40563
33.7703	5.76812	2	29362
19.4612	5.61455	1	5682409
19.4612	5.50985	1	8355711
15.2989	5.60606	1	0
35.8514	5.34882	2	5682409
35.8514	5.20865	2	8355711
31.6891	5.23338	2	13983232
31.6891	5.36945	2	0
END
