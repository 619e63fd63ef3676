#!/bin/bash
# read.sh BUILD WORKLOAD: from a trace to text and to statistics, one thread, events per second: rill
# beside babeltrace2 on the same events of LTTng-UST. hyperfine takes the times; output goes nowhere.
set -euo pipefail
build=$1 workload=$2
runs=2 # in each round
own=
if [ -z "${BENCH_DIR:-}" ]; then
	BENCH_DIR=$(mktemp -d /dev/shm/rill-bench-XXXXXX)
	export BENCH_DIR
	own=$BENCH_DIR
fi
trap '[ -z "$own" ] || rm -rf "$own"' EXIT
fail() { echo "read.sh: $*" >&2; exit 1; }

"$build/bench/sustained/sustained" --only rill,lttng trace "$workload"
rill=$(echo "$BENCH_DIR"/rill-*) lttng=$(echo "$BENCH_DIR"/lttng-*/trace)
[ -d "$rill" ] && [ -d "$lttng" ] || fail "there is no trace to read"
events=$("$build/rill" cat "$rill" | wc -l)
theirs=$(babeltrace2 "$lttng" | wc -l)
[ "$events" = "$theirs" ] && [ "$events" -gt 0 ] || fail "$events events, but $theirs of LTTng-UST"

# measure FIGURE WHO COMMAND
measure() {
	local json=$BENCH_DIR/hyperfine.json
	taskset -c "${BENCH_PRODUCER_CPU:-0}" hyperfine --shell=none \
		--warmup=1 --runs="$runs" --style=none \
		--export-json="$json" "$3" >/dev/null 2>&1 || fail "$3 failed"
	jq -r --arg figure "$1" --arg who "$2" --argjson events "$events" \
		'[$figure, $who, ($events / .results[0].median / 1e6 | tostring), "M/s"] | join("\t")' "$json"
}
measure "cat.$workload" rill "$build/rill cat $rill"
measure "cat.$workload" babeltrace2 "babeltrace2 $lttng"
measure "stats.$workload" rill "$build/rill stats $rill"
# It has no statistics by event; its counter of messages is the nearest.
measure "stats.$workload" babeltrace2 "babeltrace2 $lttng --component=sink.utils.counter"
