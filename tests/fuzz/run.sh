#!/bin/bash
# run.sh BUILD SECONDS TARGET...: runs fuzz targets one after the other, each from the corpus in
# tests/data/fuzz and the seeds; what is new goes to BUILD/corpus/TARGET, what crashes to BUILD/found.
# Ends with 1 when there was a finding.
set -u
BUILD=$1 seconds=$2
shift 2
SRC=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$BUILD/corpus" "$BUILD/found" "$BUILD/log"
ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/fuzz/seeds" "$BUILD/corpus" || exit 1
failed=0
for target in "$@"; do
	kept=$SRC/tests/data/fuzz/$target
	mkdir -p "$BUILD/corpus/$target"
	log=$BUILD/log/$target
	folders=("$BUILD/corpus/$target")
	[ -d "$kept" ] && folders+=("$kept")
	dictionary=()
	[ -f "$SRC/tests/fuzz/$target.dict" ] && dictionary=(-dict="$SRC/tests/fuzz/$target.dict")
	# Half of the memory bound of a reader goes to what a sanitizer keeps beside each byte.
	nice "$BUILD/fuzz_$target" -max_total_time="$seconds" -max_len=16384 -timeout=25 \
		-rss_limit_mb=1024 -malloc_limit_mb=256 -close_fd_mask=3 -print_final_stats=1 \
		-artifact_prefix="$BUILD/found/$target-" "${dictionary[@]}" "${folders[@]}" >"$log" 2>&1
	code=$?
	[ "$code" = 0 ] || failed=1
	printf '%-10s %s: %s executions in %s s, coverage %s\n' "$target" \
		"$([ "$code" = 0 ] && echo 'no finding' || echo FINDING)" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" \
		"$(grep -ao 'cov: [0-9]* ft: [0-9]*' "$log" | tail -n 1)"
done
exit "$failed"
