# SPDX-License-Identifier: Apache-2.0
# Conversion: one base for all points, whoever trains it; the same numbers however the work was cut up.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# convert TOKENS BASE_TOKENS [KEYS]: three plans that continue one base
convert() {
    cat <<END
experiment: convert
model: {layers: 2, width: 16, heads: 2${3:+, }${3:-}}
attention: {sparse: {variant: sliding_window, window: 16}}
corpus: {type: recall}
training:
  {tokens: $1, seq_len: 128, batch_tokens: 256, evaluations: 1, curve_tokens: 256,
   from: {tokens: $2, seq_len: 64, batch_tokens: 256}}
evaluation: {tokens: 512}
sweep:
  - attention.full_layers: [0, 1, 2]
END
}
bases() { find "$1" -name '*.base.safetensors' | wc -l | tr -d ' '; }
# The distinct lines about the base in all results.
base_facts() { cat "$1"/????????????????.json | grep -e '"base":' -e '"base_loss":' | sort -u; }

convert 4096 16384 >file.yaml
code 0 "all points" run file.yaml --threads 1 --results whole
folder=whole/convert
check "one base" [ "$(bases $folder)" -eq 1 ]
check "trained by one point" [ "$(cat $folder/????????????????.json | grep -c '"base_trained_here": true')" -eq 1 ]
check "all name the same base and its loss" [ "$(base_facts $folder | wc -l | tr -d ' ')" -eq 2 ]
check "its tokens are recorded" grep -q '"base_tokens": 16384' $folder/????????????????.json
check "all were scored at the switch" [ "$(cat $folder/????????????????.json | grep -c '"at_switch": {')" -eq 3 ]
numbers $folder >expected

# Shards side by side.
for shard in 1 2 3; do
    "$program" run file.yaml --threads 1 --results shards --shard $shard/3 >out.$shard 2>&1 </dev/null &
done
wait
check "shards make one base" [ "$(bases shards/convert)" -eq 1 ]
check "that one of them trained" [ "$(cat shards/convert/????????????????.json | grep -c '"base_trained_here": true')" -eq 1 ]
numbers shards/convert >got
check "and the same numbers" same expected got

# Threads, and a base that is damaged.
code 0 "two threads" run file.yaml --threads 2 --results threads
numbers threads/convert >got
check "the same numbers" same expected got
base=$(find threads -name '*.base.safetensors')
head -c 1000 "$base" >cut && mv cut "$base"
rm threads/convert/????????????????.json
code 0 "a damaged base is trained again" run file.yaml --threads 1 --results threads
numbers threads/convert >got
check "to the same numbers" same expected got

# Stopped in the base, then in the conversion: the same bits as without a stop.
# stop FOLDER PATTERN WHAT: once a file of that name is there
stop() {
    "$program" run file.yaml --threads 1 --results "$1" >out 2>err </dev/null &
    process=$!
    await there "$2"
    sleep 0.3
    kill -INT $process
    got=0
    wait $process || got=$?
    check "stopped: $3 (got $got)" [ "$got" -eq 130 ]
}
convert 300000 300000 | sed 's/\[0, 1, 2\]/[1]/' >file.yaml
code 0 "a longer one, uninterrupted" run file.yaml --threads 1 --results long
numbers long/convert >expected
stop cut 'cut/convert/*.base.lock' "in the base"
check "with the base's progress kept" [ "$(find cut -name '*.base.checkpoint.safetensors' | wc -l)" -eq 1 ]
check "and no base" [ "$(bases cut)" -eq 0 ]
stop cut 'cut/convert/????????????????.base.safetensors' "in the conversion"
check "with its progress kept" [ "$(find cut -name '*.checkpoint.safetensors' | wc -l)" -eq 1 ]
code 0 "goes on" run file.yaml --threads 1 --results cut
check "resumed" grep -q '"resumed": true' cut/convert/????????????????.json
numbers cut/convert >got
check "the same numbers as uninterrupted" same expected got

# What has no sound extension is refused before anything is created.
convert 4096 4096 'positions: learned' >file.yaml
code 2 "learned positions" run file.yaml --results none
holds err 'file.yaml:7:.*learned positions; expected model.positions: rope or none' "with place and remedy"
convert 4096 4096 | sed 's/seq_len: 64/seq_len: 256/' >file.yaml
code 2 "a base longer than the conversion" run file.yaml --results none
holds err 'from.seq_len is 256; expected at most the 128' "with both numbers"
convert 4096 4096 | sed 's/tokens: 4096, seq_len: 64/seq_len: 64/' >file.yaml
code 2 "a base without a budget" run file.yaml --results none
holds err 'training.from.tokens: missing' "says what is missing"
convert 4096 4096 | sed 's/seq_len: 64, batch/seq_lne: 64, batch/' >file.yaml
code 2 "a misspelt key" run file.yaml --results none
holds err 'training.from.seq_lne: unknown key.*did you mean "seq_len"' "suggests"
check "nothing was created" absent none

convert 4096 4096 >file.yaml
code 0 "explain" explain file.yaml --threads 1
check "counts the base once" [ "$(grep -c 'trained once' out)" -eq 1 ]
check "and says who shares it" [ "$(grep -c 'shared with point 1' out)" -eq 2 ]
finish
