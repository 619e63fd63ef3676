#!/bin/bash
# planted.sh BUILD SECONDS TARGET...: plants a bug in a copy of one source for each target, and says
# after how many executions the target finds it. Ends with 1 when one is not found.
set -u
BUILD=$1 seconds=$2
shift 2
cd "$(dirname "$0")/../.." || exit 1
flags=(-D_GNU_SOURCE -Iinclude -Isrc -I"$BUILD/include" -O1 -gline-tables-only -std=gnu11 -pthread
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
missed=0
for target in "$@"; do
	mutate=$BUILD/obj/tests/fuzz/mutate.o
	case $target in
	# A catalog's event may name a subsystem that is not there.
	reader) source=src/dump/catalog.c change='s/events\[i\].subsystem >= catalog->nsubsystems/false/' ;;
	# A chunk's filter may be longer than the chunk.
	index) source=src/dump/unpack.c change='s/filter > (size_t)(view->end - view->at)/false/' ;;
	# The depth of groups in a regular expression has no bound.
	predicate)
		source=src/cli/predicate_literal.c change='s/++depth > MAX_GROUPS/++depth == 0/'
		mutate=$BUILD/obj/tests/fuzz/regexec.o
		;;
	# As it was: the length of a track's name goes to where the buffer has been.
	export) source=src/cli/export/perfetto.c change='s/pb_end(packet.to->data + content, at);/pb_end(inner, at);/' ;;
	esac
	folder=$BUILD/planted/$target
	rm -rf "$folder"
	mkdir -p "$folder/corpus"
	sed "$change" "$source" >"$folder/planted.c"
	if cmp -s "$source" "$folder/planted.c"; then
		echo "planted.sh: $source has no such line" >&2
		exit 1
	fi
	clang "${flags[@]}" -c -o "$folder/planted.o" "$folder/planted.c" &&
		clang -fsanitize=fuzzer,address,undefined -pthread -o "$folder/fuzz" "$folder/planted.o" \
			"$BUILD/obj/tests/fuzz/fuzz_$target.o" "$mutate" "$BUILD"/obj/tests/fuzz/common.o \
			"$BUILD"/obj/tests/support/{blocks,entries,files,records}.o "$BUILD"/obj/cli.a \
			"$BUILD"/obj/internal.a -lcriterion -lm -lzstd -lz || exit 1
	ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/fuzz/seeds" "$folder/corpus" || exit 1
	nice "$folder/fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=25 -close_fd_mask=3 \
		-print_final_stats=1 -artifact_prefix="$folder/" "$folder/corpus/$target" >"$folder/log" 2>&1
	code=$?
	[ "$code" = 0 ] && missed=1
	printf '%-10s %s after %s executions\n' "$target" \
		"$([ "$code" = 0 ] && echo 'NOT found' || echo found)" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")"
done
exit "$missed"
