#!/bin/bash
# coverage.sh BUILD ROOM...: lines and branches of src/ROOM that ran, file by file, and what did not in BUILD/ROOM.txt.
# Fails when a room is below the limits.
set -u
build=$1
shift
bad=0
for room in "$@"; do
	# The static library's objects only: what is built for the shared one is the same code.
	gcovr --root . --object-directory "$build/obj/src/$room" "$build/obj/src/$room" --filter "src/$room/" \
		--gcov-ignore-parse-errors --exclude-unreachable-branches --exclude-throw-branches --txt "$build/$room.txt" \
		--html-details "$build/$room.html" --json-summary "$build/$room.json" || exit 1
	read -r lines branches < <(jq -r '"\(.line_percent) \(.branch_percent)"' "$build/$room.json")
	printf 'src/%-8s %5s %% of lines, %5s %% of branches\n' "$room" "$lines" "$branches"
	jq -e '.line_percent >= 90 and .branch_percent >= 80' "$build/$room.json" >/dev/null || bad=1
	jq -r '.files[] | "    \(.line_percent) %\t\(.branch_percent) %\t\(.filename)"' "$build/$room.json"
done
exit "$bad"
