#!/bin/bash
# planted.sh BUILD SECONDS TARGET...: plants a bug in a copy of one source for each target, and says
# after how many executions the target finds it, beginning with the seeds alone. Ends with 1 when one
# is not found.
set -u
BUILD=$1 seconds=$2
shift 2
cd "$(dirname "$0")/../.." || exit 1
flags=(-D_GNU_SOURCE -Iinclude -Isrc -I"$BUILD/include" -O1 -gline-tables-only -std=gnu11 -pthread
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
missed=0
for target in "$@"; do
	main=$BUILD/obj/tests/fuzz/fuzz_$target.o
	with=() libraries=()
	case $target in
	# A catalog's event may name a subsystem that is not there.
	reader) source=src/dump/catalog.c change='s/events\[i\].subsystem >= catalog->nsubsystems/false/' ;;
	# An INDEX may speak of a process that the file does not have.
	index) source=src/dump/index.c change='s/(!share || !share->named)/false/' ;;
	# A backslash at the end of a text is looked behind.
	predicate) source=src/cli/predicate_scan.c change='s/low = high < 0 ? -1 : hex_digit/low = hex_digit/' ;;
	# As it was: the length of a track's name goes to where the buffer has been.
	export) source=src/cli/export/perfetto.c change='s/pb_end(packet.to->data + content, at);/pb_end(inner, at);/' ;;
	# A span may begin with an event that is not there.
	page) source=gen/check.c change='s/event == MAP_NONE \&\& \*name \&\&/event == MAP_NONE \&\& !*name \&\&/' ;;
	# A pattern may be as long as its room, without a NUL.
	filter) source=src/control/filter.c change='s/length >= MAX_PATTERN/length > MAX_PATTERN/' ;;
	# A per cent sign at the end of a value is looked behind.
	environment) source=src/sink/spec.c change='s/low < 0 || high + low == 0/high + low == 0/' ;;
	esac
	case $target in
	reader | index | export) with=("$BUILD/obj/tests/fuzz/mutate.o") ;;
	*) with=("$BUILD/obj/tests/fuzz/mutate_text.o") ;;
	esac
	case $target in
	predicate) with+=("$BUILD/obj/tests/fuzz/regexec.o") ;;
	environment) libraries=(-Wl,--wrap=open) ;;
	esac
	folder=$BUILD/planted/$target
	rm -rf "$folder"
	mkdir -p "$folder/corpus"
	sed "$change" "$source" >"$folder/planted.c"
	if cmp -s "$source" "$folder/planted.c"; then
		echo "planted.sh: $source has no such line" >&2
		exit 1
	fi
	clang "${flags[@]}" -I"$(dirname "$source")" -c -o "$folder/planted.o" "$folder/planted.c" || exit 1
	if [ "$target" = page ]; then
		# rill-gen's parts have names in common with librill's: they are one object.
		libraries=(-lcmark-gfm-extensions -lcmark-gfm)
		parts=("$main" "$folder/planted.o")
		for part in "$BUILD"/obj/gen/*.o; do
			case $part in */main.o | */"$(basename "$source" .c)".o) ;; *) parts+=("$part") ;; esac
		done
		main=$folder/whole.o
		ld -r -o "$main" "${parts[@]}" &&
			objcopy --keep-global-symbol=LLVMFuzzerTestOneInput "$main" || exit 1
	else
		with+=("$folder/planted.o")
	fi
	clang -fsanitize=fuzzer,address,undefined -pthread -o "$folder/fuzz" "$main" "${with[@]}" \
		"$BUILD"/obj/tests/fuzz/common.o "$BUILD"/obj/tests/support/{blocks,entries,files,records}.o \
		"$BUILD"/obj/cli.a "$BUILD"/obj/internal.a -lcriterion -lm -lzstd -lz "${libraries[@]}" ||
		exit 1
	ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/fuzz/seeds" "$folder/corpus" || exit 1
	dictionary=()
	[ -f "tests/fuzz/$target.dict" ] && dictionary=(-dict="tests/fuzz/$target.dict")
	start=$(date +%s)
	nice "$folder/fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=25 -close_fd_mask=3 \
		-print_final_stats=1 -artifact_prefix="$folder/" "${dictionary[@]}" \
		"$folder/corpus/$target" >"$folder/log" 2>&1
	code=$?
	[ "$code" = 0 ] && missed=1
	printf '%-11s %s after %s executions, %s s\n' "$target" \
		"$([ "$code" = 0 ] && echo 'NOT found' || echo found)" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")" $(($(date +%s) - start))
done
exit "$missed"
