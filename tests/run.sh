#!/bin/bash
# run.sh TIER BUILD [AREA[/TEST]...]: runs the test programs of a tier, these or all, a line each, and a last line that
# counts tests.
# Output of a program that fails is shown; all of it is kept in BUILD/tests/log.
set -u
tier=$1
BUILD=$(cd "$2" && pwd)
shift 2
SRC=$(cd "$(dirname "$0")/.." && pwd)
export BUILD SRC
cd "$SRC" || exit 1
unset RILL_FILTER RILL_SINKS RILL_RING_SIZE RILL_RING_MEMORY RILL_POLICY RILL_BLOCK_TIMEOUT RILL_EXIT_TIMEOUT \
	RILL_RUNTIME_DIR RILL_MAX_OPEN_SPANS
export RILL_TEST_TIER=$tier
logs=$BUILD/tests/log
mkdir -p "$logs"
passed=0 failed=0

for program in "$BUILD"/tests/*/test_*; do
	[ -x "$program" ] || continue
	case $program in *.o | *.d) continue ;; esac
	name=${program#"$BUILD"/tests/}
	[ $# = 0 ] || [[ " $* " = *" ${name%%/*} "* || " $* " = *" $name "* ]] || continue
	log=$logs/${name//\//.}
	start=$(date +%s)
	# One test at a time: the two cores belong to the program under test.
	# shellcheck disable=SC2086: an emulator has words
	timeout 900 ${RILL_TEST_EMULATOR:-} "$program" -j1 >"$log" 2>&1
	code=$?
	summary=$(grep -a 'Tested:' "$log" | tail -n 1)
	good=$(sed -n 's/.*Passing: .\{0,6\}\b\([0-9][0-9]*\).*/\1/p' <<<"$summary")
	all=$(sed -n 's/.*Tested: .\{0,6\}\b\([0-9][0-9]*\).*/\1/p' <<<"$summary")
	good=${good:-0} all=${all:-0}
	# Criterion ends with 0 although a sanitizer spoke (docs/testing.md).
	if grep -aqE 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:' "$log"; then
		code=1
	fi
	if [ "$code" = 0 ] && [ "$good" = "$all" ] && [ "$all" -gt 0 ]; then
		state=ok
	else
		state=FAILED
		[ "$all" -gt "$good" ] || all=$((good + 1))
		sed 's/^/    /' "$log" | tail -n 60
	fi
	passed=$((passed + good))
	failed=$((failed + all - good))
	printf '%-8s %-34s %3d tests %4d s\n' "$state" "$name" "$all" $(($(date +%s) - start))
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
